"""The network: pixels as each backbone wants them, years out, and a file that says all of it."""

import hashlib
import json
import zipfile

import numpy as np
import pytest
from conftest import PROJECT

from realage.backbones import MODULES, ModelParams
from realage.errors import UserError
from realage.model import build_model, load_backbone_weights, pixel_scaling_layer
from realage.model_file import Recipe, load_model, read_recipe, save_model
from realage.params import load
from realage.prepared import PrepareParams
from realage.quiet_keras import keras
from realage.recipe import TrainParams

RECIPE = Recipe(
    prepare=PrepareParams(image_size=32, fit="pad"), train=load("train", TrainParams, PROJECT / "params.yaml")
)
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype("float32")


def model_params(**changes) -> ModelParams:
    defaults = {
        "backbone": "MobileNetV2",
        "weights": "none",
        "pixel_scaling": "backbone",
        "batch_norm_momentum": 0.9,
        "dense_units": 8,
        "dropout": 0.0,
        "output": "linear",
        "output_bias": "mean_age",
    }
    return ModelParams(**{**defaults, **changes})


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


def test_output_starts_at_the_mean_age_or_at_zero():
    near_mean = build_model(model_params(), 32, mean_age=31.2).predict(PIXELS, verbose=0)
    near_zero = build_model(model_params(output_bias="zero"), 32, mean_age=31.2).predict(PIXELS, verbose=0)
    assert near_mean.shape == (3, 1)
    assert np.abs(near_mean - 31.2).max() < 5 and np.abs(near_zero).max() < 5


def test_batch_norm_momentum_reaches_every_layer_or_none():
    def momenta(**changes) -> set[float]:
        backbone = build_model(model_params(**changes), 32, 30).get_layer("backbone")
        return {layer.momentum for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)}

    assert momenta() == {0.9} and momenta(batch_norm_momentum=None) == {0.999}


def test_every_weight_but_the_pixel_scaling_learns():
    model = build_model(model_params(), 32, 30)
    model.compile("sgd", "mse")
    before = [weight.copy() for weight in model.get_weights()]
    frozen = [weight.copy() for weight in model.get_layer("pixel_scaling").get_weights()]
    model.fit(PIXELS, np.array([0.0, 40.0, 80.0]), epochs=2, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights())]
    assert np.mean(changed) > 0.9
    for a, b in zip(frozen, model.get_layer("pixel_scaling").get_weights()):
        np.testing.assert_array_equal(a, b)


def test_half_precision_gives_years_in_float32():
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model(model_params(), 32, 31.2)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert model.get_layer("years").compute_dtype == "float32" and model.get_layer("dense").compute_dtype == "bfloat16"
    assert model.get_layer("pixel_scaling").compute_dtype == "float32"


def test_a_saved_model_predicts_the_same_and_plain_keras_loads_it(tmp_path):
    model = build_model(model_params(), 32, 31.2)
    save_model(model, tmp_path / "age.keras", RECIPE)
    expected = model.predict(PIXELS, verbose=0)
    for loaded in (load_model(tmp_path / "age.keras"), keras.models.load_model(tmp_path / "age.keras")):
        np.testing.assert_array_equal(loaded.predict(PIXELS, verbose=0), expected)
    assert read_recipe(tmp_path / "age.keras") == RECIPE


def test_a_trained_model_is_saved_without_its_optimizer(tmp_path):
    model = build_model(model_params(), 32, 31.2)
    save_model(model, tmp_path / "untrained.keras", RECIPE)
    model.compile("adam", "mse")
    model.fit(PIXELS, np.array([0.0, 40.0, 80.0]), verbose=0)
    save_model(model, tmp_path / "trained.keras", RECIPE)
    assert (tmp_path / "trained.keras").stat().st_size == (tmp_path / "untrained.keras").stat().st_size
    loaded = load_model(tmp_path / "trained.keras")
    np.testing.assert_array_equal(loaded.predict(PIXELS, verbose=0), model.predict(PIXELS, verbose=0))


def test_the_same_weights_give_the_same_file_without_dates(tmp_path):
    digests = set()
    for name in ("a.keras", "b.keras"):
        keras.utils.clear_session()
        keras.utils.set_random_seed(1)
        save_model(build_model(model_params(), 32, 31.2), tmp_path / name, RECIPE)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        assert {item.date_time[0] for item in archive.infolist()} == {1980}
        assert "date_saved" not in json.loads(archive.read("metadata.json"))


def test_another_networks_weights_are_refused(tmp_path):
    other = build_model(model_params(backbone="MobileNet"), 32, 30)
    other.get_layer("backbone").save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(UserError, match="a.weights.h5"):
        load_backbone_weights(build_model(model_params(), 32, 30), tmp_path / "a.weights.h5")


def test_a_size_that_the_backbone_cannot_take_is_named():
    with pytest.raises(UserError, match="InceptionV3.*prepare.image_size 32"):
        build_model(model_params(backbone="InceptionV3"), 32, 30)


@pytest.mark.parametrize("recipe", ["{}", "[]", '{"prepare": {"image_size": "large"}}'])
def test_a_model_with_a_foreign_recipe_is_refused(tmp_path, recipe):
    with zipfile.ZipFile(tmp_path / "age.keras", "w") as archive:
        archive.writestr("realage.json", recipe)
    with pytest.raises(UserError, match=r"age\.keras: not a model that this project trained"):
        read_recipe(tmp_path / "age.keras")


@pytest.mark.parametrize("contents", [None, b"", b"no zip", b"PK\x03\x04 torn"])
def test_what_is_no_model_is_refused_by_name(tmp_path, contents):
    if contents is not None:
        (tmp_path / "age.keras").write_bytes(contents)
    with pytest.raises(UserError, match="age.keras"):
        read_recipe(tmp_path / "age.keras")
