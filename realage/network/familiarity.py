"""How familiar a photo is to a network: the length of the vector of its pooled features.

The features of a photo unlike those of the training are weaker (Yu et al. 2023, CVPR, Block Selection Method for Using
Feature Norm in Out-of-Distribution Detection). Here this told rotated, negative and cut-up photos from others better
than distances from the features of training photos did.
"""

from realage.network.quiet_keras import keras
from realage.photos.likeness import FAMILIARITY


def with_familiarity(model: keras.Model) -> keras.Model:
    """Return `model`, which answers in years, with one more output, `familiarity`, (n, 1); weights are shared.

    It is the Euclidean norm of the pooled features of the photo itself, not of its mirror image. A model that was not
    built by `build_predictor` is returned as it is.
    """
    try:
        network = model.get_layer("network")
        pooled = network.get_layer("pooling").output
    except (ValueError, AttributeError):
        return model
    squares = keras.ops.square(keras.ops.cast(pooled, "float32"))
    norm = keras.ops.sqrt(keras.ops.sum(squares, axis=1, keepdims=True))
    # A model of its own: names of operations may occur in `model`, too.
    reaction = keras.Model(network.input, norm, name=FAMILIARITY)
    return keras.Model(model.input, {**model.output, FAMILIARITY: reaction(model.input)}, name=model.name)
