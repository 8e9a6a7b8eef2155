"""The network: raw pixels in, a head's outputs out; and the model around it that gives years.

It holds its own pixel scaling; photos of its size are all that it needs.
"""

import numpy as np

from realage.core.errors import UserError
from realage.network.backbones import MODULES, ModelParams
from realage.network.heads import Head
from realage.network.pretrained import build_backbone
from realage.network.quiet_keras import keras


def build_network(params: ModelParams, head: Head, size: int, mean_age: float) -> keras.Model:
    """Build the network that is trained, with random weights.

    Raises UserError where `size` is too small for the backbone.

    Input: float32 (n, size, size, 3), RGB in [0, 255]. Output: float32 (n, head.units), before the head's activation.
    `mean_age` (years) is where the head starts if `model.output_bias` says so: from 0, the first epochs would go into
    learning the mean.
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
    """Wrap the trained `network`, sharing its weights, so that it gives years.

    Input: as the network's. Output, float32 (n, 1) each, in years: `age`, and, of a head that predicts a distribution,
    `spread`, its standard deviation. With `flip_average`, the activated outputs for a photo and its mirror
    image are averaged. All layers are Keras' own, so that the saved model needs no code of ours to load.
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
    """The network with the same weights and no optimizer: Keras would save a compiled one's, whatever it is told."""
    return keras.Model(network.input, network.output, name=network.name)


def _untrained_backbone(params: ModelParams, size: int) -> keras.Model:
    try:
        backbone = build_backbone(params, size, weights=None)
    except ValueError as error:
        raise UserError(f"{params.backbone} does not take prepare.image_size {size} pixels: {error}") from error
    if params.batch_norm_momentum is not None:
        set_batch_norm_momentum(backbone, params.batch_norm_momentum)
    return backbone


def set_batch_norm_momentum(model: keras.Model, momentum: float) -> None:
    """Set what each batch-norm layer of `model`, nested ones too, keeps of its running statistics at a step."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
        elif isinstance(layer, keras.Model):
            set_batch_norm_momentum(layer, momentum)


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
