"""Ages of photos, on the command line: `python -m realage.predict PHOTO|FOLDER... [--model FILE] [--format NAME]`."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from realage.command import run
from realage.errors import UserError
from realage.framing import Framed, frame_photo
from realage.model_file import load_model, predict_ages, read_recipe
from realage.parallel import map_photos
from realage.photo_names import find_photos
from realage.photos import PhotoError, load_photo
from realage.prepared import PrepareParams

CHUNK = 256  # photos in memory at once


def predict() -> None:
    """Print each photo's age in years; exit status 1 if any photo could not be read."""
    arguments = _parse_arguments()
    photos = list(_photos(arguments.photos))
    prepare = read_recipe(arguments.model).prepare
    model = load_model(arguments.model)
    chunks = [photos[start : start + CHUNK] for start in range(0, len(photos), CHUNK)]
    rows = [row for chunk in chunks for row in predict_photos(model, prepare, chunk)]
    spread, faces = ["spread"] * ("spread" in model.output), ["faces"] * (prepare.crop == "face")
    table = pd.DataFrame(rows, columns=["photo", "age", *spread, *faces, "error"])
    # A photo that could not be read has no number of faces, which would make the others floats.
    print(_formatted(table.astype(dict.fromkeys(faces, "Int64")), arguments.format))
    unread = sum(row["error"] != "" for row in rows)
    if unread:
        raise UserError(f"{unread} of {len(rows)} photos could not be read: the column 'error' says why")


def predict_photos(model, prepare: PrepareParams, photos: list[Path]) -> list[dict]:
    """A row a photo: `photo`, `age` and perhaps `spread` (years), `faces` and `error` (why there is no age, or empty).

    `faces` is the number found, or None where the model was not trained with crop `face`.
    """

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


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m realage.predict", description="Predict ages from face photos.")
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO|FOLDER", help="photos, or folders of photos")
    parser.add_argument("--model", type=Path, default=Path("models/age.keras"), help="default: %(default)s")
    parser.add_argument("--format", choices=["table", "csv", "json"], default="table", help="default: %(default)s")
    return parser.parse_args()


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
    if style == "csv":
        return table.to_csv(index=False, lineterminator="\n").rstrip()
    if style == "json":
        return json.dumps(table.astype(object).where(table.notna(), None).to_dict("records"), indent=2)
    return table.to_string(index=False, na_rep="")


if __name__ == "__main__":
    run(predict)
