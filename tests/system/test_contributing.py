"""CONTRIBUTING.md, word for word: the diffs of each example apply, its commands pass, and the change works."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import PROJECT, commands, run_tool, type_in

from realage.core.files import read_json

PAGE = "CONTRIBUTING.md"


def with_tests(clone: Path) -> Path:
    shutil.copytree(PROJECT / "tests", clone / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    return clone


def follow(project: Path, heading: str) -> str:
    """Apply the diffs under `heading` and type in the commands; returns what they print."""
    section = (PROJECT / PAGE).read_text(encoding="utf-8").partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    diffs = re.findall(r"^```diff\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)
    (project / "example.diff").write_text("".join(diffs), encoding="utf-8")
    run_tool(project, "git", "apply", "example.diff")
    # These tests use none of pytest's plugins, which take a second to load.
    return type_in(project, commands(PAGE, heading), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")


def errors(project: Path) -> pd.DataFrame:
    """The predictions with a column `error`, absolute and in years."""
    rows = pd.read_csv(project / "data/predictions.csv")
    return rows.assign(error=(rows["predicted_age"] - rows["real_age"]).abs())


@pytest.mark.slow
def test_the_head_learns_is_saved_and_predicts(clone):
    project = with_tests(clone)
    printed = follow(project, "## Add a head")
    assert re.search(r"= \d+ passed", printed), printed


def test_the_measure_is_in_the_metrics(stand_in_clone):
    project = with_tests(stand_in_clone)
    printed = follow(project, "## Add a measure")
    found = read_json(project / "metrics/evaluate.json")
    for split, rows in errors(project).groupby("split"):
        assert found[split]["p90_ae"] == pytest.approx(rows["error"].quantile(0.9), abs=1e-3)
        assert f"{split}.p90_ae" in printed


def test_the_stage_runs_and_dvc_keeps_what_it_writes(stand_in_clone):
    project = with_tests(stand_in_clone)
    printed = follow(project, "## Add a stage")
    assert re.findall(r"Running stage '(\w+)'", printed) == ["worst"]
    rows = errors(project)
    listed = pd.read_csv(project / "data/worst.csv")
    assert list(listed["photo"]) == list(rows.sort_values("error", ascending=False)["photo"][:10])
    assert "/worst.csv" in (project / "data/.gitignore").read_text().split()
