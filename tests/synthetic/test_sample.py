"""The embedded sample: faces that age, labels with known noise, and defects where they are said to be."""

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import write_params

from realage.core.errors import UserError
from realage.core.params import load
from realage.labels.rules import RULES
from stages.scan import scan
from stages.validate import validate
from synthetic.portraits import draw_portrait
from synthetic.portraits.hair import hair_colour
from synthetic.portraits.life import cues_at
from synthetic.portraits.person import draw_person
from synthetic.sample import (
    SampleParams,
    draw_age,
    draw_label,
    planted_defects,
    smallest_mae,
    write_portrait,
    write_sample,
)

PARAMS = SampleParams(photos=60, label_noise=3.0, seed=7)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "inside"
    write_sample(folder, PARAMS)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@cache
def face_crops(age: float) -> np.ndarray:
    """Grey-level pictures, float (12, 64, 64), of the same dozen people at one age."""
    portraits = [draw_portrait(age, np.random.default_rng([3, person])) for person in range(12)]
    return np.stack([cv2.resize(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA) / 255
                     for p in portraits])


@pytest.mark.parametrize("age", [0, 1, 18, 50, 100])
def test_portraits_are_sane_at_any_age(age: float) -> None:
    for seed in range(20):
        photo = draw_portrait(age, np.random.default_rng(seed))
        height, width, channels = photo.shape
        assert photo.dtype == np.uint8 and channels == 3
        assert 96 <= width <= height <= 240
        assert 40 < photo.mean() < 235 and photo.std() > 15


