"""Ages of photos, on the command line: `python -m realage.predict PHOTO|FOLDER... [--model FILE] [--format NAME]`."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from realage.command import run
from realage.errors import UserError
from realage.model_file import load_model, read_recipe
from realage.parallel import map_photos
from realage.photo_names import find_photos
from realage.photos import PhotoError, load_photo
from realage.prepared import PrepareParams, fit_square

CHUNK = 256  # photos in memory at once


def predict() -> None:
    """Print each photo's age in years; exit status 1 if any photo could not be read."""
    arguments = _parse_arguments()
    photos = list(_photos(arguments.photos))
    prepare = read_recipe(arguments.model).prepare
    model = load_model(arguments.model)
    chunks = [photos[start : start + CHUNK] for start in range(0, len(photos), CHUNK)]
    rows = [row for chunk in chunks for row in predict_photos(model, prepare, chunk)]
    print(_formatted(pd.DataFrame(rows, columns=["photo", "age", "error"]), arguments.format))
    unread = sum(row["error"] != "" for row in rows)
    if unread:
        raise UserError(f"{unread} of {len(rows)} photos could not be read: the column 'error' says why")


def predict_photos(model, prepare: PrepareParams, photos: list[Path]) -> list[dict]:
    """A row a photo: `photo`, `age` (years, or NaN) and `error` (why there is no age, or empty)."""

    def look(photo: Path) -> np.ndarray | str:
        try:
            return fit_square(load_photo(photo), prepare)
        except PhotoError as error:
            return str(error)

    seen = list(map_photos(look, photos, "photos"))
    readable = [pixels for pixels in seen if not isinstance(pixels, str)]
    ages = iter(model.predict(np.stack(readable).astype("float32"), verbose=0).ravel() if readable else [])
    return [
        {"photo": str(photo), "age": float("nan"), "error": pixels}
        if isinstance(pixels, str)
        else {"photo": str(photo), "age": round(float(next(ages)), 1), "error": ""}
        for photo, pixels in zip(photos, seen)
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
        records = [{**row, "age": None if row["error"] else row["age"]} for row in table.to_dict("records")]
        return json.dumps(records, indent=2)
    return table.to_string(index=False, na_rep="")


if __name__ == "__main__":
    run(predict)
