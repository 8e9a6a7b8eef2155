"""Weights that are numbers: NaN and infinity pass through a network unnoticed, up to its answers."""

import numpy as np

from realage.network.quiet_keras import keras


def not_finite(model: keras.Model) -> str | None:
    """The path of the first weight of `model` that has NaN or infinite values; None if there is no such weight."""
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            return weight.path
    return None
