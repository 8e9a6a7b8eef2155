"""What is said of the data is true of the data, for many photos or few, and shows no face where it must not."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from realage.eda import (
    EdaParams,
    MeanFaces,
    count_decades,
    describe,
    measure,
    pick_examples,
    survey_photos,
    thumbnail_of,
)
from realage.errors import UserError
from realage.photos import pixel_hash
from stages.eda import eda

OUTS = {
    "ages.csv", "ages.png", "decades.csv", "decades.png", "photos.csv", "photo_sizes.png", "contact_sheet.png",
    "mean_faces.png",
}


def solid(color, height=40, width=40):
    return np.full((height, width, 3), color, "uint8")


def write_data(folder, ages, splits=("train", "val", "test"), names="{}.png"):
    """A project folder with one noisy photo for each age (years), and splits.csv."""
    draw = np.random.default_rng(0)
    images = folder / "images"
    images.mkdir(parents=True)
    rows = []
    for number, age in enumerate(ages):
        pixels = draw.integers(0, 255, (40 + number % 3, 48, 3), "uint8")
        Image.fromarray(pixels).save(images / names.format(number))
        rows.append((names.format(number), age, pixel_hash(pixels), splits[number % len(splits)]))
    (folder / "data/labels").mkdir(parents=True)
    table = pd.DataFrame(rows, columns=["file_name", "real_age", "photo", "split"])
    table.to_csv(folder / "data/labels/splits.csv", index=False)
    params = {
        "dataset": {"labels": "labels.csv", "images": "images"}, "eda": {"contact_sheet_columns": 3, "seed": 1}
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return table


def test_stage_writes_its_outs_and_true_figures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ages = [5, 20, 22, 25, 30, 31, 31.5, 47, 99, 104] * 3
    write_data(tmp_path, ages, names="Jane Doe $x^2$ {}.png")
    eda()
    assert {path.name for path in (tmp_path / "plots/eda").iterdir()} == OUTS
    facts = json.loads((tmp_path / "metrics/eda.json").read_text())
    assert facts["photos"] == 30
    assert facts["age_mean"] == pytest.approx(np.mean(ages))
    assert facts["age_sd"] == pytest.approx(np.std(ages))
    assert facts["share_20_30"] == pytest.approx(0.4)
    assert facts["by_decade"] == {
        "0-9": 3, "10-19": 0, "20-29": 9, "30-39": 9, "40-49": 3, "50-59": 0, "60-69": 0, "70-79": 0, "80-89": 0,
        "90+": 6,
    }
    assert facts["imbalance_ratio"] == 3
    # Nine years of age, 31 twice as frequent as the others: less varied than ten, more than eight.
    assert 8 < facts["effective_ages"] < 10
    assert (facts["median_width"], facts["median_height"]) == (48, 41)
    written = [*(tmp_path / "plots/eda").iterdir(), tmp_path / "metrics/eda.json"]
    assert not [path.name for path in written if b"Jane" in path.read_bytes()]
    counted = pd.read_csv(tmp_path / "plots/eda/ages.csv")
    assert counted["photos"].sum() == 30 and counted.loc[counted["age"] == 31, "photos"].sum() == 6


def test_worker_threads_change_no_byte(tmp_path, monkeypatch):
    rows = write_data(tmp_path, list(range(3, 60, 2)))
    surveys = []
    for workers in ("1", "4"):
        monkeypatch.setenv("REALAGE_WORKERS", workers)
        surveys.append(survey_photos(tmp_path / "images", rows, picked=rows.index))
    assert surveys[0].measures.equals(surveys[1].measures)
    for pictures in ("thumbnails", "mean_faces"):
        one, four = (getattr(survey, pictures) for survey in surveys)
        assert one.keys() == four.keys() and all((one[key] == four[key]).all() for key in one)


def test_same_photos_give_the_same_bytes(tmp_path, monkeypatch):
    made = []
    for name in ("one", "two"):
        write_data(tmp_path / name, [8, 20, 30])
        monkeypatch.chdir(tmp_path / name)
        eda()
        made.append({path.name: path.read_bytes() for path in (tmp_path / name / "plots/eda").iterdir()})
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("ages", "splits"), [([33.0] * 4, ("train", "val")), ([1, 119], ("train", "val")), ([40], ("train",))]
)
def test_odd_data_sets_are_drawn_too(tmp_path, monkeypatch, ages, splits):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path, ages, splits)
    eda()
    facts = json.loads((tmp_path / "metrics/eda.json").read_text())
    assert facts["photos"] == len(ages)
    assert facts["effective_ages"] == pytest.approx(len(set(ages)))


def test_a_vanished_photo_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path, [10, 20, 30])
    (tmp_path / "images/1.png").unlink()
    with pytest.raises(UserError, match=r"1\.png.*restore it"):
        eda()


def test_mean_face_of_two_colours_is_their_mean():
    faces = MeanFaces()
    faces.add(20, solid((200, 10, 0)))
    faces.add(20, solid((100, 30, 255)))
    faces.add(0, solid((7, 7, 7)))
    means = faces.means()
    assert list(means) == [0, 20]
    assert means[20].dtype == np.uint8 and (means[20] == (150, 20, 128)).all()
    assert (means[0] == 7).all()


def test_mean_faces_of_photos_keep_to_their_decade(tmp_path):
    photos = {"a.png": solid((0, 0, 0)), "b.png": solid((100, 100, 100)), "c.png": solid((255, 0, 0))}
    for name, pixels in photos.items():
        Image.fromarray(pixels).save(tmp_path / name)
    rows = pd.DataFrame({"file_name": list(photos), "real_age": [20.0, 29.9, 30.0]})
    rows["photo"] = [pixel_hash(pixels) for pixels in photos.values()]
    survey = survey_photos(tmp_path, rows, picked=[2])
    assert (survey.mean_faces[20] == 50).all() and (survey.mean_faces[30] == (255, 0, 0)).all()
    assert list(survey.thumbnails) == [2]


def test_measures_tell_bright_from_dark_and_sharp_from_blurred():
    draw = np.random.default_rng(0)
    noisy = draw.integers(0, 255, (200, 200, 3), "uint8")
    grey = solid(90, 120, 60)
    sharp, flat = measure(noisy, thumbnail_of(noisy)), measure(grey, thumbnail_of(grey))
    assert (flat.width, flat.height) == (60, 120)
    assert (flat.brightness, flat.contrast, flat.sharpness) == (90, 0, 0)
    assert sharp.contrast > 10 and sharp.sharpness > 20


def test_examples_are_the_seeds_pick_from_every_decade():
    rows = pd.DataFrame({"real_age": [3.0, *range(20, 30)], "file_name": [f"{number}" for number in range(11)]})
    picks = [pick_examples(rows, EdaParams(contact_sheet_columns=4, seed=seed)) for seed in (1, 1, 2)]
    assert picks[0].equals(picks[1]) and not picks[0].equals(picks[2])
    assert len(picks[0]) == 5 and picks[0]["real_age"].is_monotonic_increasing


def test_decades_without_photos_are_counted_as_none():
    rows = pd.DataFrame({"real_age": [15.0, 41.0], "split": ["train", "val"]})
    table = count_decades(rows).set_index("decade")[["photos", "train", "val", "test"]]
    assert table.loc["20-29"].tolist() == [0, 0, 0, 0] and table.loc["40-49"].tolist() == [1, 0, 1, 0]
    measures = pd.DataFrame({name: [1.0] for name in ("width", "height", "brightness", "contrast", "sharpness")})
    assert describe(rows, measures)["imbalance_ratio"] == 1

