"""`realage suspects` on photos whose grey is the age: what is listed, and what is not trained again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import (
    ENVIRONMENT,
    PROJECT,
    assert_one_line_error,
    call_realage,
    run_realage,
    write_params,
)
from small_network import small_backbone

from realage.core.digests import digest_of
from realage.core.files import read_listing
from realage.photos.prepared import to_png, write_prepared

COMMAND = ("suspects", "--folds=2", "--size=32", "--epochs=1")
LISTED = Path("data/suspects/suspects.csv")
PHOTOS = 40


@pytest.fixture
def project(workspace: Path, params: dict) -> Path:
    """What the stages up to `weights` leave of 40 grey photos, two of which are near-duplicates of different ages."""
    random, rows, prepared = np.random.default_rng(1), [], Path("data/prepared")
    prepared.mkdir(parents=True)
    for number in range(PHOTOS):
        photo, contents = f"{number:032x}", to_png(np.full((40, 40, 3), 60 + 2 * number, np.uint8))
        write_prepared(prepared, photo, contents)
        rows.append({"file_name": f"={number:02}.png", "real_age": 10.0 + number, "photo": photo, "split": "train",
                     "perceptual_hash": random.bytes(32).hex(), "digest": digest_of(contents)})
    table = pd.DataFrame(rows)
    table.loc[1, ["perceptual_hash", "real_age"]] = [table.at[0, "perceptual_hash"], 90.0]
    labels = Path("data/labels")
    labels.mkdir()
    table.drop(columns=["split", "digest"]).to_csv(labels / "clean.csv", index=False)
    table[["file_name", "real_age", "photo", "split"]].to_csv(labels / "splits.csv", index=False)
    table[["photo", "digest"]].to_csv("data/prepared.csv", index=False)
    conflicting = table.loc[[0, 1], ["file_name", "real_age", "split"]].assign(group=1, years_apart=80.0)
    conflicting.to_csv(labels / "conflicting_ages.csv", index=False)
    params["prepare"] |= {"image_size": 40}
    params["train"] |= {"weight_average": 0.0, "warmup_epochs": 0, "batch_size": 8}
    write_params(workspace, params)
    return workspace


def test_all_labels_are_listed_and_a_finished_fold_is_not_trained_again(project, monkeypatch):
    monkeypatch.setattr("realage.network.model.build_backbone", small_backbone)
    monkeypatch.setattr("realage.suspects.search.set_up_device", lambda *_: "a processor")
    done = call_realage(project, *COMMAND)
    assert done.returncode == 0, done.stderr
    assert "40 photos in 2 folds, 1 epochs each, 32 pixels" in done.stdout and "photos/s in training" in done.stdout
    ranked = read_listing(LISTED)
    assert sorted(ranked["file_name"]) == [f"={number:02}.png" for number in range(PHOTOS)]
    assert ranked["file_name"][0] == "=00.png" or ranked["file_name"][0] == "=01.png"
    assert ranked["rule"][0] == "conflicting_ages" and "\n'=0" in LISTED.read_text()
    assert Path("data/suspects/suspects.png").read_bytes().startswith(b"\x89PNG")
    left = {path.name for path in Path("data/suspects").iterdir()}
    assert left == {"suspects.csv", "suspects.png", "folds.csv", "folds", "running.lock"}, "no photos, no checkpoints"

    listed, finished = LISTED.read_bytes(), sorted(Path("data/suspects/folds").iterdir())
    assert len(finished) == 2
    finished[0].unlink()
    again = call_realage(project, *COMMAND)
    assert "1 of 2 folds are finished already" in again.stdout and again.stdout.count("suspects: fold ") == 1
    assert LISTED.read_bytes() == listed


def test_before_the_first_run_the_error_says_what_to_run(workspace, params):
    write_params(workspace, params)
    assert_one_line_error(run_realage(workspace, *COMMAND[:3], "--epochs=3"), "data/prepared.csv", "dvc repro")


def test_too_few_epochs_for_the_recipe_are_refused(workspace, params):
    params["train"] |= {"weight_average": 2.0}
    write_params(workspace, params)
    done = run_realage(workspace, "suspects", "--epochs=2")
    assert_one_line_error(done, "--epochs 2 is too few", "weight_average must be less than epochs")


@pytest.mark.slow
def test_a_killed_search_goes_on_and_lists_the_same(project):
    assert run_realage(project, *COMMAND[:3], "--epochs=3").returncode == 0
    listed = LISTED.read_bytes()
    for file in Path("data/suspects/folds").iterdir():
        file.unlink()
    with subprocess.Popen(
        [sys.executable, "-m", "realage", *COMMAND[:3], "--epochs=3"],
        env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT)}, stdout=subprocess.PIPE, text=True,
    ) as search:  # fmt: skip
        for line in search.stdout:
            if line.startswith("epoch   2/3") and Path("data/suspects/training/1").exists():
                break
        os.kill(search.pid, signal.SIGKILL)
    done = run_realage(project, *COMMAND[:3], "--epochs=3")
    assert "1 of 2 folds are finished already" in done.stdout and "resumes after epoch 2 of 3" in done.stdout
    assert LISTED.read_bytes() == listed
