"""A trained model as one `.keras` file with the same bytes for the same weights, and its recipe inside."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from realage.errors import UserError
from realage.files import replacing
from realage.params import Section
from realage.prepared import PrepareParams
from realage.quiet_keras import keras
from realage.recipe import TrainParams

RECIPE_FILE = "realage.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold


class Recipe(Section):
    """How photos must be prepared for a model, and how it was trained."""

    prepare: PrepareParams
    train: TrainParams


def save_model(model: keras.Model, path: Path, recipe: Recipe) -> None:
    """Save the functional `model`, which was never compiled; `recipe` travels as `realage.json` in the same archive.

    Keras writes times and memory addresses into the archive; here they are replaced. Plain
    `keras.models.load_model` reads the file all the same.
    """
    with replacing(path) as part:
        model.save(part)
        with zipfile.ZipFile(part) as archive:
            members = {name: archive.read(name) for name in sorted(archive.namelist())}
        metadata = json.loads(members["metadata.json"])
        members["metadata.json"] = json.dumps({"keras_version": metadata["keras_version"]}).encode()
        members["config.json"] = _without_addresses(members["config.json"])
        members[RECIPE_FILE] = recipe.model_dump_json(indent=2).encode()
        with zipfile.ZipFile(part, "w") as archive:
            for name, contents in members.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), contents)


def _without_addresses(config: bytes) -> bytes:
    """Number shared objects from 1: Keras tells them apart by their addresses in memory, which differ in each run."""
    numbers: dict[bytes, int] = {}
    return re.sub(
        rb'(?<="shared_object_id": )\d+',
        lambda address: b"%d" % numbers.setdefault(address[0], len(numbers) + 1),
        config,
    )


def load_model(path: Path) -> keras.Model:
    """Load a model, ready to predict. Raises UserError for a file that is missing or no Keras model."""
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (zipfile.BadZipFile, ValueError, TypeError, KeyError, OSError) as error:
        raise UserError(f"{path}: Keras cannot load it: {error}") from error


def predict_ages(model: keras.Model, photos: Any) -> pd.DataFrame:
    """Predict from `photos`, float32 (n, size, size, 3) RGB in [0, 255], or batches of them as Keras takes them.

    A row a photo, float64, in years: `age`, and `spread`, its standard deviation, where the model's head has any.
    """
    outputs = model.predict(photos, verbose=0)
    return pd.DataFrame({name: values.astype("float64").ravel() for name, values in outputs.items()})


def read_recipe(path: Path) -> Recipe:
    """The recipe that `save_model` put in. Raises UserError for a file that is missing or not this project's."""
    try:
        with zipfile.ZipFile(path) as archive:
            return Recipe.model_validate_json(archive.read(RECIPE_FILE))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: train one with 'dvc repro', or fetch it with 'dvc pull'") from None
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, RuntimeError) as error:  # the last: encrypted
        raise UserError(f"{path}: not a model that this project trained: {error}") from error
