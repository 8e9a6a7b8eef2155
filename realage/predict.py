"""Predict the ages of photos: `realage predict PHOTO|FOLDER... [--model FILE] [--format NAME]`."""

import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from realage.core.digests import file_sha256
from realage.core.errors import UserError
from realage.inference.age_model import AgeModel, Prediction
from realage.inference.gate import Gate
from realage.inference.named import named_photos
from realage.inference.outputs import LINES, OutFile, Printed
from realage.inference.pipeline_model import open_model
from realage.inference.rows import Row, columns_of, error_row, prediction_row
from realage.inference.stream import predict_stream
from realage.photos.limits import PhotoError


class Request(NamedTuple):
    """What is wanted of each photo: its largest face or all, and at which gate the age is decided on, if any."""

    all_faces: bool = False
    gate: Gate | None = None


LARGEST = Request()


def predict(
    paths: Iterable[str | Path],
    model_file: Path | None = None,
    style: str = "table",
    request: Request = LARGEST,
    out: Path | None = None,
) -> None:
    """Print the age of each photo in `paths`, in years: photos, folders of photos, patterns, or `-` for standard input.

    The model is `model_file` or, without one, that of the pipeline. `style` is table, csv, json (one list) or jsonl (a
    line per photo). With `out` the rows go to that file; a run that was interrupted goes on there. Raises UserError if
    the model file is not sound, and, after printing, if any photo has no age.
    """
    if out and style not in LINES:
        raise UserError(f"--out writes csv or jsonl, and --format is {style}: add '--format csv'")
    photos = list(dict.fromkeys(named_photos(paths)))  # a photo that is named twice has one row
    used_file, model = open_model(model_file)
    columns = columns_of(model, request.all_faces, request.gate)
    done = without = 0
    output: OutFile | Printed = Printed(style, columns) if out is None else OutFile(
        out, style, columns, _settings(used_file, request), photos
    )
    if isinstance(output, OutFile):
        done, without = output.done, output.failed
        if done:
            print(f"{out}: goes on after {done:,} of {len(photos):,} photos", file=sys.stderr)
    progress = tqdm(total=len(photos), initial=done, desc="predict", unit=" photos", disable=None)
    for rows in predict_photos(model, photos[done:], request):
        without += bool(rows[0]["error"])
        output.write(rows)
        progress.update()
    progress.close()
    output.close()
    if without:
        raise UserError(f"{without} of {len(photos)} photos have no age: the column 'error' says why")


def predict_photos(model: AgeModel, photos: Iterable[Path], request: Request = LARGEST) -> Iterator[list[Row]]:
    """Yield the rows of each photo: one, or with `all_faces` one for each face."""
    for photo, found in predict_stream(model, photos, request.all_faces):
        if isinstance(found, PhotoError):
            yield [error_row(photo, found, request.gate)]
        else:
            yield [_row(photo, each.answer, request.gate) for each in found]


def _row(photo: Path, answer: Prediction | PhotoError, gate: Gate | None) -> Row:
    if isinstance(answer, PhotoError):
        return error_row(photo, answer, gate)
    return prediction_row(photo, answer, gate)


def _settings(model_file: Path, request: Request) -> dict[str, object]:
    """What two parts of one output file must have in common."""
    return {"model": file_sha256(model_file), "all_faces": request.all_faces,
            "gate": list(request.gate) if request.gate else None}  # fmt: skip


if __name__ == "__main__":
    # The same as 'realage predict'. Imported by name, since realage.cli imports this module.
    import_module("realage.cli").main("predict")
