"""The backbone: a network of `keras.applications` without its top, and its pretrained weights."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realage.core.errors import UserError
from realage.network.backbones import ModelParams
from realage.network.quiet_keras import keras


def build_backbone(params: ModelParams, size: int, weights: str | None) -> keras.Model:
    """Build the `keras.applications` network without its top; `weights` is None, 'imagenet' or a path."""
    with no_layer_skipped():
        return getattr(keras.applications, params.backbone)(
            include_top=False, weights=weights, input_shape=(size, size, 3), name="backbone"
        )


def load_backbone_weights(model: keras.Model, path: Path) -> None:
    """Load the weights in `path` into the model's backbone; raises UserError if they belong to another network."""
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
