"""What a training starts from: the values of `model.weights`, checked without Keras, which takes seconds to load.

`imagenet`, `none`, a file with the weights of a backbone, or an age model of this project: a model file, or the tag of
a promoted one. Stage `weights` puts it into `data/weights`.
"""

import zipfile
from pathlib import Path

import h5py

from realage.core.errors import UserError
from realage.network.archive import RECIPE_FILE, has_member, open_archive, read_json, require_sound
from realage.network.backbones import ModelParams
from realage.network.promoted import is_tag, require_tag

BY_NAME = ("imagenet", "none")
FITTING = ("backbone", "pixel_scaling")  # keys of `model` in which an age model has to be like the new one


def names_file(weights: str) -> bool:
    """Whether `model.weights` is a path."""
    return weights not in BY_NAME and not names_tag(weights)


def names_tag(weights: str) -> bool:
    """Whether `model.weights` is the tag of a promoted model. A file of that name comes first."""
    return is_tag(weights) and not Path(weights).exists()


def names_age_model(weights: str) -> bool:
    """Whether `model.weights`, whose file exists, is an age model of this project."""
    return names_tag(weights) or (names_file(weights) and is_age_model(Path(weights)))


def require_start(model: ModelParams) -> None:
    """Raise UserError unless the tag that `model.weights` names exists, or its file is of one of the two kinds."""
    weights = model.weights
    require_weights_file(model)
    if names_tag(weights):
        require_tag(weights)
    elif names_age_model(weights):
        require_fitting(Path(weights), model)
    elif names_file(weights) and not (zipfile.is_zipfile(weights) or h5py.is_hdf5(weights)):
        raise UserError(f"model.weights is '{weights}': neither a model file of this project nor a weights file in "
                        "HDF5: use one of these, imagenet or none")


def require_weights_file(model: ModelParams) -> None:
    """Raise UserError if `model.weights` names a file that does not exist."""
    if names_file(model.weights) and not Path(model.weights).is_file():
        raise UserError(f"model.weights is '{model.weights}': no such file: use a weights file or an age model, "
                        "imagenet or none")


def is_age_model(file: Path) -> bool:
    """Whether an existing file is an archive with a recipe, as this project's model files are."""
    try:
        with zipfile.ZipFile(file) as archive:
            return has_member(archive, RECIPE_FILE)
    except Exception:  # zipfile raises more kinds of errors than it documents
        return False


def require_fitting(file: Path, model: ModelParams) -> None:
    """Raise UserError if an age model's file is not sound, or if its backbone is not the one that `model` names."""
    with open_archive(file) as archive:
        require_sound(archive)
        trained = read_json(archive, RECIPE_FILE).get("model", {})  # release 0.1 wrote none
        for key in FITTING:
            if trained.get(key, getattr(model, key)) != getattr(model, key):
                raise UserError(f"model.weights: {model.weights}: its model.{key} is {trained[key]}: set model.{key} "
                                "to that, or start from another model")
