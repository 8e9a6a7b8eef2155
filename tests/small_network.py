"""Networks that are quick to build, for tests of what goes on around them: a real backbone takes longer to compile."""

from pathlib import Path

from conftest import PROJECT, recipe

from realage.calibration.interval import Calibration, Scale
from realage.core.params import load
from realage.network.backbones import ModelParams
from realage.network.contents import Recipe
from realage.network.heads import build_head
from realage.network.model import build_predictor
from realage.network.model_file import save_model
from realage.network.quiet_keras import keras
from realage.photos.likeness import TrainingSummary
from realage.photos.params import PrepareParams

PREPARE = PrepareParams(image_size=32, crop="none", margin=0.0, fit="pad")


def small_backbone(params: ModelParams, size: int, weights: str | None) -> keras.Model:
    """In place of `build_backbone`."""
    layers = [keras.layers.Conv2D(8, 3, 4, activation="relu"), keras.layers.BatchNormalization(momentum=0.5)]
    return keras.Sequential([keras.Input((size, size, 3)), *layers], name="backbone")


def tiny_model(
    path: Path,
    head_name: str,
    calibration: Calibration | None = None,
    prepare: PrepareParams = PREPARE,
    summary: TrainingSummary | None = None,
) -> None:
    """Write the file of an untrained model that is as quick to build as to use."""
    keras.utils.set_random_seed(2)
    params = load("model", ModelParams, PROJECT / "params.yaml").model_copy(update={"head": head_name})
    head = build_head(params)
    pixels = keras.Input((prepare.image_size, prepare.image_size, 3))
    features = keras.layers.GlobalAveragePooling2D(name="pooling")(keras.layers.Rescaling(1 / 255)(pixels))
    start = keras.initializers.Constant(head.start(30.0))
    network = keras.Model(pixels, keras.layers.Dense(head.units, bias_initializer=start)(features), name="network")
    trained = Recipe(prepare=prepare, train=recipe().model_dump())
    texts = [part.model_dump_json() if part else None for part in (calibration, summary)]
    save_model(build_predictor(network, head, flip_average=True), path, trained, None, *texts)


def light_meter(
    path: Path, years: float = 100, prepare: PrepareParams = PREPARE, calibration: Calibration | None = None
) -> Path:
    """Write the file of a model whose age is the mean of all values of a photo: white is `years`, black 0."""
    pixels = keras.Input((prepare.image_size, prepare.image_size, 3))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(years / 255)(pixels))
    third = keras.initializers.Constant(1 / 3)
    age = keras.layers.Dense(1, use_bias=False, kernel_initializer=third)(mean)
    text = calibration.model_dump_json() if calibration else None
    save_model(keras.Model(pixels, {"age": age}), path, Recipe(prepare=prepare, train={}), calibration=text)
    return path


def intervals(per_spread: float | None = None) -> Calibration:
    """Intervals from 2 expected errors below the age to 3 above, and more of them at greater ages."""
    scale = Scale(base=1.0, per_spread=per_spread, ages=[10, 30, 60], factors=[1.0, 3.0, 2.0])
    return Calibration(coverage=0.9, low=-2, high=3, scale=scale, photos=60, people=60)
