# Everything runs in .venv, which the first target that needs it builds; nothing else is installed.
PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)
# One process more than cores, as tests also wait; tests of one file share what they set up, and long files start first.
PARALLEL := -n $(shell echo $$(($$(nproc 2>/dev/null || sysctl -n hw.ncpu) + 1))) --dist loadfile --no-loadscope-reorder
# Extras are kept: without them pip finds a newer release of such a package and refuses it for want of a hash.
COMPILE := uv pip compile -q --universal --python-version 3.11 --no-header --no-strip-extras
INSTALL := python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help repro verify reproducible mend-cache test test-all lint coverage bench docs script presets wheel lock

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

repro: .venv/installed ## run the whole pipeline on what params.yaml names, then print the result
	@realage params
	@dvc repro
	@realage summary

verify: .venv/installed ## retrain the current commit in a fresh clone: same inputs, same bytes?
	@realage verify

reproducible: .venv/installed ## does dvc.lock belong to this commit? asked without data, for a colleague's clone and CI
	@realage reproducible

mend-cache: .venv/installed ## take what is damaged out of DVC's cache
	@realage mend-cache

test: .venv/installed-dev ## run the tests
	@python -m pytest $(PARALLEL)

test-all: .venv/installed-dev ## run the slow tests too
	@python -m pytest $(PARALLEL) -m "slow or not slow"

lint: .venv/installed-dev ## check style, types, which package imports which, presets, and GitHub's workflows
	@ruff check .
	@mypy
	@lint-imports --no-logo
	@check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@zizmor --offline --quiet .github/workflows

coverage: .venv/installed-dev ## run the tests and say which lines none of them runs
	@python -m pytest $(PARALLEL) --cov --cov-report=term --cov-report=html

bench: .venv/installed ## measure speed against named rivals in the same run; run 'make repro' first
	@python -m benchmarks

docs: .venv/installed-dev ## build the documentation as a site that works offline: site/index.html
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict

script: .venv/installed ## pack code and params into one file, dist/train.py, for a rented GPU or a notebook
	@realage script

presets: .venv/installed ## write presets/*.yaml anew from params.yaml and presets/differences
	@realage presets

wheel: ## build dist/realage-VERSION-py3-none-any.whl, to use models without this clone and TensorFlow
	@rm -f dist/*.whl
	@$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

lock: .venv/installed-dev ## compile the pinned requirements from the short lists
	@$(COMPILE) --generate-hashes requirements.in requirements-base.in requirements-compute.in requirements-charts.in \
		requirements-export.in requirements-serve.in -o requirements.txt
	@$(COMPILE) --no-deps --no-annotate -c requirements.txt requirements-compute.in -o requirements-compute.txt
	@$(COMPILE) --no-deps --no-annotate -c requirements.txt requirements-charts.in -o requirements-charts.txt
	@$(COMPILE) --no-deps --no-annotate -c requirements.txt requirements-export.in -o requirements-export.txt
	@$(COMPILE) --generate-hashes --no-annotate -c requirements.txt requirements-base.in requirements-serve.in \
		-o requirements-serve.txt
	@$(COMPILE) --generate-hashes requirements-dev.in -o requirements-dev.txt
	@$(COMPILE) --generate-hashes requirements-gpu.in -o requirements-gpu.txt

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) \
		and "error: TensorFlow needs Python 3.11, 3.12 or 3.13: name one, as in: make PYTHON=python3.12 repro")'
	@echo "installing the pinned requirements into .venv (a minute or two) ..."
	@$(PYTHON) -m venv .venv
	@$(INSTALL) --require-hashes -r requirements.txt
	@$(INSTALL) --no-deps -e .
	@python -m realage.project.vega .venv/vega.js
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@
