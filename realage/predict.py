"""Predict the ages of photos: `realage predict PHOTO|FOLDER... [--model FILE] [--format NAME]`."""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd

from realage.calibration.interval import Calibration, read_calibration
from realage.core.errors import UserError, printable
from realage.core.files import neutralized
from realage.network.contents import read_recipe
from realage.photos.decode import PhotoError, load_photo
from realage.photos.framing import Framed, frame_photo
from realage.photos.names import list_files
from realage.photos.parallel import map_photos
from realage.photos.prepared import PrepareParams

CHUNK = 256  # photos in memory at once
OLDEST_ANSWER = 150  # years: an answer that is not from 0 to this is no age


def predict(paths: list[Path], model_file: Path, style: str = "table") -> None:
    """Print the age of each photo in `paths`, photos or folders of photos, in years.

    If the model is calibrated, `age_lo` and `age_hi` are the ends of an interval that is meant to hold the real age.
    `style` is table, csv, json (one list) or jsonl (a line per photo). Raises UserError if the model file is not sound,
    and, after printing, if any photo has no age.
    """
    photos = list(_photos(paths))
    # Imported late: Keras takes seconds to load, and a wrong path should be reported at once.
    from realage.network.model_file import load_model

    prepare = read_recipe(model_file).prepare
    model = load_model(model_file)
    chunks = [photos[start : start + CHUNK] for start in range(0, len(photos), CHUNK)]
    calibration = read_calibration(model_file, model.output)
    rows = [row for chunk in chunks for row in predict_photos(model, prepare, chunk, calibration)]
    spread, faces = ["spread"] * ("spread" in model.output), ["faces"] * prepare.finds_faces
    ends = ["age_lo", "age_hi"] if calibration else []
    table = pd.DataFrame(rows, columns=["photo", "age", *ends, *spread, *faces, "error"])
    # Int64 has missing values: a photo that could not be read has no number of faces.
    print(_formatted(table.astype(dict.fromkeys(faces, "Int64")), style))
    without = sum(row["error"] != "" for row in rows)
    if without:
        raise UserError(f"{without} of {len(rows)} photos have no age: the column 'error' says why")


def predict_photos(
    model, prepare: PrepareParams, photos: list[Path], calibration: Calibration | None = None
) -> list[dict]:
    """One row per photo: `photo`, `age`, `age_lo`, `age_hi`, `spread`, `faces` and `error`.

    `age`, with a `calibration` the ends of its interval, `age_lo` and `age_hi`, and, if the model's head predicts a
    distribution, `spread` are in years. `faces` is the number of faces found,
    or None if the model was not trained with crop `face`. `error` is empty, or says why there is no age: the photo
    could not be read, or the model's answer is not from 0 to 150 years.
    """
    from realage.network.model_file import predict_ages

    def look(photo: Path) -> Framed | str:
        try:
            return frame_photo(load_photo(photo, prepare.max_megapixels), prepare)
        except PhotoError as error:
            return str(error)

    seen = list(map_photos(look, photos, "photos"))
    readable = [framed.pixels for framed in seen if isinstance(framed, Framed)]
    ages = predict_ages(model, np.stack(readable).astype("float32")) if readable else pd.DataFrame()
    if calibration and readable:
        ages = ages.join(calibration.intervals(ages))
    answers = iter((ages.round(1) + 0.0).to_dict("records"))  # + 0.0 turns -0.0 into 0.0
    return [
        {"photo": str(photo), "faces": framed.faces, **_checked(next(answers))}
        if isinstance(framed, Framed)
        else {"photo": str(photo), "error": framed}
        for photo, framed in zip(photos, seen)
    ]


def _checked(answer: dict[str, float]) -> dict:
    """The model's answer, its `age` and more, with an empty `error`; or, if it is no age, that error alone."""
    if 0 <= answer["age"] <= OLDEST_ANSWER and np.isfinite(list(answer.values())).all():
        return {**answer, "error": ""}
    said = ", ".join(f"{name} {years:g}" for name, years in answer.items() if name in ("age", "spread"))
    return {"error": f"the model's answer is no age from 0 to {OLDEST_ANSWER} years: {said}: use another model"}


def _photos(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such photo or folder")
        if not path.is_dir():
            yield path
        else:
            yield from _listed(path)


def _listed(folder: Path) -> list[Path]:
    files = list_files(folder)
    if files.others:
        print(f"{folder}: {files.passed_over()}", file=sys.stderr)
    if not files.photos:
        raise UserError(f"{folder}: no photos in this folder")
    return [folder / name for name in files.photos]


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
