"""What a change of data, params, code or libraries makes run again, and which photos are decoded."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import change, copy_with_cache, run_dvc, run_tool, write_photo
from PIL import Image

LABELS, PHOTOS = Path("data/mine/labels.csv"), Path("data/mine/final_files")
# Python imports a module of this name when it starts: every photo that a stage opens is noted.
HOOK = """
import os, sys

def hook(event, arguments):
    if event == "open" and "DVC_STAGE" in os.environ and str(arguments[0]).endswith(".jpg"):
        with open(os.environ["OPENED"], "a") as notes:
            print(os.environ["DVC_STAGE"], os.path.basename(arguments[0]), file=notes)

sys.addaudithook(hook)
"""


@pytest.fixture(scope="module")
def finished(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run, had the sample's photos and labels been a user's own."""
    clone = copy_with_cache(pipeline, tmp_path_factory.mktemp("mine"))
    shutil.copytree(clone / "data/sample", clone / "data/mine")
    change(clone, "dataset", labels=str(LABELS), images=str(PHOTOS))
    change(clone, "sample", photos=0)
    run_tool(clone, "dvc", "repro", "eda", "index")
    return clone


@pytest.fixture
def mine(finished: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "clone", symlinks=True))


@pytest.fixture
def repro(mine: Path, tmp_path: Path) -> Callable[..., tuple[set[str], set[str]]]:
    """Runs `dvc repro`; gives the stages that ran, and 'STAGE PHOTO' for each photo that was decoded."""
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/sitecustomize.py").write_text(HOOK)
    notes = tmp_path / "opened"

    def run(*stages: str) -> tuple[list[str], set[str]]:
        notes.write_text("")
        done = run_dvc(mine, "repro", *stages, PYTHONPATH=str(tmp_path / "hooks"), OPENED=str(notes))
        assert done.returncode == 0, done.stdout + done.stderr
        return set(stages_of(done.stdout)), set(notes.read_text().splitlines())

    return run


def stages_of(output: str) -> list[str]:
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def figures(folder: Path, stage: str) -> dict:
    return json.loads((folder / f"metrics/{stage}.json").read_text())


def is_up_to_date(folder: Path, stage: str) -> bool:
    return "up to date" in run_tool(folder, "dvc", "status", stage)


def relabel(folder: Path, split: str) -> None:
    """Make a photo of `split` a year older."""
    splits = pd.read_csv(folder / "data/labels/splits.csv", dtype=str).set_index("file_name")["split"]
    labels = pd.read_csv(folder / LABELS, dtype=str, keep_default_na=False)
    row = labels.index[labels["file_name"].map(splits) == split][0]
    labels.loc[row, "real_age"] = str(float(labels.loc[row, "real_age"]) + 1)
    labels.to_csv(folder / LABELS, index=False)


def test_another_image_size_decodes_every_photo_anew(mine, repro):
    """It also shows that the look at opened photos sees them."""
    change(mine, "prepare", image_size=40)
    _, opened = repro("prepare")
    assert len({line for line in opened if line.startswith("prepare ")}) > 100
    assert {Image.open(path).size for path in (mine / "data/prepared").iterdir()} == {(40, 40)}


@pytest.mark.parametrize(("split", "trains"), [("test", False), ("train", True)])
def test_a_mended_label_decodes_no_photo_and_retrains_only_where_it_is_learnt_from(mine, repro, split, trains):
    relabel(mine, split)
    assert repro("eda", "index") == ({"validate", "split", "eda", "index"}, set())
    assert is_up_to_date(mine, "train") != trains


def test_another_salt_decodes_no_photo_and_names_another_validation_set_of_the_same_data(mine, repro):
    before = {**figures(mine, "validate"), **figures(mine, "split")}
    change(mine, "split", salt="other")
    assert repro("index") == ({"check", "split", "index"}, set())
    after = {**figures(mine, "validate"), **figures(mine, "split")}
    assert after["val_version"] != before["val_version"] and after["data_version"] == before["data_version"]


def test_a_photo_without_a_label_is_decoded_alone_and_retrains_nothing(mine, repro):
    write_photo(mine / PHOTOS / "new.jpg", seed=1)
    assert repro("index") == ({"scan", "validate", "prepare", "index"}, {"scan new.jpg", "prepare new.jpg"})
    assert is_up_to_date(mine, "train")


def test_of_new_photos_and_old_ones_only_the_new_are_decoded(mine, repro):
    names = [f"new{number}.jpg" for number in range(3)]
    for number, name in enumerate(names):
        write_photo(mine / PHOTOS / name, seed=number)
    with (mine / LABELS).open("a") as labels:
        labels.writelines(f"{name},30," + "\n" for name in names)
    ran, opened = repro("index")
    assert ran == {"scan", "validate", "split", "prepare", "index"}
    assert opened == {f"{stage} {name}" for stage in ("scan", "prepare") for name in names}
    rows = pd.read_csv(mine / "data/labels/splits.csv", dtype=str)
    assert set(names) <= set(rows["file_name"])


def test_another_answer_of_the_same_network_is_packaged_and_judged_without_a_training(stand_in_clone):
    clone = stand_in_clone
    change(clone, "model", flip_average=False)
    assert stages_of(run_tool(clone, "dvc", "repro", "package")) == ["check", "package"]
    assert json.loads((clone / "models/age.keras").read_text())["flip_average"] is False
    assert not is_up_to_date(clone, "evaluate") and is_up_to_date(clone, "train")


TRAINING = {"scan", "prepare", "weights", "train"}


@pytest.mark.parametrize(
    ("edited", "stale", "fresh"),
    [
        ("requirements.txt", {"report"}, {"check", "package", "evaluate", *TRAINING}),
        ("requirements-compute.txt", {"sample", "package", "evaluate", "report", *TRAINING}, set()),
        ("requirements-charts.txt", {"eda", "evaluate", "report"}, TRAINING),
        ("realage/evaluation/metrics.py", {"evaluate"}, TRAINING),
        ("realage/report/templates/report.html.j2", {"report"}, {"evaluate", *TRAINING}),
        ("realage/report/templates/page.css", {"report"}, {"evaluate", *TRAINING}),
        ("realage/network/heads.py", {"train", "package", "evaluate"}, {"scan", "prepare", "weights", "report"}),
    ],
)
def test_an_edit_makes_stale_what_it_can_affect(clone, edited, stale, fresh):
    with (clone / edited).open("a") as file:
        file.write("\n")
    changed = set(json.loads(run_tool(clone, "dvc", "status", "--json")))
    assert stale <= changed and not fresh & changed
