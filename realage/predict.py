"""Predict the ages of photos: `realage predict PHOTO|FOLDER... [--model FILE] [--format NAME]`."""

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from glob import glob, has_magic
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from realage.core.digests import file_sha256
from realage.core.errors import UserError
from realage.core.machine import data_workers
from realage.core.paths import EXPORTED, MODEL
from realage.inference.age_model import AgeModel, Prediction
from realage.inference.outputs import LINES, OutFile, Printed
from realage.inference.rows import Gate, Row, columns_of, error_row, prediction_row
from realage.inference.views import View
from realage.photos.limits import PhotoError
from realage.photos.names import list_files

CHUNK = 256  # photos in memory at once


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

    Without `model_file`, the model is the exported one if it is that of `models/age.keras`, otherwise that itself.
    `style` is table, csv, json (one list) or jsonl (a line per photo). With `out` the rows go to that file; a run that
    was interrupted goes on there. Raises UserError if the model file is not sound, and, after printing, if any photo
    has no age.
    """
    if out and style not in LINES:
        raise UserError(f"--out writes csv or jsonl, and --format is {style}: add '--format csv'")
    photos = list(_photos(paths))
    model = AgeModel.load(model_file or _found_model())
    columns = columns_of(model, request.all_faces, request.gate)
    done = without = 0
    output: OutFile | Printed = Printed(style, columns) if out is None else OutFile(
        out, style, columns, _settings(model, request), photos
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
    """Yield the rows of each photo: one, or with `all_faces` one for each face.

    Photos are decoded and framed by `REALAGE_WORKERS` threads, a chunk at a time, so that memory does not grow.
    """

    def look(photo: Path) -> list[View] | PhotoError:
        try:
            return model.frame(photo, request.all_faces)
        except PhotoError as error:
            return error

    with ThreadPoolExecutor(data_workers()) as pool:
        waiting = iter(photos)
        while chunk := list(islice(waiting, CHUNK)):
            seen = list(pool.map(look, chunk))
            answers = iter(model.answer([view for views in seen if isinstance(views, list) for view in views]))
            for photo, views in zip(chunk, seen):
                if isinstance(views, PhotoError):
                    yield [error_row(photo, views, request.gate)]
                else:
                    yield [_row(photo, next(answers), request.gate) for _ in views]


def _row(photo: Path, answer: Prediction | PhotoError, gate: Gate | None) -> Row:
    if isinstance(answer, PhotoError):
        return error_row(photo, answer, gate)
    return prediction_row(photo, answer, gate)


def _found_model() -> Path:
    if not EXPORTED.is_file():
        return MODEL
    if not MODEL.is_file():
        return EXPORTED
    if AgeModel.load(EXPORTED).facts.fingerprint == file_sha256(MODEL):
        return EXPORTED
    print(f"{EXPORTED} was exported from another model than {MODEL}, which is used: run 'dvc repro export'",
          file=sys.stderr)
    return MODEL


def _settings(model: AgeModel, request: Request) -> dict[str, object]:
    """What two parts of one output file must have in common."""
    return {"model": model.facts.fingerprint, "all_faces": request.all_faces,
            "gate": list(request.gate) if request.gate else None}  # fmt: skip


def _photos(paths: Iterable[str | Path]) -> Iterator[Path]:
    for path in map(Path, paths):
        text = str(path)
        if text == "-":
            yield from map(Path, filter(None, (line.rstrip("\r\n") for line in sys.stdin)))
        elif path.is_dir():
            yield from _listed(path)
        elif path.exists():
            yield path
        elif has_magic(text) and (found := sorted(glob(text, recursive=True))):
            yield from _photos(found)
        else:
            raise UserError(f"{path}: no such photo or folder")


def _listed(folder: Path) -> list[Path]:
    files = list_files(folder)
    if files.others:
        print(f"{folder}: {files.passed_over()}", file=sys.stderr)
    if not files.photos:
        raise UserError(f"{folder}: no photos in this folder")
    return [folder / name for name in files.photos]


if __name__ == "__main__":
    # The same as 'realage predict'. Imported by name, since realage.cli imports this module.
    import_module("realage.cli").main("predict")
