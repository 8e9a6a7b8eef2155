"""The network: pixels as each backbone wants them, years out, and a file that says all of it."""

import hashlib
import json
import zipfile

import numpy as np
import pytest
from conftest import PROJECT

from realage.core.errors import UserError
from realage.core.params import load
from realage.network.backbones import MODULES, ModelParams
from realage.network.contents import RECIPE_VERSION, Recipe, read_recipe
from realage.network.heads import build_head
from realage.network.model import build_network, build_predictor, pixel_scaling_layer
from realage.network.model_file import load_model, predict_ages, save_model
from realage.network.pretrained import load_backbone_weights
from realage.network.quiet_keras import keras
from realage.network.recipe import TrainParams
from realage.photos.params import PrepareParams
from realage.training.fit import compile_network

RECIPE = Recipe(
    prepare=PrepareParams(image_size=32, crop="none", margin=0.3, fit="pad"),
    train=load("train", TrainParams, PROJECT / "params.yaml").model_dump(),
)
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype("float32")
AGES = np.array([0.0, 40.0, 80.0])
HEADS = ("regression", "distribution", "ordinal")
SMALL_PIXELS = np.random.default_rng(2).integers(0, 256, (20, 32, 32, 3)).astype("float32")
MIRRORED = SMALL_PIXELS[:, :, ::-1]


def model_params(**changes) -> ModelParams:
    defaults = {
        "backbone": "MobileNet",
        "weights": "none",
        "pixel_scaling": "backbone",
        "batch_norm_momentum": 0.9,
        "dense_units": 8,
        "dropout": 0.0,
        "head": "regression",
        "output": "linear",
        "output_bias": "mean_age",
        "flip_average": False,
    }
    return ModelParams(**{**defaults, **changes})


def network(size: int = 32, **changes) -> keras.Model:
    params = model_params(**changes)
    return build_network(params, build_head(params), size, mean_age=31.2)


def predictor(network: keras.Model, **changes) -> keras.Model:
    params = model_params(**changes)
    return build_predictor(network, build_head(params), params.flip_average)


def test_every_backbone_of_the_installed_keras_is_offered():
    offered = {name for name in dir(keras.applications) if name[0].isupper()}
    assert set(MODULES) == offered


@pytest.mark.parametrize("module", sorted(set(MODULES.values())))
def test_pixels_are_scaled_as_each_backbone_wants_them(module):
    name = next(name for name in MODULES if MODULES[name] == module)
    expected = getattr(keras.applications, module).preprocess_input(PIXELS.copy())
    scaled = keras.ops.convert_to_numpy(pixel_scaling_layer(model_params(backbone=name))(PIXELS))
    np.testing.assert_allclose(scaled, expected, atol=1e-4)


def test_unit_scaling_divides_by_255():
    scaled = keras.ops.convert_to_numpy(pixel_scaling_layer(model_params(pixel_scaling="unit"))(PIXELS))
    np.testing.assert_allclose(scaled, PIXELS / 255, atol=1e-6)


def test_batch_norm_momentum_reaches_every_layer_or_none():
    def momenta(**changes) -> set[float]:
        backbone = network(**changes).get_layer("backbone")
        return {layer.momentum for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)}

    assert momenta() == {0.9} and momenta(batch_norm_momentum=None) == {0.99}


@pytest.mark.parametrize("name", HEADS)
def test_an_untrained_network_says_where_its_head_starts(name):
    raw = network(head=name).get_layer("outputs")
    zero = network(head=name, output_bias="zero").get_layer("outputs")
    expected = build_head(model_params(head=name)).start(31.2)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(raw.bias), expected, rtol=1e-6)
    assert zero.bias.shape == expected.shape and not keras.ops.convert_to_numpy(zero.bias).any()


