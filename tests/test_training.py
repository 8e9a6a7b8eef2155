"""Training: the learning rate over time, the history, and the epoch that is kept."""

import numpy as np
import pytest
from conftest import recipe

from realage.checkpoints import Checkpoints
from realage.errors import UserError
from realage.photo_dataset import PhotoDataset
from realage.prepared import write_prepared
from realage.quiet_keras import keras
from realage.training import HISTORY_COLUMNS, compile_model, fit_model, learning_rate_schedule


def rates(**changes) -> list[float]:
    """The learning rate at the end of each of ten epochs of five steps."""
    schedule = learning_rate_schedule(recipe(**changes), steps_per_epoch=5)
    return [float(schedule(step)) for step in range(5, 51, 5)]


def test_warm_up_rises_and_cosine_falls_to_zero():
    found = rates()
    assert found[0] == pytest.approx(0.05) and found[1] == pytest.approx(0.1) and found[-1] == pytest.approx(0)
    assert found[5] == pytest.approx(0.05) and all(a > b for a, b in zip(found[1:], found[2:]))


def test_constant_stays_where_it_is():
    assert rates(schedule="constant", warmup_epochs=0) == pytest.approx([0.1] * 10)
    assert rates(schedule="constant")[1:] == pytest.approx([0.1] * 9)


def test_the_shortest_training_has_a_schedule():
    schedule = learning_rate_schedule(recipe(epochs=1, warmup_epochs=0.9), steps_per_epoch=1)
    assert float(schedule(0)) == pytest.approx(0.1)


@pytest.fixture
def photos(tmp_path) -> PhotoDataset:
    """Eight photos whose brightness is their age."""
    ages = [10, 30, 50, 70, 90, 20, 40, 60]
    for age in ages:
        write_prepared(tmp_path, f"hash{age}", np.full((32, 32, 3), age, np.uint8))
    return PhotoDataset(tmp_path, [f"hash{age}" for age in ages], ages, batch_size=4)


def line_model() -> keras.Model:
    return keras.Sequential([keras.Input((32, 32, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)])


def mae(model: keras.Model, photos: PhotoDataset) -> float:
    return float(np.abs(model.predict(photos, verbose=0).ravel() - photos.ages).mean())


def test_global_randomness_has_no_say_in_the_order_of_photos(photos, tmp_path):
    histories = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        model = line_model()
        model.layers[-1].set_weights([np.full((3, 1), 0.1, "float32"), np.zeros(1, "float32")])
        compile_model(model, recipe(epochs=3), len(photos))
        checkpoints = Checkpoints(tmp_path / f"checkpoints{seed}", {})
        histories.append(fit_model(model, photos, photos, recipe(epochs=3), checkpoints).history)
    assert histories[0].equals(histories[1])


@pytest.mark.parametrize("keep", ["best", "last"])
def test_history_tells_of_the_epoch_that_is_kept(photos, tmp_path, keep):
    # A rate this high makes the error jump, so that the best epoch is not the last.
    params = recipe(keep=keep, learning_rate=0.05, schedule="constant", warmup_epochs=0, epochs=12)
    keras.utils.set_random_seed(3)
    model = line_model()
    compile_model(model, params, len(photos))
    checkpoints = Checkpoints(tmp_path / "checkpoints", {})
    history, best_epoch, kept_epoch, _ = fit_model(model, photos, photos, params, checkpoints)
    assert list(history.columns) == HISTORY_COLUMNS and list(history["epoch"]) == list(range(1, 13))
    best, last = history["val_mae"].min(), history["val_mae"].iloc[-1]
    assert best < last and history["val_mae"][best_epoch - 1] == best
    assert kept_epoch == (best_epoch if keep == "best" else 12)
    assert mae(model, photos) == pytest.approx(best if keep == "best" else last, abs=1e-3)


def test_a_loss_that_is_no_number_stops_with_advice(photos, tmp_path):
    params = recipe(learning_rate=0.1, warmup_epochs=0)
    model = line_model()
    model.layers[-1].set_weights([np.full((3, 1), 1e30, "float32"), np.zeros(1, "float32")])
    compile_model(model, params, len(photos))
    with pytest.raises(UserError, match="lower train.learning_rate"):
        fit_model(model, photos, photos, params, Checkpoints(tmp_path / "checkpoints", {}))
