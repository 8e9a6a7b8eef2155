"""What happens to a run while Git, DVC or a second run work in the same folder, and after a clock has gone back."""

import os
import shutil
import time
from pathlib import Path

import pytest
from conftest import change, commit, lock, run_dvc, run_tool, stage_error
from PIL import Image

from realage.core.paths import NETWORK, PREPARED

pytestmark = pytest.mark.slow

IN_TRAINING = ("os.rename", "metrics/train.json")  # before the network is written


def stages_run(output: str) -> list[str]:
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def is_up_to_date(folder: Path) -> bool:
    return "up to date" in run_tool(folder, "dvc", "status")


def test_a_second_run_is_refused_and_the_first_one_finishes(stand_in_clone, at):
    change(stand_in_clone, "train", learning_rate=0.002)
    second = at(*IN_TRAINING, "env -u DVC_STAGE dvc repro > second.log 2>&1")
    done = run_dvc(stand_in_clone, "repro", **second)
    assert done.returncode == 0 and is_up_to_date(stand_in_clone), done.stderr
    said = (stand_in_clone / "second.log").read_text()
    assert "is busy, it is being blocked by" in said and stages_run(said) == []


def test_a_commit_that_is_checked_out_during_training_is_not_locked_with_the_results_of_another(stand_in_clone, at):
    run_tool(stand_in_clone, "git", "checkout", "-qb", "other")
    change(stand_in_clone, "train", learning_rate=0.003)
    commit(stand_in_clone)
    run_tool(stand_in_clone, "git", "checkout", "-q", "-")
    change(stand_in_clone, "train", learning_rate=0.002)
    commit(stand_in_clone)
    before = lock(stand_in_clone)["train"]
    done = run_dvc(stand_in_clone, "repro", **at(*IN_TRAINING, "git checkout -q other"))
    assert "params.yaml, train: changed while stage 'train' ran" in stage_error(done)
    assert lock(stand_in_clone)["train"] == before

    run_tool(stand_in_clone, "git", "checkout", "-q", "-")
    assert "train" in stages_run(run_tool(stand_in_clone, "dvc", "repro")) and is_up_to_date(stand_in_clone)


def test_outs_that_dvc_restores_during_training_are_replaced_and_the_cache_is_not_written_to(stand_in_clone, at):
    run_tool(stand_in_clone, "dvc", "config", "--local", "cache.type", "symlink")
    change(stand_in_clone, "train", learning_rate=0.002)
    old = (stand_in_clone / NETWORK).read_text()
    restore = f"dvc checkout && readlink {NETWORK} > restored"
    done = run_dvc(stand_in_clone, "repro", "train", **at(*IN_TRAINING, restore))
    assert done.returncode == 0 and "up to date" in run_tool(stand_in_clone, "dvc", "status", "train"), done.stderr
    assert (stand_in_clone / NETWORK).read_text() != old
    assert Path((stand_in_clone / "restored").read_text().strip()).read_text() == old


def test_prepared_photos_of_two_versions_train_nothing_and_are_made_again_as_the_line_says(clone, at):
    change(clone, "prepare", image_size=40)
    restore = at("open", "*/prepared/a*.png", "dvc checkout --force")
    done = run_dvc(clone, "repro", "prepare", "train", REALAGE_WORKERS="1", **restore)
    error = stage_error(done)
    assert error.startswith("error: data/prepared/") and "delete data/prepared and run 'dvc repro'" in error

    shutil.rmtree(clone / PREPARED)
    run_tool(clone, "dvc", "repro", "index")
    assert {Image.open(photo).size for photo in (clone / PREPARED).iterdir()} == {(40, 40)}


def test_files_of_the_future_are_up_to_date_and_a_change_of_them_is_noticed(stand_in_clone):
    tomorrow = time.time() + 86_400
    for file in stand_in_clone.rglob("*"):
        if file.is_file() and ".git" not in file.parts:
            os.utime(file, (tomorrow, tomorrow))
    assert stages_run(run_tool(stand_in_clone, "dvc", "repro")) == []
    change(stand_in_clone, "report", title="Of today")
    assert stages_run(run_tool(stand_in_clone, "dvc", "repro")) == ["check", "report"]
