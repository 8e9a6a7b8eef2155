"""The model file: a `.keras` archive that contains the recipe and has the same bytes for the same weights."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from realage.core.errors import UserError, brief
from realage.core.files import replacing
from realage.network.archive import (
    CONFIG_FILE,
    METADATA_FILE,
    RECIPE_FILE,
    not_ours,
    open_archive,
    read_json,
    require_sound,
)
from realage.network.finite import not_finite
from realage.network.quiet_keras import keras
from realage.photos.prepared import PrepareParams

RECIPE_VERSION = 3  # 1, of release 0.1, had only `prepare` and `train`; 2 had no `prepare.max_megapixels`
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold


class Recipe(BaseModel):
    """How photos must be prepared for a model, and how it was trained.

    `prepare` decides what the model sees, so it is validated. `model`, `train` and `data` (the data's versions) are
    history: they are kept as the release that trained the model wrote them. So is `adaptation`, of a model that was
    adapted to a new source of photos; it is empty, and not written, for all others.
    """

    model_config = ConfigDict(frozen=True)

    version: int = 1
    prepare: PrepareParams
    model: dict[str, Any] = {}
    train: dict[str, Any]
    data: dict[str, str] = {}
    adaptation: dict[str, Any] = Field(default={}, exclude_if=lambda adaptation: not adaptation)


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
        metadata = json.loads(members[METADATA_FILE])
        members[METADATA_FILE] = json.dumps({"keras_version": metadata["keras_version"]}).encode()
        members[CONFIG_FILE] = _without_addresses(members[CONFIG_FILE])
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
    """Load a model that answers in years: a dictionary of `age` and perhaps `spread`, float32 (n, 1) each.

    Raises UserError as `load_network` does, and if the model has other outputs.
    """
    model = load_network(path)
    outputs = model.output
    shapes = {name: output.shape for name, output in outputs.items()} if isinstance(outputs, dict) else {}
    if shapes not in ({"age": (None, 1)}, {"age": (None, 1), "spread": (None, 1)}):
        found = ", ".join(map(str, shapes)) or "without names"
        raise not_ours(path, f"its outputs have to be age, or age and spread, one number a photo each, and are {found}")
    return model


def load_network(path: Path) -> keras.Model:
    """Load a model, whatever its outputs, that takes photos of the size in its recipe.

    Raises UserError if the file is missing, damaged or too large when unpacked, if Keras cannot load it, if the model
    takes photos of another size, and if a weight is NaN or infinite.
    """
    size = read_recipe(path).prepare.image_size
    with open_archive(path) as archive:
        require_sound(archive)
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever the layers in the file raise
        raise not_ours(path, f"Keras cannot load it: {brief(error)}") from error
    shape = getattr(model, "input_shape", None)
    if shape != (None, size, size, 3):
        raise not_ours(path, f"its recipe has prepare.image_size {size}, and its network takes inputs of shape {shape}")
    weight = not_finite(model)
    if weight:
        raise not_ours(path, f"its weight {weight} has values that are NaN or infinite")
    return model


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
    with open_archive(path) as archive:
        recipe = read_json(archive, RECIPE_FILE)
    version = recipe.get("version", 1) if isinstance(recipe, dict) else 1
    if isinstance(version, int) and version > RECIPE_VERSION:
        raise UserError(f"{path}: its recipe has version {version}, and this release reads up to {RECIPE_VERSION}: "
                        "install a newer release of realage")
    try:
        return Recipe.model_validate(recipe)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"])) or "all of it"
        raise not_ours(path, f"{RECIPE_FILE} in it: {key}: {problem['msg']}") from error
