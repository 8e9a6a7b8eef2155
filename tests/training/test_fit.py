"""Training: the learning rate over time, the history, and the epoch that is kept."""

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, recipe

from realage.core.errors import UserError
from realage.core.params import load
from realage.network.backbones import ModelParams
from realage.network.heads import Head, build_head
from realage.network.model import build_network, build_predictor
from realage.network.model_file import predict_ages
from realage.network.quiet_keras import keras
from realage.network.recipe import TrainParams
from realage.photos.prepared import to_png, write_prepared
from realage.training.checkpoints import Checkpoints, State
from realage.training.fit import HISTORY_COLUMNS, Fit, compile_network, fit_model, learning_rate_schedule
from realage.training.photo_dataset import PhotoDataset
from stages.train import _chosen


def model_params(**changes) -> ModelParams:
    default = load("model", ModelParams, PROJECT / "params.yaml")
    fixed = {"backbone": "MobileNetV2", "head": "regression", "output": "linear", "flip_average": False}
    return default.model_copy(update={**fixed, **changes})


LINE = build_head(model_params())


def rates(**changes) -> list[float]:
    """The learning rate at the end of each of ten epochs of five steps."""
    schedule = learning_rate_schedule(recipe(**changes), steps_per_epoch=5)
    return [float(schedule(step)) for step in range(5, 51, 5)]


def test_warm_up_rises_and_cosine_falls_to_zero():
    found = rates()
    assert found[0] == pytest.approx(0.05) and found[1] == pytest.approx(0.1) and found[-1] == pytest.approx(0)
    assert found[5] == pytest.approx(0.05) and all(a > b for a, b in zip(found[1:], found[2:]))


def test_the_final_rate_is_a_share_of_the_peak():
    found = rates(final_rate=0.2)
    assert found[-1] == pytest.approx(0.02) and found[5] == pytest.approx(0.06)


def test_constant_stays_where_it_is():
    assert rates(final_rate=1.0, warmup_epochs=0) == pytest.approx([0.1] * 10)
    assert rates(final_rate=1.0)[1:] == pytest.approx([0.1] * 9)


def test_the_shortest_training_has_a_schedule():
    schedule = learning_rate_schedule(recipe(epochs=1, warmup_epochs=0.9), steps_per_epoch=1)
    assert float(schedule(0)) == pytest.approx(0.1)


@pytest.fixture
def photos(tmp_path) -> PhotoDataset:
    """Eight photos whose brightness is their age."""
    ages = [10, 30, 50, 70, 90, 20, 40, 60]
    for age in ages:
        write_prepared(tmp_path, f"hash{age}", to_png(np.full((32, 32, 3), age, np.uint8)))
    return PhotoDataset(tmp_path, [f"hash{age}" for age in ages], ages, batch_size=4)


def line_model(head: Head = LINE) -> keras.Model:
    """Outputs linear in a photo's mean colour."""
    pixels = keras.Input((32, 32, 3))
    features = keras.layers.GlobalAveragePooling2D()(pixels)
    return keras.Model(pixels, keras.layers.Dense(head.units, dtype="float32", name="outputs")(features))


def mae(model: keras.Model, photos: PhotoDataset, head: Head = LINE) -> float:
    """As the predictor has it and NumPy counts it."""
    years = predict_ages(build_predictor(model, head, flip_average=False), photos)["age"].to_numpy()
    return float(np.abs(years - photos.ages).mean())


def test_global_randomness_has_no_say_in_the_order_of_photos(photos, tmp_path):
    histories = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        model = line_model()
        model.layers[-1].set_weights([np.full((3, 1), 0.1, "float32"), np.zeros(1, "float32")])
        compile_network(model, LINE, recipe(epochs=3), len(photos))
        checkpoints = Checkpoints(tmp_path / f"checkpoints{seed}", {})
        histories.append(fit_model(model, photos, photos, recipe(epochs=3), checkpoints).history)
    assert histories[0].equals(histories[1])


@pytest.mark.parametrize("keep", ["best", "last"])
def test_history_tells_of_the_epoch_that_is_kept(photos, tmp_path, keep):
    # A rate this high makes the error jump, so that the best epoch is not the last.
    params = recipe(keep=keep, learning_rate=0.05, final_rate=1.0, warmup_epochs=0, epochs=12)
    keras.utils.set_random_seed(3)
    model = line_model()
    compile_network(model, LINE, params, len(photos))
    checkpoints = Checkpoints(tmp_path / "checkpoints", {})
    history, best_epoch, kept_epoch, _ = fit_model(model, photos, photos, params, checkpoints)
    assert list(history.columns) == HISTORY_COLUMNS and list(history["epoch"]) == list(range(1, 13))
    best, last = history["val_mae"].min(), history["val_mae"].iloc[-1]
    assert best < last and history["val_mae"][best_epoch - 1] == best
    assert kept_epoch == (best_epoch if keep == "best" else 12)
    assert mae(model, photos) == pytest.approx(best if keep == "best" else last, abs=1e-3)


