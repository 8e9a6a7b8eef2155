"""Predict the ages of photos: `realage predict PHOTO|FOLDER... [--model FILE] [--format NAME]`."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd

from realage.core.errors import UserError, printable
from realage.core.files import neutralized
from realage.photos.decode import PhotoError, load_photo
from realage.photos.framing import Framed, frame_photo
from realage.photos.names import find_photos
from realage.photos.parallel import map_photos
from realage.photos.prepared import PrepareParams

CHUNK = 256  # photos in memory at once


def predict(paths: list[Path], model_file: Path, style: str = "table") -> None:
    """Print the age of each photo in `paths`, photos or folders of photos, in years.

    `style` is table, csv, json (one list) or jsonl (a line per photo). Raises UserError if any photo could not be read.
    """
    photos = list(_photos(paths))
    # Imported late: Keras takes seconds to load, and a wrong path should be reported at once.
    from realage.network.model_file import load_model, read_recipe

    prepare = read_recipe(model_file).prepare
    model = load_model(model_file)
    chunks = [photos[start : start + CHUNK] for start in range(0, len(photos), CHUNK)]
    rows = [row for chunk in chunks for row in predict_photos(model, prepare, chunk)]
    spread, faces = ["spread"] * ("spread" in model.output), ["faces"] * (prepare.crop == "face")
    table = pd.DataFrame(rows, columns=["photo", "age", *spread, *faces, "error"])
    # Int64 has missing values: a photo that could not be read has no number of faces.
    print(_formatted(table.astype(dict.fromkeys(faces, "Int64")), style))
    unread = sum(row["error"] != "" for row in rows)
    if unread:
        raise UserError(f"{unread} of {len(rows)} photos could not be read: the column 'error' says why")


def predict_photos(model, prepare: PrepareParams, photos: list[Path]) -> list[dict]:
    """One row per photo: `photo`, `age`, `spread`, `faces` and `error`.

    `age` and, if the model's head predicts a distribution, `spread` are in years. `faces` is the number of faces found,
    or None if the model was not trained with crop `face`. `error` is empty, or says why there is no age.
    """
    from realage.network.model_file import predict_ages

    def look(photo: Path) -> Framed | str:
        try:
            return frame_photo(load_photo(photo), prepare)
        except PhotoError as error:
            return str(error)

    seen = list(map_photos(look, photos, "photos"))
    readable = [framed.pixels for framed in seen if isinstance(framed, Framed)]
    ages = predict_ages(model, np.stack(readable).astype("float32")) if readable else pd.DataFrame()
    found = iter(ages.round(1).to_dict("records"))
    return [
        {"photo": str(photo), **next(found), "faces": framed.faces, "error": ""}
        if isinstance(framed, Framed)
        else {"photo": str(photo), "error": framed}
        for photo, framed in zip(photos, seen)
    ]


def _photos(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such photo or folder")
        if not path.is_dir():
            yield path
        elif names := find_photos(path):
            yield from (path / name for name in names)
        else:
            raise UserError(f"{path}: no photos in this folder")


def _formatted(table: pd.DataFrame, style: str) -> str:
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    if style == "json":
        return json.dumps(rows, indent=2)
    if style == "jsonl":
        return "\n".join(map(json.dumps, rows))
    texts = ["photo", "error"]
    table = table.assign(**table[texts].map(printable))
    if style == "csv":
        return neutralized(table).to_csv(index=False, lineterminator="\n").rstrip()
    return table.to_string(index=False, na_rep="")


if __name__ == "__main__":
    # The same as 'realage predict'. Imported by name, since realage.cli imports this module.
    import_module("realage.cli").main("predict")