def test_same_generator_same_portrait_and_another_one_differs() -> None:
    first, again, other = (draw_portrait(30, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_the_number_of_threads_changes_no_pixel() -> None:
    threads = cv2.getNumThreads()
    drawn = []
    for number in (1, 8):
        cv2.setNumThreads(number)
        drawn.append([draw_portrait(40, np.random.default_rng([7, person])) for person in range(10)])
    cv2.setNumThreads(threads)
    assert all(np.array_equal(one, many) for one, many in zip(*drawn))


def test_age_shows_and_nothing_else_changes_with_it() -> None:
    young, old = (draw_portrait(age, np.random.default_rng(5)) for age in (20, 70))
    assert young.shape == old.shape
    changed = np.abs(young.astype(int) - old).mean(axis=2)
    assert changed[:5, :5].mean() < 1  # the wall in the corner
    assert changed[20:-20, 20:-20].mean() > 5


def test_foreheads_wrinkle_through_adult_life() -> None:
    foreheads = [face_crops(age)[:, 18:27, 27:37] for age in (20, 40, 55, 70)]
    lines = [np.abs(np.diff(forehead, axis=1)).mean() for forehead in foreheads]
    assert lines == sorted(lines) and lines[-1] > 1.2 * lines[0]


def test_dark_hair_greys() -> None:
    person = replace(draw_person(np.random.default_rng(1)), hair=np.full(3, 0.1))
    greys = [hair_colour(person, cues_at(age, np.random.default_rng(1))).mean() for age in (20, 40, 55, 70)]
    assert greys == sorted(greys) and greys[-1] > greys[0] + 0.5


def test_shoulders_broaden_as_children_grow() -> None:
    # Along the lowest row the clothes set off from the wall: what lies between the outermost edges is shoulders.
    def breadth(age: float) -> float:
        steps = np.abs(np.diff(face_crops(age)[:, -3], axis=1)) > 0.06
        return np.mean([np.ptp(np.flatnonzero(row)) for row in steps if row.any()])

    assert breadth(0) + 2 < breadth(8)


def test_ages_are_shaped_like_the_reference() -> None:
    ages = np.array([draw_age(np.random.default_rng([1, index])) for index in range(4000)])
    assert ages.min() >= 0 and ages.max() <= 100
    assert ages.mean() == pytest.approx(31, abs=1.5)
    assert ages.std() == pytest.approx(17.5, abs=1.5)
    shares = np.histogram(ages, bins=range(0, 101, 10))[0] / len(ages)
    assert shares.argmax() == 2 and np.all(np.diff(shares[2:]) < 0)


def test_label_noise_has_the_promised_floor() -> None:
    rng = np.random.default_rng(1)
    errors = np.array([draw_label(50, 4.0, rng) for _ in range(20_000)]) - 50
    assert errors.mean() == pytest.approx(0, abs=0.1)
    assert errors.std() == pytest.approx(4, rel=0.03)
    assert np.abs(errors).mean() == pytest.approx(smallest_mae(4.0), rel=0.03)


def test_labels_at_the_ends_stay_within_life() -> None:
    rng = np.random.default_rng(1)
    labels = [draw_label(age, 20.0, rng) for age in (0, 100) for _ in range(500)]
    assert min(labels) >= 0 and max(labels) <= 120


def test_same_parameters_same_bytes(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, PARAMS)
    assert contents(tmp_path) == contents(sample)


def test_a_portrait_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    drawn = []
    for photos in (60, 5000):
        row = write_portrait(tmp_path, 41, SampleParams(photos=photos, label_noise=3.0, seed=7))
        drawn.append((row, (tmp_path / row.file_name).read_bytes()))
    assert drawn[0] == drawn[1]


def test_another_seed_draws_other_people(tmp_path: Path) -> None:
    rows = [write_portrait(tmp_path, 41, SampleParams(photos=60, label_noise=3.0, seed=seed)) for seed in (7, 8)]
    assert rows[0].drawn_age != rows[1].drawn_age


def test_exactly_the_planted_defects_are_found(sample: Path, workspace: Path, params: dict) -> None:
    params["dataset"] = {"labels": str(sample / "labels.csv"), "images": str(sample / "final_files")}
    params["validate"]["max_rejected"] = 1.0
    write_params(workspace, params)
    scan()
    validate()
    rejected = pd.read_csv("data/labels/rejected.csv", dtype=str)
    found = Counter(zip(rejected["rule"], rejected["file_name"]))
    assert found == Counter((rule, name) for rule, names in planted_defects(PARAMS).items() for name in names)


def test_each_rule_has_a_planted_defect_and_they_are_spread_out(sample: Path) -> None:
    planted = planted_defects(PARAMS)
    assert set(planted) == set(RULES)
    names = list(pd.read_csv(sample / "labels.csv", dtype=str)["file_name"])
    places = [names.index(name) for rule in planted.values() for name in rule if name in names]
    assert min(places) < len(names) / 4 and max(places) > len(names) * 3 / 4


def test_nothing_is_written_outside_the_folder(sample: Path) -> None:
    assert [path.name for path in sample.parent.iterdir()] == ["inside"]
    assert sorted(path.name for path in sample.iterdir()) == ["final_files", "labels.csv"]


def test_drawn_ages_are_the_faces_ages(sample: Path) -> None:
    table = pd.read_csv(sample / "labels.csv").set_index("file_name")
    ages = [draw_age(np.random.default_rng([PARAMS.seed, index])) for index in range(3)]
    assert list(table["drawn_age"].iloc[:3]) == pytest.approx(ages, abs=0.006)


def test_no_photos_leaves_a_bare_header(tmp_path: Path) -> None:
    none = SampleParams(photos=0, label_noise=3.0, seed=7)
    write_sample(tmp_path, none)
    assert (tmp_path / "labels.csv").read_text() == "file_name,real_age,drawn_age\n"
    assert list((tmp_path / "final_files").iterdir()) == []
    assert planted_defects(none) == {}


@pytest.mark.parametrize(("key", "value"), [("photos", 59), ("photos", -1), ("label_noise", 21.0), ("seed", -1)])
def test_parameters_outside_their_range_are_refused_by_name(tmp_path: Path, key: str, value: float) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(json.dumps({"sample": {"photos": 60, "label_noise": 3.0, "seed": 7, key: value}}))
    with pytest.raises(UserError, match=f"sample.{key} is {value}"):
        load("sample", SampleParams, file)
