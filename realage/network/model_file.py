"""The model file: a `.keras` archive that contains the recipe and has the same bytes for the same weights."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from realage.core.errors import UserError
from realage.core.files import replacing
from realage.network.quiet_keras import keras
from realage.photos.prepared import PrepareParams

RECIPE_FILE = "realage.json"
RECIPE_VERSION = 3  # 1, of release 0.1, had only `prepare` and `train`; 2 had no `prepare.max_megapixels`
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold


class Recipe(BaseModel):
    """How photos must be prepared for a model, and how it was trained.

    `prepare` decides what the model sees, so it is validated. `model`, `train` and `data` (the data's versions) are
    history: they are kept as the release that trained the model wrote them.
    """

    model_config = ConfigDict(frozen=True)

    version: int = 1
    prepare: PrepareParams
    model: dict[str, Any] = {}
    train: dict[str, Any]
    data: dict[str, str] = {}


def save_model(model: keras.Model, path: Path, recipe: Recipe) -> None:
    """Save the functional, uncompiled `model` to `path`, with `recipe` as `realage.json` in the same archive.

    Times and memory addresses that Keras writes into the archive are replaced, so that the bytes do not depend on the
    run. Plain `keras.models.load_model` reads the file.
    """
    recipe = recipe.model_copy(update={"version": RECIPE_VERSION})
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
    """Number shared objects from 1: Keras identifies them by memory address, which differs in each run."""
    numbers: dict[bytes, int] = {}
    return re.sub(
        rb'(?<="shared_object_id": )\d+',
        lambda address: b"%d" % numbers.setdefault(address[0], len(numbers) + 1),
        config,
    )


def load_model(path: Path) -> keras.Model:
    """Load a model for prediction. Raises UserError if the file is missing or not a Keras model."""
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (zipfile.BadZipFile, ValueError, TypeError, KeyError, OSError) as error:
        raise UserError(f"{path}: Keras cannot load it: {error}") from error


def predict_ages(model: keras.Model, photos: Any) -> pd.DataFrame:
    """Predict ages of `photos`: float32 (n, size, size, 3) RGB in [0, 255], or batches of such photos for Keras.

    Returns one row per photo, float64, in years: `age` and, if the head predicts a distribution, its standard deviation
    `spread`.
    """
    outputs = model.predict(photos, verbose=0)
    return pd.DataFrame({name: values.astype("float64").ravel() for name, values in outputs.items()})


def read_recipe(path: Path) -> Recipe:
    """Read the recipe from a model file of this or an earlier release.

    Raises UserError if the file is missing, not a model of this project, or from a later release.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            recipe = json.loads(archive.read(RECIPE_FILE))
        version = recipe.get("version", 1) if isinstance(recipe, dict) else 1
        if isinstance(version, int) and version > RECIPE_VERSION:
            raise UserError(f"{path}: its recipe has version {version}, and this release reads up to {RECIPE_VERSION}: "
                            "install a newer release of realage")
        return Recipe.model_validate(recipe)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: train one with 'dvc repro', or fetch it with 'dvc pull'") from None
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, RuntimeError) as error:
        # RuntimeError: the archive is encrypted. Its subclass RecursionError: the JSON is nested too deeply.
        raise UserError(f"{path}: not a model that this project trained: {error}") from error
