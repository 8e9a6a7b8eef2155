"""Weights that are numbers: NaN and infinity pass through a network unnoticed, up to its answers."""

from pathlib import Path

import numpy as np
import pandas as pd

from realage.core.errors import UserError
from realage.network.quiet_keras import keras


def not_finite(model: keras.Model) -> str | None:
    """The path of the first weight of `model` that has NaN or infinite values; None if there is no such weight."""
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            return weight.path
    return None


def require_numbers(answers: pd.DataFrame, path: Path) -> None:
    """Raise UserError if the model file `path` has given answers, floats in years, that are NaN or infinite."""
    if not np.isfinite(answers).all(axis=None):
        raise UserError(f"{path}: it predicts ages that are NaN or infinite: train with a lower train.learning_rate")
