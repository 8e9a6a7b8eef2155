"""`make reproducible`: whether dvc.lock belongs to the commit, asked in a clone that has neither data nor cache."""

import pytest
from conftest import assert_one_line_error, change, run_realage, run_tool


@pytest.fixture
def bare(pipeline, tmp_path):
    run_tool(tmp_path, "git", "clone", "-q", str(pipeline), "bare")
    return tmp_path / "bare"


def test_a_committed_run_is_reproducible_without_its_data(bare):
    done = run_realage(bare, "reproducible")
    assert done.returncode == 0 and done.stdout.startswith("reproducible: "), done.stderr
    assert run_tool(bare, "git", "status", "--porcelain") == ""


def test_a_param_that_was_changed_without_a_run_is_found(bare):
    change(bare, "train", learning_rate=0.002)
    assert_one_line_error(run_realage(bare, "reproducible"), "check", "dvc repro")


@pytest.mark.parametrize(("file", "stage"), [("realage/network/heads.py", "train"), ("stages/evaluate.py", "evaluate")])
def test_code_that_was_changed_without_a_run_is_found(bare, file, stage):
    with (bare / file).open("a") as code:
        code.write("# changed\n")
    assert_one_line_error(run_realage(bare, "reproducible"), stage, "dvc repro")


def test_what_dvc_cannot_tell_is_no_yes(bare):
    (bare / "dvc.yaml").write_text("stages: [")
    assert_one_line_error(run_realage(bare, "reproducible"), "DVC cannot tell")