@pytest.mark.parametrize("name", ["regression", "distribution", "ordinal"])
def test_the_mae_of_every_head_is_that_of_the_years_it_predicts(photos, tmp_path, name):
    head = build_head(model_params(head=name))
    params = recipe(keep="last", learning_rate=0.01, warmup_epochs=0, epochs=3)
    keras.utils.set_random_seed(4)
    model = line_model(head)
    compile_network(model, head, params, len(photos))
    history = fit_model(model, photos, photos, params, Checkpoints(tmp_path / "checkpoints", {})).history
    assert list(history.columns) == HISTORY_COLUMNS
    assert history["val_mae"].iloc[-1] == pytest.approx(mae(model, photos, head), abs=1e-3)


def test_weights_of_photos_weigh_the_loss_and_not_the_mae(photos, tmp_path):
    weights = np.array([4, 4, 0, 0, 0, 0, 0, 0], "float32")
    weighted = PhotoDataset(photos.folder, photos.photos, photos.ages, 8, weights=weights)
    model, params = line_model(), recipe(epochs=1, warmup_epochs=0)
    model.layers[-1].set_weights([np.zeros((3, 1), "float32"), np.zeros(1, "float32")])
    compile_network(model, LINE, params, 1)
    (row,) = fit_model(model, weighted, photos, params, Checkpoints(tmp_path, {})).history.to_dict("records")
    # Before its only step the model says 0 of everyone.
    assert row["loss"] == pytest.approx(4 * (10**2 + 30**2) / 8) and row["mae"] == pytest.approx(photos.ages.mean())


def test_weight_decay_shrinks_kernels_and_nothing_else():
    head, params = build_head(model_params()), recipe(weight_decay=0.5, final_rate=1.0, warmup_epochs=0)
    network = build_network(model_params(), head, 32, mean_age=30)
    random = np.random.default_rng(1)
    network.set_weights([random.uniform(1, 2, weight.shape) for weight in network.get_weights()])
    compile_network(network, head, params, steps_per_epoch=1)
    before = [keras.ops.convert_to_numpy(variable) for variable in network.variables]
    trained = network.trainable_variables
    network.optimizer.apply([keras.ops.zeros_like(variable) for variable in trained], trained)
    decayed, spared = set(), set()
    for variable, value in zip(network.variables, before):
        after = keras.ops.convert_to_numpy(variable)
        if np.array_equal(after, value):
            spared.add((variable.name, variable.path.startswith("pixel_scaling")))
        else:
            np.testing.assert_allclose(after, value * (1 - 0.1 * 0.5), rtol=1e-6)  # rate times decay
            decayed.add((variable.name, variable.path.startswith("pixel_scaling")))
    assert decayed == {("kernel", False)}
    names = {"bias", "beta", "gamma", "moving_mean", "moving_variance"}
    assert {name for name, scaling in spared if not scaling} - {"seed_generator_state"} == names
    assert {name for name, scaling in spared if scaling} == {"kernel", "bias"}


def test_without_weight_decay_kernels_stay_too():
    model = line_model()
    compile_network(model, LINE, recipe(warmup_epochs=0), steps_per_epoch=1)
    before, trained = model.get_weights(), model.trainable_variables
    model.optimizer.apply([keras.ops.zeros_like(variable) for variable in trained], trained)
    assert all(map(np.array_equal, model.get_weights(), before))


class Recorded(Checkpoints):
    """Checkpoints that remember every state, in a process that ends with the given epoch, if any."""

    def __init__(self, root, last_epoch: int | None = None) -> None:
        super().__init__(root, {})
        self.last_epoch = last_epoch
        self.states: list[State] = []

    def save(self, state: State) -> None:
        super().save(state)
        self.states.append(state)
        if len(state.history) == self.last_epoch:
            raise KeyboardInterrupt


AVERAGED = {"learning_rate": 0.1, "final_rate": 1.0, "warmup_epochs": 0, "epochs": 6, "weight_average": 1.5}


def train_line(photos: PhotoDataset, params: TrainParams, checkpoints: Checkpoints) -> tuple[Fit, keras.Model]:
    keras.utils.set_random_seed(3)
    model = line_model()
    compile_network(model, LINE, params, len(photos))
    return fit_model(model, photos, photos, params, checkpoints), model


