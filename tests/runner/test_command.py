"""How a program ends if its output is closed, and what it prints if a terminal lacks the characters."""

import os
import subprocess
import sys

import pytest
from conftest import ENVIRONMENT, PROJECT, call_stages, run_module, write_params, write_photo

from realage.core.errors import UserError
from realage.runner.command import run

NAMES = """
from realage.core.errors import UserError
from realage.runner.command import run

def command():
    print("\\u6570\\u636e_\\u00fc \\udcff")
    raise UserError("\\u6570\\u636e.jpg: no photo")

run(command)
"""


def run_without_reader(folder, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run Python with a standard output that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT), **environment},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(writer)


@pytest.fixture
def refused(workspace, params):
    """Labels with an error that `validate` must not let pass, scanned."""
    write_photo(workspace / "photos/a.jpg", seed=1)
    (workspace / "labels.csv").write_text("file_name,real_age\na.jpg,30\nb.jpg,30\n")
    params["dataset"] = {"labels": "labels.csv", "images": "photos"}
    params["validate"] |= {"on_reject": "fail"}
    write_params(workspace, params)
    assert call_stages(workspace, "scan").returncode == 0
    return workspace


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_refused_data_set_does_not_pass_when_the_reader_has_gone(refused, unbuffered):
    done = run_without_reader(refused, "-m", "stages.validate", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1 and done.stderr.startswith("error: 1 rows or photos rejected"), done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_for_a_stage_a_reader_that_has_gone_is_no_success(refused, unbuffered):
    done = run_without_reader(refused, "-m", "stages.scan", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1 and done.stderr.startswith("error: standard output: closed"), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_command_that_changes_or_judges_something_does_not_succeed_either(workspace, params):
    write_params(workspace, params)
    done = run_without_reader(workspace, "-m", "realage", "params")
    assert done.returncode == 1 and done.stderr.startswith("error: standard output: closed")


def test_an_output_that_was_closed_before_the_start_is_no_error(workspace, params):
    write_params(workspace, params)
    command = ["sh", "-c", f"{sys.executable} -m realage params >&- 2>&-"]
    assert subprocess.run(command, cwd=workspace, env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT)}).returncode == 0


def test_a_long_name_does_not_hide_the_reason(capsys):
    def command():
        raise UserError(f"{'a' * 5_000}: no such file: correct the name")

    with pytest.raises(SystemExit):
        run(command)
    line = capsys.readouterr().err
    assert line.startswith("error: aaaa") and line.endswith("aaa: no such file: correct the name\n")
    assert len(line) < 1_100


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", r"\u6570\u636e_\xfc \udcff"),
        ("cp1252", r"\u6570\u636e_ü \udcff"),
        ("latin-1", r"\u6570\u636e_ü \udcff"),
        ("utf-8", "\u6570\u636e_ü " + r"\udcff"),
    ],
)
def test_a_name_that_the_output_cannot_show_is_escaped(workspace, encoding, shown):
    done = subprocess.run(
        [sys.executable, "-c", NAMES],
        env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert done.stdout.decode(encoding).strip() == shown
    error = done.stderr.decode(encoding)
    assert done.returncode == 1 and error.startswith("error: ") and len(error.splitlines()) == 1


def test_ages_of_photos_whose_names_cannot_be_shown(workspace):
    write_photo(workspace / "photos/\u6570\u636e_ü.jpg", seed=1)
    model = str(PROJECT / "tests/data/regression-0.1.keras")
    done = run_module("realage", workspace, "predict", "photos", "--model", model, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and r"\u6570\u636e_" in done.stdout, done.stderr
