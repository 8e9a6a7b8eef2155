"""The model file: a `.keras` archive that contains the recipe and has the same bytes for the same weights."""

import json
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from realage.core.disk import is_of_machine, naming, replacing
from realage.core.errors import brief
from realage.network.archive import (
    CALIBRATION_FILE,
    CONFIG_FILE,
    LEARNT_FILE,
    METADATA_FILE,
    RECIPE_FILE,
    SUMMARY_FILE,
    not_ours,
    open_archive,
    require_sound,
)
from realage.network.contents import RECIPE_VERSION, Recipe, read_recipe
from realage.network.finite import not_finite
from realage.network.learnt import LearntPhotos
from realage.network.quiet_keras import keras

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold


def save_model(
    model: keras.Model,
    path: Path,
    recipe: Recipe,
    learnt: LearntPhotos | None = None,
    calibration: str | None = None,
    summary: str | None = None,
) -> None:
    """Save the functional, uncompiled `model` to `path`, with `recipe` as `realage.json` in the same archive.

    `learnt`, the photos that the model and its ancestors have learnt from, is in it too, if given, and so are the JSON
    texts `calibration`, of its intervals, and `summary`, of its training photos. Times and memory addresses that Keras
    writes into the archive are replaced, so that the bytes do not depend on the run. Plain `keras.models.load_model`
    reads the file.
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
        if learnt is not None:
            members[LEARNT_FILE] = learnt.to_bytes()
        if calibration is not None:
            members[CALIBRATION_FILE] = calibration.encode()
        if summary is not None:
            members[SUMMARY_FILE] = summary.encode()
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
    takes photos of another size, and if a weight is NaN or infinite. Raises OSError if the machine is the cause, such
    as a full temporary folder.
    """
    size = read_recipe(path).prepare.image_size
    with open_archive(path) as archive:
        require_sound(archive)
    try:
        with naming(Path(tempfile.gettempdir())):  # Keras writes the weights there
            model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever the layers in the file raise
        if is_of_machine(error):
            raise
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
