"""The network, from raw pixels to a head's outputs, and the model around it that predicts years.

Pixel scaling is part of the network: its input is photos of its size, not scaled.
"""

import numpy as np

from realage.core.errors import UserError
from realage.network.backbones import MODULES, ModelParams
from realage.network.heads import Head
from realage.network.pretrained import build_backbone
from realage.network.quiet_keras import keras


def build_network(params: ModelParams, head: Head, size: int, mean_age: float) -> keras.Model:
    """Build the network that is trained, with random weights.

    Input: float32 (n, size, size, 3), RGB in [0, 255]. Output: float32 (n, head.units), before the head's activation.
    With `model.output_bias` mean_age the untrained head predicts `mean_age` (years); from 0, the first epochs would be
    spent on learning the mean. Raises UserError if `size` (pixels) is too small for the backbone.
    """
    pixels = keras.Input((size, size, 3), name="pixels")
    scaled = pixel_scaling_layer(params)(pixels)
    features = _untrained_backbone(params, size)(scaled)
    features = keras.layers.GlobalAveragePooling2D(name="pooling")(features)
    features = keras.layers.Dropout(params.dropout, name="dropout")(features)
    if params.dense_units:
        features = keras.layers.Dense(params.dense_units, activation="relu", name="dense")(features)
    bias = head.start(mean_age) if params.output_bias == "mean_age" else np.zeros(head.units)
    outputs = keras.layers.Dense(
        head.units,
        bias_initializer=keras.initializers.Constant(bias),
        dtype="float32",  # bfloat16 would round ages to half a year
        name="outputs",
    )(features)
    return keras.Model(pixels, outputs, name="network")


def build_predictor(network: keras.Model, head: Head, flip_average: bool) -> keras.Model:
    """Wrap the trained `network` into a model that predicts years; weights are shared.

    Input: as for the network. Output, float32 (n, 1) each, in years: `age` and, for a head that predicts a
    distribution, its standard deviation `spread`. With `flip_average`, the activated outputs for a photo and its mirror
    image are averaged. All layers are Keras' own, so that the saved model loads without this package.
    """
    network = uncompiled(network)
    pixels = keras.Input(network.input_shape[1:], name="pixels")
    activate = keras.layers.Activation(head.activation, dtype="float32", name=head.activation)
    activated = activate(network(pixels))
    if flip_average:
        mirrored = activate(network(keras.ops.flip(pixels, axis=2)))
        activated = keras.layers.Average(dtype="float32", name="flip_average")([activated, mirrored])
    moments = keras.layers.Dense(
        head.moments.shape[1],
        use_bias=False,
        kernel_initializer=keras.initializers.Constant(head.moments),
        trainable=False,
        dtype="float32",
        name="moments",
    )(activated)
    years, *squares = keras.ops.split(moments, head.moments.shape[1], axis=1)
    outputs = {"age": years}
    if squares:
        outputs["spread"] = keras.ops.sqrt(keras.ops.relu(squares[0] - keras.ops.square(years)))
    return keras.Model(pixels, outputs, name="age")


def uncompiled(network: keras.Model) -> keras.Model:
    """The network without its optimizer, which Keras would save with it; weights are shared."""
    return keras.Model(network.input, network.output, name=network.name)


def _untrained_backbone(params: ModelParams, size: int) -> keras.Model:
    try:
        backbone = build_backbone(params, size, weights=None)
    except ValueError as error:
        raise UserError(f"{params.backbone} does not accept prepare.image_size {size} pixels: {error}") from error
    if params.batch_norm_momentum is not None:
        set_batch_norm_momentum(backbone, params.batch_norm_momentum)
    return backbone


def set_batch_norm_momentum(model: keras.Model, momentum: float) -> None:
    """Set the momentum of the running statistics in all batch-norm layers of `model`, nested models included."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
        elif isinstance(layer, keras.Model):
            set_batch_norm_momentum(layer, momentum)


def pixel_scaling_layer(params: ModelParams) -> keras.layers.Layer:
    """A frozen 1x1 convolution of RGB pixels in [0, 255]: the backbone's `preprocess_input`, or pixels / 255.

    Each `preprocess_input` in Keras is an affine map of a pixel (scaling, means, RGB to BGR), so its values for black
    and the three primary colours determine it. A convolution is saved with the model and loads without this package.
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
