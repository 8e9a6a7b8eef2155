"""Git and DVC that fail say why in their own words, and the line says what to do."""

import subprocess
from pathlib import Path

import pytest
from conftest import PROJECT, assert_one_line_error, run_module, run_realage, run_tool

from realage.core.errors import UserError
from realage.core.programs import dvc, explained, git

NOBODY = """
import pwd

def nobody(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")

pwd.getpwuid = nobody
"""


@pytest.fixture
def repository(workspace: Path) -> Path:
    """A commit with a DVC project, as the current folder."""
    (workspace / ".dvc").mkdir()
    (workspace / ".dvc/config").touch()
    (workspace / "dvc.yaml").write_text("stages: {}\n")
    run_tool(workspace, "git", "init", "-q")
    run_tool(workspace, "git", "add", "-A")
    run_tool(workspace, "git", "commit", "-qm", "first")
    return workspace


COMMANDS = [("compare", "HEAD"), ("promote", "prod"), ("verify",)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_repository_of_another_user_is_called_that(repository, command):
    done = run_realage(repository, *command, GIT_TEST_ASSUME_DIFFERENT_OWNER="1", LC_ALL="de_DE.UTF-8")
    cure = f"git config --global --add safe.directory {repository}"
    assert_one_line_error(done, "fatal: detected dubious ownership", "belongs to another user", cure)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_download_without_git_is_called_that(workspace, command):
    assert_one_line_error(run_realage(workspace, *command), "fatal: not a git repository", "ZIP", "git clone")


def test_data_of_a_download_without_git_cannot_be_compared(repository):
    subprocess.run(["rm", "-r", ".git"], check=True)
    assert_one_line_error(run_realage(repository, "compare-data", "HEAD"), "not a git repository", "ZIP", "git clone")


def test_a_user_without_name_and_home_is_called_that(repository):
    (repository / "sitecustomize.py").write_text(NOBODY)
    nobody = {"PYTHONPATH": f"{repository}:{PROJECT}", "HOME": "", "USER": "", "LOGNAME": ""}
    assert_one_line_error(run_module("realage", repository, "mend-cache", **nobody), "home folder", "USER", "HOME")
    nobody["HOME"] = str(repository)
    assert_one_line_error(run_module("realage", repository, "reproducible", **nobody), "getpwuid", "USER", "HOME")


def test_an_unknown_commit_is_still_an_unknown_commit(repository):
    assert_one_line_error(run_realage(repository, "compare", "nowhere"), "nowhere: no such commit", "git log")


def test_in_a_shallow_clone_an_unknown_commit_may_be_an_older_one(repository, tmp_path):
    run_tool(repository, "git", "commit", "-q", "--allow-empty", "-m", "second")
    run_tool(tmp_path, "git", "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    assert_one_line_error(run_realage(tmp_path / "shallow", "compare", "HEAD~1"), "git fetch --tags --unshallow")


def test_without_a_commit_there_is_nothing_to_verify(workspace):
    run_tool(workspace, "git", "init", "-q")
    assert_one_line_error(run_realage(workspace, "verify"), "no commit to verify")


def test_a_program_that_is_not_there_is_named(workspace, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="^git: not found"):
        git("status")


def test_the_output_of_a_program_that_succeeds(repository):
    assert git("rev-parse", "--abbrev-ref", "--symbolic-full-name", "HEAD")
    assert Path(dvc("cache", "dir").strip()) == repository / ".dvc/cache"
    assert dvc("check-ignore", "--stdin", stdin="a\nb", good=(0, 1)) == ""


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("fatal: bad object\nhint: try again\n", "fatal: bad object"),
        ("\x1b[31mERROR\x1b[0m: failed to pull\n\nHaving any troubles?\n", "ERROR: failed to pull"),
        ("Traceback (most recent call last):\n  File ...\nKeyError: 'x'\n", "KeyError: 'x'"),
        ("", "it gave no reason"),
        (ValueError("one\nand two"), "one and two"),
    ],
)
def test_the_line_that_says_why(output, line):
    assert explained(output) == line
