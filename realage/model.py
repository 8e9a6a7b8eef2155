"""The network: raw pixels in, years out. It holds its own pixel scaling; photos of its size are all that it needs."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from realage.backbones import MODULES, ModelParams
from realage.errors import UserError
from realage.quiet_keras import keras


def build_model(params: ModelParams, size: int, mean_age: float) -> keras.Model:
    """Build the age regressor with random weights.

    Raises UserError where `size` is too small for the backbone.

    Input: float32 (n, size, size, 3), RGB in [0, 255]. Output: float32 (n, 1), years. `mean_age` (years) is where the
    output starts if `model.output_bias` says so: from 0, the first epochs would go into learning the mean.
    """
    pixels = keras.Input((size, size, 3), name="pixels")
    scaled = pixel_scaling_layer(params)(pixels)
    features = _untrained_backbone(params, size)(scaled)
    features = keras.layers.GlobalAveragePooling2D(name="pooling")(features)
    features = keras.layers.Dropout(params.dropout, name="dropout")(features)
    features = keras.layers.Dense(params.dense_units, activation="relu", name="dense")(features)
    bias = mean_age if params.output_bias == "mean_age" else 0.0
    years = keras.layers.Dense(
        1,
        activation=params.output,
        bias_initializer=keras.initializers.Constant(bias),
        dtype="float32",  # half precision would round to eighths of a year
        name="years",
    )(features)
    return keras.Model(pixels, years, name="age")


def build_backbone(params: ModelParams, size: int, weights: str | None) -> keras.Model:
    """The `keras.applications` network without its top; `weights` as Keras takes them: None, 'imagenet' or a path."""
    with no_layer_skipped():
        return getattr(keras.applications, params.backbone)(
            include_top=False, weights=weights, input_shape=(size, size, 3), name="backbone"
        )


def _untrained_backbone(params: ModelParams, size: int) -> keras.Model:
    try:
        backbone = build_backbone(params, size, weights=None)
    except ValueError as error:
        raise UserError(f"{params.backbone} does not take prepare.image_size {size} pixels: {error}") from error
    if params.batch_norm_momentum is not None:
        for layer in backbone.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = params.batch_norm_momentum
    return backbone


def load_backbone_weights(model: keras.Model, path: Path) -> None:
    """Give the model's backbone the weights in `path`; raises UserError where they are another network's."""
    try:
        with no_layer_skipped():
            model.get_layer("backbone").load_weights(path)
    except (UserWarning, ValueError, OSError, KeyError) as error:
        raise UserError(f"{path}: does not hold this backbone's weights: {error}") from error


@contextmanager
def no_layer_skipped() -> Iterator[None]:
    """Turn Keras' warning that a file holds no weights for some layer into an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Skipping")
        yield


def pixel_scaling_layer(params: ModelParams) -> keras.layers.Layer:
    """A frozen layer that does what the backbone's `preprocess_input` does to RGB pixels in [0, 255].

    Each `preprocess_input` in Keras is an affine map of a pixel (scaling, means, RGB to BGR), so black and the three
    primaries show all of it. As a 1x1 convolution it is saved with the model and needs no code of ours to load.
    """
    kernel, bias = np.eye(3) / 255, np.zeros(3)
    if params.pixel_scaling == "backbone":
        preprocess = getattr(keras.applications, MODULES[params.backbone]).preprocess_input
        probes = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype="float64").reshape(4, 1, 1, 3)
        black, *primaries = preprocess(probes, data_format="channels_last").reshape(4, 3)
        kernel, bias = (np.array(primaries) - black) / 255, black
    return keras.layers.Conv2D(
        3,
        kernel_size=1,
        kernel_initializer=keras.initializers.Constant(kernel.reshape(1, 1, 3, 3)),
        bias_initializer=keras.initializers.Constant(bias),
        trainable=False,
        dtype="float32",
        name="pixel_scaling",
    )
