"""`dvc exp`: experiments away from the workspace, under the real DVC and Git."""

import json
import time
from pathlib import Path

import pytest
import yaml
from conftest import run_dvc, run_tool

pytestmark = pytest.mark.slow

MOST_SECONDS = 900  # for two small trainings at once; a slow machine is no failing test


def results(folder: Path) -> dict[str, bytes]:
    """Whatever a run leaves to look at: the lock, the model, figures and pictures."""
    files = [path for name in ("metrics", "plots", "models") for path in sorted((folder / name).rglob("*"))]
    return {str(path): path.read_bytes() for path in (folder / "dvc.lock", *files) if path.is_file()}


def experiments(folder: Path) -> dict[str, tuple[float, float]]:
    """Each finished experiment's learning rate and validation MAE, by its name."""
    commit = json.loads(run_tool(folder, "dvc", "exp", "show", "--json"))[1]
    found = {}
    for experiment in commit["experiments"] or []:
        data = experiment["revs"][0]["data"]
        rate = data["params"]["params.yaml"]["data"]["train"]["learning_rate"]
        found[experiment["name"]] = rate, data["metrics"]["metrics/evaluate.json"]["data"]["val"]["mae"]
    return found


def wait_for_the_queue(folder: Path) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while (status := run_tool(folder, "dvc", "queue", "status")).count("Success") < 2:
        assert "Failed" not in status, run_tool(folder, "dvc", "queue", "logs", "fast")
        assert time.monotonic() < deadline, status
        time.sleep(2)


def test_an_experiment_in_a_folder_of_its_own_leaves_the_workspace_alone(clone):
    before = results(clone)
    run_tool(clone, "dvc", "exp", "run", "--temp", "--name", "faster", "-S", "train.learning_rate=0.002")
    assert results(clone) == before and run_tool(clone, "git", "status", "--porcelain") == ""
    assert experiments(clone)["faster"][0] == 0.002


def test_an_experiment_in_a_folder_of_its_own_cannot_see_the_workspaces_checkpoints(clone):
    """A training that starts from another's checkpoints would answer for params that nobody asked it about."""
    (clone / "checkpoints").mkdir(exist_ok=True)
    (clone / "checkpoints/left-over.npz").write_bytes(b"of another training")
    look = "import pathlib, sys\nif pathlib.Path('checkpoints').exists():\n    sys.exit('sees the checkpoints')\n"
    stage = clone / "stages/check.py"
    stage.write_text(look + stage.read_text())
    assert "sees the checkpoints" in run_dvc(clone, "repro", "check").stderr
    run_tool(clone, "dvc", "exp", "run", "--temp", "-S", "report.title=Elsewhere")


def test_two_queued_experiments_run_at_once_and_one_is_brought_in(clone):
    before = results(clone)
    for name, rate in (("slow", "0.0001"), ("fast", "0.01")):
        run_tool(clone, "dvc", "exp", "run", "--queue", "--name", name, "-S", f"train.learning_rate={rate}")
    try:
        run_tool(clone, "dvc", "queue", "start", "--jobs", "2")
        wait_for_the_queue(clone)
    finally:
        run_tool(clone, "dvc", "queue", "stop", "--kill")
    assert results(clone) == before and run_tool(clone, "git", "status", "--porcelain") == ""

    found = experiments(clone)
    assert {name: rate for name, (rate, _) in found.items()} == {"slow": 0.0001, "fast": 0.01}

    run_tool(clone, "dvc", "exp", "apply", "fast")
    assert yaml.safe_load((clone / "params.yaml").read_text())["train"]["learning_rate"] == 0.01
    assert json.loads((clone / "metrics/evaluate.json").read_text())["val"]["mae"] == found["fast"][1]
    assert results(clone)[str(clone / "models/age.keras")] != before[str(clone / "models/age.keras")]
    assert "Running stage" not in run_tool(clone, "dvc", "repro")