def averages_by_hand(photos: PhotoDataset, params: TrainParams) -> list[list[np.ndarray]]:
    """The running average after each epoch, of weights that a training without one had after each step."""
    keras.utils.set_random_seed(3)
    model = line_model()
    compile_network(model, LINE, params.model_copy(update={"weight_average": 0.0}), len(photos))
    average, found = None, []
    for _ in range(params.epochs):
        for batch in range(len(photos)):
            model.train_on_batch(*photos[batch])
            weights, share = model.get_weights(), 1 - 1 / (1.5 * len(photos))
            pairs = zip(average or weights, weights)
            average = [share * before + (1 - share) * now for before, now in pairs]
        found.append(average)
    return found


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_running_average_of_weights_is_validated_and_kept(photos, tmp_path, keep):
    params = recipe(**AVERAGED, keep=keep)
    fit, model = train_line(photos, params, Checkpoints(tmp_path / "checkpoints", {}))
    averages = averages_by_hand(photos, params)
    assert fit.best_epoch < params.epochs and fit.kept_epoch == (fit.best_epoch if keep == "best" else params.epochs)
    for found, expected in zip(model.get_weights(), averages[fit.kept_epoch - 1]):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert mae(model, photos) == pytest.approx(fit.history["val_mae"][fit.kept_epoch - 1], abs=1e-3)
    for weights, val_mae in zip(averages, fit.history["val_mae"]):
        model.set_weights(weights)
        assert mae(model, photos) == pytest.approx(val_mae, abs=1e-3)


def test_statistics_of_batch_normalization_are_averaged_as_long_as_weights():
    head = build_head(model_params())
    for epochs, expected in ((0.0, 0.9), (2.5, 0.96), (0.001, 0.0)):
        network = build_network(model_params(), head, 32, mean_age=30)
        compile_network(network, head, recipe(weight_average=epochs), steps_per_epoch=10)
        backbone = next(layer for layer in network.layers if isinstance(layer, keras.Model))
        norms = (layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization))
        (momentum,) = {layer.momentum for layer in norms}
        assert momentum == pytest.approx(expected)


def test_training_goes_on_from_the_weights_themselves(photos, tmp_path):
    plain, averaged = Recorded(tmp_path / "plain"), Recorded(tmp_path / "averaged")
    expected, _ = train_line(photos, recipe(**{**AVERAGED, "weight_average": 0.0}), plain)
    found, _ = train_line(photos, recipe(**AVERAGED), averaged)
    columns = ["epoch", "learning_rate", "loss", "mae"]
    pd.testing.assert_frame_equal(found.history[columns], expected.history[columns])
    assert (found.history["val_mae"] != expected.history["val_mae"]).all()
    for one, other in zip(averaged.states, plain.states, strict=True):
        for a, b in zip(one.model, other.model, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


# In mixed_float16 Keras wraps the optimizer, average and all, in another.
@pytest.mark.parametrize(("keep", "precision"), [("best", "float32"), ("last", "mixed_float16")])
def test_an_averaged_training_that_was_interrupted_ends_like_an_uninterrupted_one(photos, tmp_path, keep, precision):
    params = recipe(**AVERAGED, keep=keep)
    keras.mixed_precision.set_dtype_policy(precision)
    try:
        whole, model = train_line(photos, params, Checkpoints(tmp_path / "whole", {}))
        for epoch in (2, 6):
            with pytest.raises(KeyboardInterrupt):
                train_line(photos, params, Recorded(tmp_path / str(epoch), epoch))
            resumed, again = train_line(photos, params, Checkpoints(tmp_path / str(epoch), {}))
            assert resumed.epochs_before == epoch and resumed.history.equals(whole.history)
            assert all(map(np.array_equal, again.get_weights(), model.get_weights()))
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


def labelled(photos: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"photo": photos, "real_age": range(len(photos))}, index=range(5, 5 + len(photos)))


def test_fewer_photos_are_part_of_more_in_the_order_of_the_rows():
    hashes = [f"{number:032x}" for number in np.random.default_rng(1).permutation(40)]
    rows = labelled(hashes)
    before = None
    for photos in (1, 7, 20, 39, 40):
        chosen = _chosen(rows, photos)
        assert len(chosen) == photos and chosen.equals(rows[rows["photo"].isin(chosen["photo"])])
        assert before is None or set(before["photo"]) < set(chosen["photo"])
        before = chosen
    assert _chosen(rows, None).equals(rows) and _chosen(rows, 40).equals(rows)


def test_which_photos_are_chosen_is_up_to_the_photos_alone():
    hashes = [f"{number:032x}" for number in np.random.default_rng(1).permutation(40)]
    chosen = []
    for order in (1, 2):
        np.random.seed(order)
        shuffled = list(np.random.default_rng(order).permutation(hashes))
        chosen.append(set(_chosen(labelled(shuffled), 15)["photo"]))
    assert chosen[0] == chosen[1]


def test_more_photos_than_there_are_are_refused():
    with pytest.raises(UserError, match="train.photos is 41: there are 40 training photos"):
        _chosen(labelled([f"{number:032x}" for number in range(40)]), 41)


def test_a_loss_that_is_no_number_stops_with_advice(photos, tmp_path):
    params = recipe(learning_rate=0.1, warmup_epochs=0)
    model = line_model()
    model.layers[-1].set_weights([np.full((3, 1), 1e30, "float32"), np.zeros(1, "float32")])
    compile_network(model, LINE, params, len(photos))
    with pytest.raises(UserError, match="lower train.learning_rate"):
        fit_model(model, photos, photos, params, Checkpoints(tmp_path / "checkpoints", {}))
