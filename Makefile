# Everything runs in .venv, which the first target that needs it builds; nothing else is installed.
PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)
# A process a core; tests of one file share what they set up.
PARALLEL := -n logical --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help repro verify reproducible mend-cache test test-all lint script lock

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

repro: .venv/installed ## run the whole pipeline on what params.yaml names, then print the result
	@dvc repro
	@python -m tools.summary

verify: .venv/installed ## retrain the current commit in a fresh clone: same inputs, same bytes?
	@python -m tools.verify

reproducible: .venv/installed ## does dvc.lock belong to this commit? asked without data, for a colleague's clone and CI
	@python -m tools.reproducible

mend-cache: .venv/installed ## take what is damaged out of DVC's cache
	@python -m tools.mend_cache

test: .venv/installed-dev ## run the tests
	@python -m pytest $(PARALLEL)

test-all: .venv/installed-dev ## run the slow tests too
	@python -m pytest $(PARALLEL) -m "slow or not slow"

lint: .venv/installed-dev ## check the code's style, and the workflows of GitHub Actions
	@ruff check .
	@check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@zizmor --offline --quiet .github/workflows

script: .venv/installed ## pack code and params into one file, dist/train.py, for a rented GPU or a notebook
	@python -m tools.make_script

lock: .venv/installed-dev ## compile the pinned requirements from the short lists
	@uv pip compile -q --universal --python-version 3.11 --no-header requirements.in -o requirements.txt
	@uv pip compile -q --universal --python-version 3.11 --no-header requirements-dev.in -o requirements-dev.txt
	@uv pip compile -q --universal --python-version 3.11 --no-header requirements-gpu.in -o requirements-gpu.txt

.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) \
		and "error: TensorFlow needs Python 3.11, 3.12 or 3.13: name one, as in: make PYTHON=python3.12 repro")'
	@echo "installing the pinned requirements into .venv (a minute or two) ..."
	@$(PYTHON) -m venv .venv
	@python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@python -m tools.chart_library .venv/vega.js
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
