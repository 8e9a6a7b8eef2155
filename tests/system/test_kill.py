"""kill -9 at any moment of any stage: the next `dvc repro` goes on, and ends with the bytes of an uninterrupted run."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ENVIRONMENT, lock, run_dvc, run_tool

KILL_ALL = "kill -9 0"  # the process, its parents up to `dvc repro`, and all that they started


def start_repro(folder: Path, environment: dict[str, str] | None = None) -> subprocess.Popen:
    return subprocess.Popen(
        ["dvc", "repro"],
        cwd=folder,
        env={**ENVIRONMENT, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def repro(folder: Path, environment: dict[str, str] | None = None, until: str = "") -> tuple[int, str]:
    """A real `dvc repro` in a process group of its own: exit status and output.

    Where a line of its output holds the text `until`, the whole group is killed.
    """
    process = start_repro(folder, environment)
    output = ""
    for line in process.stdout:
        output += line
        if until and until in line:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait(), output


def trained(output: str) -> list[int]:
    """Numbers of the epochs that the output tells of."""
    return [int(number) for number in re.findall(r"^epoch +(\d+)/", output, re.MULTILINE)]


def went_on_after(output: str) -> int:
    """The epoch after which training went on, 0 where it started anew."""
    found = re.search(r"^train: resumes after epoch (\d+)", output, re.MULTILINE)
    return int(found[1]) if found else 0


FORGOTTEN = ("scan", "validate", "prepare", "train")


@pytest.fixture
def unfinished(clone: Path) -> Path:
    """The finished run, but of some stages nothing is left, neither in dvc.lock nor in DVC's run cache."""
    stages = {name: entry for name, entry in lock(clone).items() if name not in FORGOTTEN}
    (clone / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False))
    shutil.rmtree(clone.parent / "cache/runs")
    shutil.rmtree(clone / ".store")
    return clone


def test_killed_stages_end_as_if_they_never_were(unfinished, pipeline, at):
    """Killed once among many files, and once at the second checkpoint of a training."""
    for event, path in (("open", "*/prepared/a*.png"), ("os.rename", "*/epoch-00002.npz")):
        status, output = repro(unfinished, at(event, path, KILL_ALL))
        assert status == -signal.SIGKILL, f"{path}: {output}"
    status, output = repro(unfinished)
    assert status == 0 and went_on_after(output) == 1 and trained(output)[-2:] == [2, 3], output
    assert lock(unfinished) == lock(pipeline) and "Running stage 'package'" not in output
    changed = run_tool(unfinished, "git", "status", "--porcelain").splitlines()
    assert {line.split()[1] for line in changed} <= {"dvc.lock"}, "a new order of stages"
    assert not list(unfinished.rglob(".part.*"))


@pytest.mark.slow
def test_a_stage_that_outlives_its_dvc_is_not_joined_by_a_second(unfinished, pipeline, at, tmp_path):
    # At its second checkpoint the stage kills DVC and stops, as if it were still at work.
    orphan = at("os.rename", "*/epoch-00002.npz", "echo $PPID > orphan.pid; kill -STOP $PPID; kill -9 $(cat dvc.pid)")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            ["dvc", "repro"], cwd=unfinished, env=ENVIRONMENT | orphan, stdout=log, stderr=log, start_new_session=True
        )
        (unfinished / "dvc.pid").write_text(str(process.pid))
        assert process.wait() == -signal.SIGKILL, (tmp_path / "log").read_text()
    try:
        status, output = repro(unfinished)
        assert status == 255 and "stage 'train' is still running in this folder" in output, output
        assert f"kill {(unfinished / 'orphan.pid').read_text()}" in output
    finally:
        os.kill(int((unfinished / "orphan.pid").read_text()), signal.SIGKILL)
    status, output = repro(unfinished)
    assert status == 0 and went_on_after(output) == 1, output
    assert lock(unfinished) == lock(pipeline)


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_never_was(fresh_clone, pipeline, at):
    def killed_at(event: str, path: str) -> str:
        status, output = repro(fresh_clone, at(event, path, KILL_ALL))
        assert status == -signal.SIGKILL, f"{path}: {output}"
        return output

    killed_at("open", "*/final_files/000100.jpg")
    killed_at("os.rename", "*/rejected.csv")
    killed_at("open", "*/prepared/a*.png")
    in_a_checkpoint = killed_at("os.rename", "*/epoch-00002.npz")
    assert trained(in_a_checkpoint) == [1]
    in_an_epoch = repro(fresh_clone, until="epoch   2/3")[1]
    assert went_on_after(in_an_epoch) == 1 and trained(in_an_epoch)[0] == 2
    before_the_lock = killed_at("os.rename", "metrics/run.json")
    assert went_on_after(before_the_lock) >= 2 and not set(trained(before_the_lock)) & {1, 2}
    killed_at("os.rename", "metrics/evaluate.json")

    status, output = repro(fresh_clone)
    assert status == 0 and "Running stage 'train'" not in output, output
    assert lock(fresh_clone) == lock(pipeline)
    assert run_tool(fresh_clone, "git", "status", "--porcelain") == ""
    assert not list(fresh_clone.rglob(".part.*"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_kills_at_any_moment_change_nothing(fresh_clone, pipeline, seed):
    """Wherever they land: in Python, in DVC, in TensorFlow, between stages."""
    random = np.random.default_rng(seed)
    for _ in range(12):
        process = start_repro(fresh_clone)
        try:
            process.communicate(timeout=random.uniform(1, 25))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        if "is invalid" in run_dvc(fresh_clone, "status").stderr:
            (fresh_clone / "dvc.lock").unlink()  # torn by the kill; it was never committed here
    status, output = repro(fresh_clone)
    assert status == 0, output
    assert lock(fresh_clone) == lock(pipeline)
    assert run_tool(fresh_clone, "git", "status", "--porcelain") == ""
