"""The backbone: a network of `keras.applications` without its top, and its pretrained weights."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py

from realage.core.disk import is_of_machine
from realage.core.errors import UserError, brief
from realage.network.backbones import ModelParams
from realage.network.finite import not_finite
from realage.network.quiet_keras import keras


def build_backbone(params: ModelParams, size: int, weights: str | None) -> keras.Model:
    """Build the `keras.applications` network without its top; `weights` is None, 'imagenet' or a path."""
    with no_layer_skipped():
        return getattr(keras.applications, params.backbone)(
            include_top=False, weights=weights, input_shape=(size, size, 3), name="backbone"
        )


def load_backbone_weights(model: keras.Model, path: Path) -> None:
    """Load the weights in `path` into the model's backbone.

    Raises UserError if they belong to another network, or if one is NaN or infinite.
    """
    backbone = model.get_layer("backbone")
    try:
        with no_layer_skipped():
            backbone.load_weights(path)
        require_finite(backbone)
    except (UserWarning, ValueError, OSError, KeyError) as error:
        if is_of_machine(error):
            raise
        raise UserError(f"{path}: does not hold this backbone's weights: {brief(error)}: run 'dvc repro -f weights'"
                        ) from error


@contextmanager
def named_by_format(path: Path) -> Iterator[Path]:
    """Yield a link to the weights in `path` with the name that Keras expects of their format, old or new.

    Keras chooses the format by the name alone, and does not read a file that was renamed. Raises OSError if `path` is
    not an HDF5 file.
    """
    with h5py.File(path) as file:
        old = "layer_names" in file.attrs or "model_weights" in file
    with TemporaryDirectory() as folder:
        link = Path(folder, "backbone.h5" if old else "backbone.weights.h5")
        link.symlink_to(path.absolute())
        yield link


def require_finite(backbone: keras.Model) -> None:
    """Raise ValueError if a weight of the backbone is NaN or infinite."""
    weight = not_finite(backbone)
    if weight:
        raise ValueError(f"{weight} has values that are NaN or infinite")


@contextmanager
def no_layer_skipped() -> Iterator[None]:
    """Turn Keras' warning that a file holds no weights for some layer into an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Skipping")
        yield
