"""How much ages change with synthetic changes of photos: cases by hand, and photos too few to say much."""

import numpy as np
import pandas as pd
import pytest

from realage.evaluation.disturbances import brighten, rotate
from realage.evaluation.repeatability import (
    CHANGES,
    CHUNK,
    LISTED,
    add_repeatability,
    list_changes,
    pick_photos,
    predict_changed,
    score_changes,
)

REAL, BEFORE = np.array([30.0, 40, 50]), np.array([31.0, 38, 50])
AFTER = np.array([[34.0, 30], [39, 36], [40, 50]])


def rows(count: int, **columns) -> pd.DataFrame:
    return pd.DataFrame({
        "file_name": [f"{number}.jpg" for number in range(count)], "photo": [f"{number:04}" for number in range(count)],
        "split": "val", "real_age": np.linspace(20, 60, count), "predicted_age": np.linspace(22, 58, count),
        "person": np.arange(count), **columns,
    })  # fmt: skip


def test_a_change_by_hand():
    assert score_changes(REAL, BEFORE, AFTER[:, :1], np.arange(3)) == {
        "n": 3,
        "change_mean": pytest.approx((3 + 1 + 10) / 3),
        "change_p95": pytest.approx(3 + 0.9 * (10 - 3)),
        "mae_change": pytest.approx((3 - 1 + 10) / 3),
    }  # no intervals: three people are too few


def test_two_changes_by_hand():
    """A photo counts with the mean of its changes, and the percentile is of all six."""
    assert score_changes(REAL, BEFORE, AFTER, np.array([1, 1, 2])) == {
        "n": 3,
        "people": 2,
        "change_mean": pytest.approx((3 + 1 + 1 + 2 + 10 + 0) / 6),
        "change_p95": pytest.approx(3 + 0.75 * (10 - 3)),
        "mae_change": pytest.approx((4 + 1 + 10 + 0 + 4 + 0) / 6 - (1 + 2 + 0) / 3),
    }


def test_intervals_are_those_of_the_mean_over_people():
    """Student's t of 35 people is 2.0322, and these changes are not skewed. Copies of photos tell nothing more."""
    changes = np.tile(np.arange(7.0), 5)
    found = score_changes(np.zeros(35), np.zeros(35), changes[:, np.newaxis], np.arange(35))
    half = 2.0322 * 2 / np.sqrt(34)
    assert found["change_mean"] == found["mae_change"] == 3
    assert (found["change_mean_ci95_lo"], found["change_mean_ci95_hi"]) == pytest.approx((3 - half, 3 + half), abs=1e-3)
    twice = score_changes(np.zeros(70), np.zeros(70), np.tile(changes, 2)[:, np.newaxis], np.tile(np.arange(35), 2))
    assert twice["people"] == 35 and twice["mae_change_ci95_hi"] == pytest.approx(found["mae_change_ci95_hi"])


def test_a_model_that_answers_always_the_same_changes_by_nothing():
    found = score_changes(np.arange(40.0), np.full(40, 30.0), np.full((40, 7), 30.0), np.arange(40))
    zero = {f"{name}{end}": 0 for name in ("change_mean", "mae_change") for end in ("", "_ci95_lo", "_ci95_hi")}
    assert found == {"n": 40, "change_p95": 0, **zero}


def test_photos_are_those_of_validation_with_the_lowest_hashes():
    table = rows(5, photo=["d", "b", "e", "a", "c"], split=["val", "val", "val", "train", "val"])
    assert pick_photos(table, 2)["photo"].tolist() == ["b", "c"]
    assert pick_photos(table.iloc[::-1], 2)["photo"].tolist() == ["b", "c"]
    assert len(pick_photos(table, 100)) == 4 and pick_photos(table, 0).empty
    assert pick_photos(table[table["photo"] != "b"], 2)["photo"].tolist() == ["c", "d"]


def test_every_photo_is_predicted_after_each_change_in_the_size_that_the_model_takes():
    pixels = np.random.default_rng(1).integers(0, 256, (CHUNK + 3, 33, 33, 3), dtype=np.uint8)
    photos, asked = pd.Series(map(str, range(len(pixels))), index=range(100, 100 + len(pixels))), []

    def predict(batch: np.ndarray) -> np.ndarray:
        assert batch.dtype == np.float32 and batch.shape[1:] == (33, 33, 3)
        asked.append(len(batch))
        return batch.mean(axis=(1, 2, 3)).astype("float64")

    ages = predict_changed(photos, lambda photo: pixels[int(photo)], predict)
    assert asked == [CHUNK * len(CHANGES), 3 * len(CHANGES)] and ages.index.equals(photos.index)
    assert list(ages.columns) == list(CHANGES) == [
        "rotation 10°", "half resolution", "blur", "JPEG quality 40", "grey", "brightness -40%", "brightness +40%",
    ]  # fmt: skip
    assert ages.loc[117, "brightness -40%"] == pytest.approx(brighten(pixels[17], 0.6).mean(), abs=1e-3)
    assert ages.loc[100, "rotation 10°"] == pytest.approx(rotate(pixels[0], 10).mean(), abs=1e-3)
    assert ages.loc[105, "half resolution"] == pytest.approx(pixels[5].mean(), abs=2)


def test_the_photos_that_change_most_come_first_with_the_change_that_does_it():
    photos = rows(3, predicted_age=BEFORE, real_age=REAL)
    ages = pd.DataFrame(AFTER, columns=["blur", "grey"], index=photos.index)
    assert list_changes(photos, ages).values.tolist() == [
        ["2.jpg", "0002", 50, 50, "blur", 40, -10],
        ["0.jpg", "0000", 30, 31, "blur", 34, 3],
        ["1.jpg", "0001", 40, 38, "grey", 36, -2],
    ]


def measured(count: int, years: float) -> tuple[dict, pd.DataFrame]:
    """The metrics and the list of so many photos, whose ages all changes raise by `years`."""
    photos, metrics = rows(count), {"val": {"n": 50}}
    ages = predict_changed(photos["photo"], lambda _: np.zeros((8, 8, 3), np.uint8), lambda batch: np.zeros(len(batch)))
    ages = ages.add(photos["predicted_age"] + years, axis="index")
    add_repeatability(metrics, photos, ages)
    return metrics, list_changes(photos, ages)


def test_all_changes_are_in_a_few_figures_and_each_in_a_list():
    metrics, listed = measured(40, 1.5)
    overall, by_change = metrics["val"]["synthetic_repeatability"], metrics["by_synthetic_disturbance"]["val"]
    assert [row["disturbance"] for row in by_change] == list(CHANGES)
    for found in (overall, *by_change):
        assert found["n"] == 40 and found["change_mean"] == found["change_p95"] == pytest.approx(1.5)
        assert found["change_mean_ci95_lo"] == pytest.approx(1.5)
    assert len(overall) == 8 and len(listed) == 40


def test_of_one_photo_there_is_no_interval():
    metrics, listed = measured(1, -3)
    assert metrics["val"]["synthetic_repeatability"] == {
        "n": 1, "change_mean": pytest.approx(3), "change_p95": pytest.approx(3), "mae_change": pytest.approx(-1),
    }  # fmt: skip
    assert listed["change"].tolist() == pytest.approx([-3])


def test_without_photos_there_are_no_figures_and_an_empty_list():
    metrics, listed = measured(0, 1)
    assert metrics == {"val": {"n": 50}} and list(listed.columns) == LISTED and listed.empty