def test_every_weight_but_the_pixel_scaling_learns():
    model = network()
    model.compile("sgd", "mse")
    before = [weight.copy() for weight in model.get_weights()]
    frozen = [weight.copy() for weight in model.get_layer("pixel_scaling").get_weights()]
    model.fit(PIXELS, AGES, epochs=2, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights())]
    assert np.mean(changed) > 0.9
    for a, b in zip(frozen, model.get_layer("pixel_scaling").get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["regression", "ordinal"])
def test_half_precision_gives_years_in_float32(name):
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        trained = network(head=name)
        model = predictor(trained, head=name, flip_average=True)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert trained.get_layer("dense").compute_dtype == "bfloat16"
    assert {trained.get_layer(layer).compute_dtype for layer in ("pixel_scaling", "outputs")} == {"float32"}
    assert {values.dtype for values in model.predict(PIXELS, verbose=0).values()} == {np.dtype("float32")}
    # What follows the network loses nothing to half precision: each of its steps takes and gives float32.
    assert {layer.compute_dtype for layer in model.layers if layer.name in (
        "linear", "softmax", "sigmoid", "flip_average", "moments"
    )} == {"float32"}


def small_network(units: int) -> keras.Model:
    """A network that sees where in the photo something is, with weights of chance, for what comes after it."""
    keras.utils.set_random_seed(7)
    pixels = keras.Input((32, 32, 3))
    features = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, keras.layers.Dense(units, name="outputs")(features), name="network")


def small_predictors(name: str) -> tuple[keras.Model, keras.Model]:
    """Two predictors around one network: without and with the average over mirror images."""
    shared = small_network(build_head(model_params(head=name)).units)
    return predictor(shared, head=name), predictor(shared, head=name, flip_average=True)


def ages(model: keras.Model, photos: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values.ravel().astype("float64") for name, values in model.predict(photos, verbose=0).items()}


@pytest.mark.parametrize("name", HEADS)
def test_years_come_with_a_spread_where_the_head_has_one(name):
    model = small_predictors(name)[0]
    shapes = {output: values.shape for output, values in model.predict(SMALL_PIXELS, verbose=0).items()}
    assert shapes == ({"age": (20, 1)} if name == "regression" else {"age": (20, 1), "spread": (20, 1)})


@pytest.mark.parametrize("name", HEADS)
def test_flip_average_says_the_same_of_a_photo_and_its_mirror_image(name):
    plain, averaged = small_predictors(name)
    found, mirrored = ages(averaged, SMALL_PIXELS), ages(averaged, MIRRORED)
    for output in found:
        np.testing.assert_allclose(found[output], mirrored[output], rtol=1e-5, atol=1e-5)
    assert np.abs(ages(plain, SMALL_PIXELS)["age"] - ages(plain, MIRRORED)["age"]).max() > 0.1


@pytest.mark.parametrize("name", HEADS)
def test_flip_average_is_of_the_two_predictions_and_their_distributions(name):
    plain, averaged = small_predictors(name)
    one, other, found = ages(plain, SMALL_PIXELS), ages(plain, MIRRORED), ages(averaged, SMALL_PIXELS)
    np.testing.assert_allclose(found["age"], (one["age"] + other["age"]) / 2, rtol=1e-5, atol=1e-5)
    if name != "regression":
        # The variance of a mixture of two: that within them, and that between their means.
        within = (one["spread"] ** 2 + other["spread"] ** 2) / 2
        between = ((one["age"] - other["age"]) / 2) ** 2
        np.testing.assert_allclose(found["spread"] ** 2, within + between, rtol=1e-4)


def test_relu_is_of_the_regression_alone_and_acts_before_the_average():
    shared = small_network(1)
    linear, relu = (ages(predictor(shared, output=output), SMALL_PIXELS)["age"] for output in ("linear", "relu"))
    assert linear.min() < 0 < linear.max()
    np.testing.assert_allclose(relu, np.maximum(linear, 0), rtol=1e-6)
    averaged = ages(predictor(shared, output="relu", flip_average=True), SMALL_PIXELS)["age"]
    mirrored = np.maximum(ages(predictor(shared), MIRRORED)["age"], 0)
    np.testing.assert_allclose(averaged, (relu + mirrored) / 2, rtol=1e-5)
    for name in ("distribution", "ordinal"):
        with pytest.raises(ValueError, match=f"relu is for head regression.*{name}"):
            model_params(head=name, output="relu")


