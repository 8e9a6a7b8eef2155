"""The monotone correction of ages: its fit, and the same function as layers of a model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_predict import tiny_model

from realage.adaptation.correction import QUANTILES, Correction, corrected_model, fit_correction
from realage.network.model_file import load_model, predict_ages
from realage.network.quiet_keras import keras

YEARS = st.lists(st.floats(0, 100), min_size=5, max_size=40)
PIXELS = np.random.default_rng(6).integers(0, 256, (5, 32, 32, 3)).astype("float32")


def test_a_shift_by_hand():
    """8 photos that are 4 years off, and 2 that count as right: 8 * 4 / 10."""
    correction = fit_correction(np.full(8, 30.0), np.full(8, 34.0), knots=1)
    assert correction.shifts.tolist() == [3.2]
    assert correction.corrected(np.array([10.0, 90.0])).tolist() == [13.2, 93.2]


def test_corrected_ages_by_hand():
    """+4 up to 20 years, -6 from 40 on, and between them half of what an age is above 20 is taken away."""
    correction = Correction(np.array([20.0, 40.0]), np.array([4.0, -6.0]))
    assert correction.corrected(np.array([0, 20, 30, 40, 80])).tolist() == [4, 24, 29, 34, 74]
    assert Correction(np.array([5.0]), np.array([-7.0])).corrected(np.array([3.0])).tolist() == [0]


@pytest.mark.parametrize("knots", QUANTILES)
def test_right_ages_are_left_alone(knots):
    ages = np.linspace(1, 80, 60)
    assert np.abs(fit_correction(ages, ages, knots).shifts).max() < 1e-6


def test_a_model_that_sees_too_little_of_the_range_is_mended_by_a_line_but_not_by_a_shift():
    real = np.linspace(5, 75, 400)
    predicted = 30 + 0.6 * (real - 30)
    errors = {knots: np.abs(fit_correction(predicted, real, knots).corrected(predicted) - real).mean()
              for knots in QUANTILES}  # fmt: skip
    assert errors[1] > 6 and errors[2] < 1 and errors[4] < 1


@given(YEARS, st.randoms(use_true_random=False), st.sampled_from(list(QUANTILES)))
def test_an_older_age_stays_an_older_one_whatever_the_labels(predicted, random, knots):
    predicted = np.array(predicted)
    correction = fit_correction(predicted, np.array([random.uniform(0, 100) for _ in predicted]), knots)
    grid = np.union1d(np.linspace(0, 120, 200), correction.knots)
    moved = grid + np.interp(grid, correction.knots, correction.shifts)
    assert (np.diff(moved) > 0).all()
    assert (np.diff(correction.corrected(grid)) >= 0).all()


@pytest.mark.parametrize("head", ["regression", "distribution"])
@pytest.mark.parametrize("shifts", [[2.5], [3.0, -1.0, 1.0]])
def test_the_layers_compute_the_same_and_scale_the_spread(tmp_path, head, shifts):
    tiny_model(tmp_path / "age.keras", head)
    model = load_model(tmp_path / "age.keras")
    before = predict_ages(model, PIXELS)
    middle = before["age"].mean()
    correction = Correction(middle + 15.0 * (np.arange(len(shifts)) - len(shifts) // 2), np.array(shifts))
    after = predict_ages(corrected_model(model, correction), PIXELS)
    assert after["age"].to_numpy() == pytest.approx(correction.corrected(before["age"].to_numpy()), abs=1e-3)
    assert list(after) == list(before)
    if "spread" in after:
        ends = [correction.corrected((before["age"] + side * before["spread"]).to_numpy()) for side in (1, -1)]
        assert after["spread"].to_numpy() == pytest.approx((ends[0] - ends[1]) / 2, abs=1e-3)
    assert all(type(layer).__module__.startswith("keras.") for layer in corrected_model(model, correction).layers)
    keras.utils.clear_session()
