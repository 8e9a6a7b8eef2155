"""The measures of error, against figures worked out by hand and against scikit-learn's definitions in words."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realage.core.columns import PHOTO, SUBJECT
from realage.evaluation.metrics import EvaluateParams, score, score_groups
from realage.evaluation.people import number_people
from realage.splits.ages import decade, decade_label

AGES = st.lists(st.floats(0, 100), min_size=1, max_size=30)


def test_by_hand():
    real, predicted = np.array([20.0, 25, 60, 70]), np.array([24.0, 24, 50, 64])
    found = score(real, predicted, np.arange(4))
    assert found == pytest.approx({
        "n": 4,
        "mae": (4 + 1 + 10 + 6) / 4,
        "bias": (4 - 1 - 10 - 6) / 4,
        "median_ae": 5.0,
        "rmse": np.sqrt((16 + 1 + 100 + 36) / 4),
        "r2": 1 - 153 / (23.75**2 + 18.75**2 + 16.25**2 + 26.25**2),
        "cs3": 0.25,
        "cs5": 0.5,
        "cs10": 1.0,
        "balanced_mae": (2.5 + 10 + 6) / 3,
    })  # fmt: skip


def test_one_real_age_has_no_r2_and_few_photos_no_interval():
    found = score(np.array([30.0, 30]), np.array([31.0, 28]), np.arange(2))
    assert "r2" not in found and not [key for key in found if "ci95" in key] and found["mae"] == 1.5


@given(AGES, st.floats(-20, 20))
def test_a_constant_shift_is_all_bias(ages, shift):
    real = np.array(ages)
    found = score(real, real + shift, np.arange(len(real)))
    assert found["bias"] == pytest.approx(shift, abs=1e-9) and found["mae"] == pytest.approx(abs(shift), abs=1e-9)


def test_intervals_are_over_people_where_some_have_several_photos():
    predicted = np.random.default_rng(1).normal(0, 5, 60).repeat(10)
    photos, people = (score(np.zeros(600), predicted, who) for who in (np.arange(600), np.arange(600) // 10))
    assert "people" not in photos and people["people"] == 60 and photos["n"] == people["n"] == 600
    for measure in ("mae", "cs5"):
        width = [found[f"{measure}_ci95_hi"] - found[f"{measure}_ci95_lo"] for found in (photos, people)]
        assert width[1] > 2.5 * width[0], "photos of one person are alike: as if there were 60"


def test_people_are_numbered_as_they_come_and_a_photo_without_a_subject_is_a_person_of_its_own():
    rows = pd.DataFrame({PHOTO: list("abcdef"), SUBJECT: ["Eve", "", "Bob", "Eve", "unknown", "a"]})
    assert number_people(rows).tolist() == [1, 2, 3, 1, 4, 5]
    assert number_people(rows.drop(columns=SUBJECT)).tolist() == [1, 2, 3, 4, 5, 6]


def test_keys_that_only_the_bootstrap_of_release_0_1_read_change_nothing():
    assert EvaluateParams(groups=[], resamples=500, seed=1) == EvaluateParams(groups=[])


def test_groups_are_scored_each_by_itself():
    found = score_groups(np.array([20.0, 30, 40]), np.array([21.0, 33, 45]), np.array(["f", "m", "f"]), np.arange(3))
    assert [(name, group["n"], group["mae"]) for name, group in found] == [("f", 2, 3.0), ("m", 1, 3.0)]


def test_decades():
    assert decade(np.array([0, 9.99, 10, 89.5, 90, 117])).tolist() == [0, 0, 10, 80, 90, 90]
    assert [decade_label(start) for start in (0, 20, 90)] == ["0-9", "20-29", "90+"]
