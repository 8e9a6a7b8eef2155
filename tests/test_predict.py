"""`python -m realage.predict`: ages for photos and folders, and a reason for each photo without one."""

import json
import shutil

import pandas as pd
import pytest
from conftest import assert_one_line_error, run_module


@pytest.fixture
def photos(pipeline) -> list[str]:
    """Held-out photos of the small run, by name."""
    return list(pd.read_csv(pipeline / "data/predictions.csv")["file_name"])


def test_predicts_what_evaluation_predicted(pipeline, photos):
    expected = pd.read_csv(pipeline / "data/predictions.csv").set_index("file_name")["predicted_age"]
    paths = [f"data/sample/final_files/{name}" for name in photos[:5]]
    rows = json.loads(run_module("realage.predict", pipeline, *paths, "--format", "json").stdout)
    assert [row["photo"] for row in rows] == paths
    assert [row["age"] for row in rows] == pytest.approx(expected[photos[:5]].tolist(), abs=0.06)


def test_a_folder_as_csv_and_one_photo_as_table(pipeline, photos, tmp_path):
    for name in photos[:3]:
        shutil.copy(pipeline / "data/sample/final_files" / name, tmp_path)
    model = str(pipeline / "models/age.keras")
    done = run_module("realage.predict", tmp_path, ".", "--model", model, "--format", "csv")
    lines = done.stdout.splitlines()
    assert lines[0] == "photo,age,error" and [line.split(",")[0] for line in lines[1:]] == sorted(photos[:3])
    done = run_module("realage.predict", tmp_path, photos[0], "--model", model)
    assert photos[0] in done.stdout and done.stderr == ""


def test_a_bad_photo_is_named_and_the_others_are_predicted(pipeline, photos, tmp_path):
    shutil.copy(pipeline / "data/sample/final_files" / photos[0], tmp_path / "good.jpg")
    (tmp_path / "bad.jpg").write_text("no photo")
    model = str(pipeline / "models/age.keras")
    done = run_module("realage.predict", tmp_path, "good.jpg", "bad.jpg", "--model", model, "--format", "json")
    assert_one_line_error(done, "1 of 2 photos")
    good, bad = json.loads(done.stdout)
    assert good["age"] is not None and bad["age"] is None and bad["error"]


def test_what_is_not_there_is_named(pipeline, tmp_path):
    assert_one_line_error(run_module("realage.predict", pipeline, "nowhere.jpg"), "nowhere.jpg")
    (tmp_path / "empty").mkdir()
    assert_one_line_error(run_module("realage.predict", pipeline, str(tmp_path / "empty")), "no photos")
    (tmp_path / "a.jpg").touch()
    assert_one_line_error(run_module("realage.predict", tmp_path, "a.jpg"), "models/age.keras", "dvc repro")