def test_a_saved_model_predicts_the_same_and_plain_keras_loads_it(tmp_path):
    changes = {"head": "distribution", "flip_average": True}
    models = {name: (small_predictors(name)[1], SMALL_PIXELS) for name in HEADS}
    models["real"] = predictor(network(**changes), **changes), PIXELS
    for name, (model, photos) in models.items():
        file = tmp_path / f"{name}.keras"
        save_model(model, file, RECIPE)
        expected = model.predict(photos, verbose=0)
        for loaded in (load_model(file), keras.models.load_model(file)):
            found = loaded.predict(photos, verbose=0)
            assert found.keys() == expected.keys() and all(np.array_equal(found[key], expected[key]) for key in found)
        assert read_recipe(file) == RECIPE.model_copy(update={"version": RECIPE_VERSION})


def test_predicted_ages_are_flat_and_double(tmp_path):
    for name in HEADS:
        found = predict_ages(small_predictors(name)[1], SMALL_PIXELS)
        assert found["age"].shape == (20,) and found["age"].dtype == np.float64
        assert list(found) == (["age"] if name == "regression" else ["age", "spread"])


def test_a_trained_model_is_saved_without_its_optimizer(tmp_path):
    params = model_params(head="distribution")
    trained = small_network(build_head(params).units)
    save_model(predictor(trained, head="distribution"), tmp_path / "untrained.keras", RECIPE)
    compile_network(trained, build_head(params), TrainParams(**RECIPE.train), steps_per_epoch=1)
    trained.fit(SMALL_PIXELS, np.full(len(SMALL_PIXELS), 40.0), epochs=2, verbose=0)
    model = predictor(trained, head="distribution")
    save_model(model, tmp_path / "trained.keras", RECIPE)
    untrained_size, size = ((tmp_path / name).stat().st_size for name in ("untrained.keras", "trained.keras"))
    # Adam's moments are twice the weights; the rest are numbers, of layers and such, of another length.
    assert abs(size - untrained_size) < trained.count_params()
    loaded = load_model(tmp_path / "trained.keras")
    np.testing.assert_array_equal(ages(loaded, SMALL_PIXELS)["age"], ages(model, SMALL_PIXELS)["age"])
    np.testing.assert_array_equal(loaded.get_layer("network").get_weights()[0], trained.get_weights()[0])


def test_the_same_weights_give_the_same_file_without_dates(tmp_path):
    digests = set()
    for name in ("a.keras", "b.keras"):
        keras.utils.clear_session()
        keras.utils.set_random_seed(1)
        changes = {"head": "distribution", "flip_average": True}
        save_model(predictor(network(**changes), **changes), tmp_path / name, RECIPE)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        assert {item.date_time[0] for item in archive.infolist()} == {1980}
        assert "date_saved" not in json.loads(archive.read("metadata.json"))


def test_another_networks_weights_are_refused(tmp_path):
    network(backbone="MobileNetV2").get_layer("backbone").save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(UserError, match="a.weights.h5"):
        load_backbone_weights(network(), tmp_path / "a.weights.h5")


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    broken = network().get_layer("backbone")
    broken.weights[0].assign(np.full(broken.weights[0].shape, np.nan))
    broken.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(UserError, match=r"a\.weights\.h5.*NaN or infinite"):
        load_backbone_weights(network(), tmp_path / "a.weights.h5")


def test_a_size_that_the_backbone_cannot_take_is_named():
    with pytest.raises(UserError, match="InceptionV3.*prepare.image_size 32"):
        network(backbone="InceptionV3")
