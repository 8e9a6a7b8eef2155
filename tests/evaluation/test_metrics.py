"""The measures of error, against figures worked out by hand and against scikit-learn's definitions in words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realage.evaluation.metrics import EvaluateParams, score, score_groups
from realage.splits.ages import decade, decade_label

PARAMS = EvaluateParams(groups=[], resamples=500, seed=1)
AGES = st.lists(st.floats(0, 100), min_size=1, max_size=30)


def test_by_hand():
    real, predicted = np.array([20.0, 25, 60, 70]), np.array([24.0, 24, 50, 64])
    found = score(real, predicted, PARAMS)
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
    found = score(np.array([30.0, 30]), np.array([31.0, 28]), PARAMS)
    assert "r2" not in found and "mae_ci95_lo" not in found and found["mae"] == 1.5


@given(AGES, st.floats(-20, 20))
def test_a_constant_shift_is_all_bias(ages, shift):
    real = np.array(ages)
    found = score(real, real + shift, PARAMS)
    assert found["bias"] == pytest.approx(shift, abs=1e-9) and found["mae"] == pytest.approx(abs(shift), abs=1e-9)


def test_the_interval_covers_the_true_error_about_19_times_in_20():
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        real = np.zeros(80)
        found = score(real, random.normal(0, 5, 80), PARAMS)
        covered += found["mae_ci95_lo"] <= 5 * np.sqrt(2 / np.pi) <= found["mae_ci95_hi"]
    assert 180 <= covered <= 198


def test_groups_are_scored_each_by_itself():
    found = score_groups(np.array([20.0, 30, 40]), np.array([21.0, 33, 45]), np.array(["f", "m", "f"]), PARAMS)
    assert [(name, group["n"], group["mae"]) for name, group in found] == [("f", 2, 3.0), ("m", 1, 3.0)]


def test_decades():
    assert decade(np.array([0, 9.99, 10, 89.5, 90, 117])).tolist() == [0, 0, 10, 80, 90, 90]
    assert [decade_label(start) for start in (0, 20, 90)] == ["0-9", "20-29", "90+"]
