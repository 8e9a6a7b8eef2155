"""Another last layer: ridge regression for head regression, and the same for the distributions' means."""

import numpy as np
import pytest
from test_predict import tiny_model

from realage.adaptation.head import PRIOR_PHOTOS, Features, change_head
from realage.network.model_file import load_model, predict_ages

HEADS = ["regression", "distribution", "ordinal"]
PHOTOS = np.random.default_rng(7).integers(0, 256, (60, 32, 32, 3), dtype="uint8")
PHOTOS[:, :, :, 0] = np.linspace(0, 255, 60).astype("uint8")[:, None, None]
REAL = np.linspace(15, 55, 60)  # the redder the older, which an untrained model does not know


@pytest.mark.parametrize("head", HEADS)
def test_the_changed_model_answers_what_the_fit_said(tmp_path, head):
    tiny_model(tmp_path / "age.keras", head)
    model = load_model(tmp_path / "age.keras")
    features = Features.of(model, PHOTOS)
    assert features.inputs.shape[:2] == (60, 2)  # with the mirror image
    before = predict_ages(model, PHOTOS.astype("float32"))["age"].to_numpy()
    assert features.ages() == pytest.approx(before, abs=1e-2)
    change, ages = features.fit(REAL, np.arange(60) % 3 > 0, penalty=0.1)
    change_head(model, change)
    after = predict_ages(model, PHOTOS.astype("float32"))["age"].to_numpy()
    assert after == pytest.approx(ages, abs=1e-2)
    held_out = np.arange(60) % 3 == 0
    assert np.abs(after - REAL)[held_out].mean() < 0.5 * np.abs(before - REAL)[held_out].mean()


@pytest.mark.parametrize("shape", [(8, 1, 20), (30, 2, 3)], ids=["few photos", "few features"])
def test_for_regression_it_is_ridge_regression(shape):
    rng = np.random.default_rng(8)
    inputs, real = rng.normal(size=shape), rng.normal(35, 10, shape[0])
    features = Features(inputs, inputs @ rng.normal(size=(shape[2], 1)) + 35, np.ones(1), "linear")
    centred = inputs - inputs.mean(axis=(0, 1))
    centred /= np.sqrt((centred**2).sum(axis=-1).mean())
    rows = np.append(centred.mean(axis=1), np.ones((shape[0], 1)), axis=1)
    prior = np.diag([3.0] * shape[2] + [PRIOR_PHOTOS])
    solved = np.linalg.solve(rows.T @ rows + prior, rows.T @ (real - features.ages()))
    _, ages = features.fit(real, np.ones(shape[0], bool), penalty=3.0)
    assert ages == pytest.approx(np.maximum(features.ages() + rows @ solved, 0))


@pytest.mark.parametrize("head", HEADS)
def test_a_high_penalty_leaves_the_features_alone(tmp_path, head):
    tiny_model(tmp_path / "age.keras", head)
    features = Features.of(load_model(tmp_path / "age.keras"), PHOTOS)
    change, ages = features.fit(features.ages() + 3, np.ones(60, bool), penalty=1e6)
    assert np.abs(change.kernel).max() < 1e-3
    assert ages - features.ages() == pytest.approx(3 * 60 / (60 + PRIOR_PHOTOS), abs=0.1)
