"""How steady a model's ages are when photos are disturbed.

    python -m benchmarks.steadiness MODEL... --images FOLDER --labels CSV [--splits CSV] [--split NAME]
        [--home central|whole] [--json FILE]

Each photo is decoded once and disturbed in every way of `benchmarks.disturbances`. Each result goes through what
`realage predict` does: framing as recorded in the model file, with face detection if that is its crop, then the model.
A model's answers are compared with its own answer to the undisturbed photo. Prints Markdown, all ages in years.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.disturbances import NONE, Disturbance, Home, disturbances
from realage.core.columns import FILE_NAME, PHOTO, REAL_AGE, SPLIT
from realage.core.errors import UserError, printable
from realage.core.files import read_rows, write_json
from realage.core.formatting import TOO_FEW, count_photos
from realage.core.machine import data_workers
from realage.evaluation.people import number_people
from realage.evaluation.repeatability import score_changes
from realage.labels.matching import with_real_names
from realage.labels.params import ValidateParams
from realage.labels.rules import check_rows, without
from realage.labels.table import read_labels
from realage.network.contents import read_recipe
from realage.photos.decode import PhotoError, load_photo
from realage.photos.framing import Framed, frame_photo
from realage.photos.names import find_photos
from realage.photos.params import PrepareParams
from realage.runner.command import run

CHUNK = 16  # photos in memory at once, each with all its disturbances
SOUND = ValidateParams(min_age=0, max_age=120, min_pixels=1, on_reject="quarantine", max_rejected=1)

Views = dict[PrepareParams, list[Framed]]  # a photo in every disturbance, framed for each kind of model


class Model(NamedTuple):
    """A model, how it wants photos prepared, and the path of its file."""

    path: Path
    prepare: PrepareParams
    network: Any  # a keras.Model


class Answers(NamedTuple):
    """Ages in years, and numbers of faces found (NaN without detection), each float64 (photos, disturbances)."""

    ages: np.ndarray
    faces: np.ndarray


def steadiness() -> None:
    """Print the figures of all models side by side, and write them as JSON if asked to."""
    arguments = _parse_arguments()
    rows = labelled_photos(arguments.images, arguments.labels, arguments.splits, arguments.split)
    changes = disturbances(arguments.home)
    models = [load(path) for path in arguments.models]
    readable, answers = ask(models, [arguments.images / name for name in rows[FILE_NAME]], changes)
    rows = _only_readable(rows, readable)

    real, people = rows[REAL_AGE].to_numpy(), number_people(rows.assign(**{PHOTO: rows[FILE_NAME]}))
    figures = [measure(real, people, found, changes) for found in answers]
    split = arguments.split if arguments.splits else None
    facts = {"home": arguments.home, "split": split, "photos": len(rows), "people": len(np.unique(people))}
    described = [{"model": str(model.path), "prepare": model.prepare.model_dump()} for model in models]
    if arguments.json:
        results = [{**model, "disturbances": measured} for model, measured in zip(described, figures)]
        write_json(arguments.json, {**facts, "models": results})
    print(_to_markdown(facts, models, figures))


def labelled_photos(images: Path, labels: Path, splits: Path | None, split: str) -> pd.DataFrame:
    """Return the rows of `labels` with a sound age and a photo in `images`; with `splits`, only those of `split`.

    Raises UserError if a file or the folder is missing or not valid, and if there are no such rows.
    """
    if not images.is_dir():
        raise UserError(f"{images}: no such folder: name the folder of the photos")
    names = pd.Series(find_photos(images), dtype="str")
    table = with_real_names(read_labels(labels), names)
    rows = without(table, check_rows(table, names, SOUND)).astype({REAL_AGE: "float64"})
    if splits:
        rows = _of_split(rows, labels, splits, split)
    elif len(rows) < len(table):
        print(f"{labels}: left out {len(table) - len(rows):,} rows without a sound age and photo", file=sys.stderr)
    if rows.empty:
        raise UserError(f"{labels}: no row has a sound age and a photo in {images}: name the folder of these photos")
    return rows


def _of_split(rows: pd.DataFrame, labels: Path, splits: Path, split: str) -> pd.DataFrame:
    assigned = read_rows(splits)
    if SPLIT not in assigned:
        raise UserError(f"{splits}: no column {SPLIT}: name a splits.csv of the pipeline")
    wanted = assigned.loc[assigned[SPLIT] == split, FILE_NAME]
    if wanted.empty:
        raise UserError(f"{splits}: no photos in split '{split}': it has {', '.join(sorted(set(assigned[SPLIT])))}")
    lacking = wanted[~wanted.isin(rows[FILE_NAME])]
    if len(lacking):
        raise UserError(f"{labels}: no sound row with a photo for {len(lacking):,} of {len(wanted):,} photos of split "
                        f"'{split}', such as {lacking.iloc[0]}: name the labels and photos that {splits} was made from")
    return rows[rows[FILE_NAME].isin(wanted)]


def load(path: Path) -> Model:
    """Load a model file. Raises UserError as `load_model` does."""
    # Imported late: Keras takes seconds to load, and a wrong path should be reported at once.
    from realage.network.model_file import load_model

    return Model(path, read_recipe(path).prepare, load_model(path))


def ask(
    models: Sequence[Model], photos: Sequence[Path], changes: Sequence[Disturbance]
) -> tuple[np.ndarray, list[Answers]]:
    """Return which photos can be read, bool (n,), and each model's answers to those in every disturbance.

    Memory does not depend on the number of photos. Raises UserError if no photo can be read, if an age is NaN or
    infinite, and as `frame_photo` does.
    """
    readable: list[bool] = []
    parts: list[list[Answers]] = [[] for _ in models]
    for seen in _look_at(photos, {model.prepare for model in models}, changes):
        readable += [views is not None for views in seen]
        sound = [views for views in seen if views is not None]
        for model, answers in zip(models, parts if sound else []):
            answers.append(_answer(model, [views[model.prepare] for views in sound]))
    if not any(readable):
        raise UserError(f"{photos[0].parent}: none of the photos can be read")
    return np.array(readable), [Answers(*map(np.concatenate, zip(*answers))) for answers in parts]


def _look_at(
    photos: Sequence[Path], prepares: set[PrepareParams], changes: Sequence[Disturbance]
) -> Iterator[list[Views | None]]:
    """Yield the views of CHUNK photos at a time, with a progress bar; None for a photo that cannot be read."""
    look = partial(_look, prepares=prepares, changes=changes)
    with (
        ThreadPoolExecutor(data_workers()) as workers,
        tqdm(total=len(photos), desc="disturb and predict", unit=" photos", disable=None) as bar,
    ):
        for start in range(0, len(photos), CHUNK):
            chunk = photos[start : start + CHUNK]
            yield list(workers.map(look, chunk))
            bar.update(len(chunk))


def _look(photo: Path, prepares: set[PrepareParams], changes: Sequence[Disturbance]) -> Views | None:
    try:
        decoded = {limit: load_photo(photo, limit) for limit in {prepare.max_megapixels for prepare in prepares}}
    except PhotoError:
        return None
    return {
        prepare: [frame_photo(change.apply(decoded[prepare.max_megapixels]), prepare) for change in changes]
        for prepare in prepares
    }


def _answer(model: Model, views: list[list[Framed]]) -> Answers:
    from realage.network.model_file import predict_ages

    pixels = np.stack([framed.pixels for photo in views for framed in photo]).astype("float32")
    ages = predict_ages(model.network, pixels)["age"].to_numpy().reshape(len(views), -1)
    if not np.isfinite(ages).all():
        raise UserError(f"{model.path}: it predicts ages that are NaN or infinite: use another model")
    faces = np.array([[framed.faces for framed in photo] for photo in views], dtype="float64")  # None becomes NaN
    return Answers(ages, faces)


def _only_readable(rows: pd.DataFrame, readable: np.ndarray) -> pd.DataFrame:
    unread = rows.loc[~readable, FILE_NAME]
    if len(unread):
        print(f"left out {len(unread):,} photos that cannot be read, such as {printable(unread.iloc[0])}",
              file=sys.stderr)
    return rows[readable]


def measure(
    real: np.ndarray, people: np.ndarray, answers: Answers, changes: Sequence[Disturbance]
) -> list[dict[str, Any]]:
    """Return the figures of each disturbance; the first of `changes` is the undisturbed photo.

    `real`, float (n,), is in years; `people`, any (n,), says who is in each photo. Figures are those of
    `score_changes`, and `mae`, the MAE of the disturbed photos in years. `no_face` counts photos in which no face was
    found; it is left out for a model that does not look for faces.
    """
    ages, faces = answers
    return [
        {
            "disturbance": change.name,
            "invented": change.invented,
            **score_changes(real, ages[:, 0], ages[:, [place]], people),
            "mae": float(np.mean(np.abs(ages[:, place] - real))),
            **({} if np.isnan(faces).all() else {"no_face": int(np.sum(faces[:, place] == 0))}),
        }
        for place, change in enumerate(changes)
    ]


def _to_markdown(facts: dict[str, Any], models: Sequence[Model], figures: Sequence[list[dict[str, Any]]]) -> str:
    """Return the models by number, a table of what is real, and one of what has an invented border."""
    together = list(zip(*figures))  # by disturbance
    real, invented = ([row for row in together if row[0]["invented"] == kind] for kind in (False, True))
    prefixes = [f"{number}: " for number in range(1, len(models) + 1)] if len(models) > 1 else [""]
    header = [column for prefix, model in zip(prefixes, models) for column in _columns(prefix, model)]
    return "\n".join([
        f"{count_photos(facts['photos'], facts['people'])}, home framing {facts['home']}. All figures are in years. "
        f"'Change' is the absolute change of the predicted age against '{NONE}': mean and 95th percentile.",
        "",
        *(f"- {prefix}{_described(model)}" for prefix, model in zip(prefixes, models)),
        "",
        *_table(["disturbance", *header], real),
        "",
        *_table(["with an invented border", *header], invented),
    ])  # fmt: skip


def _described(model: Model) -> str:
    prepare = model.prepare
    margin = f", margin {prepare.margin:g}" if prepare.finds_faces else ""
    return f"`{printable(str(model.path))}`: {prepare.image_size} px, crop {prepare.crop}{margin}, fit {prepare.fit}"


def _columns(prefix: str, model: Model) -> list[str]:
    faces = ["no face"] * model.prepare.finds_faces
    return [prefix + column for column in ("change, mean", "change, p95", "MAE", "ΔMAE [95% interval]", *faces)]


def _table(header: list[str], rows: Sequence[Sequence[dict[str, Any]]]) -> list[str]:
    lines = [[row[0]["disturbance"], *(cell for figures in row for cell in _cells(figures))] for row in rows]
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---", *["---:"] * (len(header) - 1)], *lines)]


def _cells(figures: dict[str, Any]) -> list[str]:
    faces = [str(figures["no_face"])] if "no_face" in figures else []
    if figures["disturbance"] == NONE:
        return ["", "", f"{figures['mae']:.2f}", "", *faces]
    changes = [f"{figures[name]:.2f}" for name in ("change_mean", "change_p95", "mae")]
    return [*changes, f"{figures['mae_change']:+.2f} {_interval(figures)}", *faces]


def _interval(figures: dict[str, Any]) -> str:
    if "mae_change_ci95_lo" not in figures:
        return TOO_FEW
    return f"[{figures['mae_change_ci95_lo']:+.2f}, {figures['mae_change_ci95_hi']:+.2f}]"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steadiness",
                                     description="Measure how steady models' ages are when photos are disturbed.")
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL", help="model files, such as models/age.keras")
    parser.add_argument("--images", type=Path, required=True, metavar="FOLDER", help="folder of the photos")
    parser.add_argument("--labels", type=Path, required=True, metavar="CSV", help="with columns file_name and real_age")
    parser.add_argument("--splits", type=Path, metavar="CSV", help="data/labels/splits.csv; default: use all photos")
    parser.add_argument("--split", default="val", metavar="NAME", help="with --splits; default: %(default)s")
    parser.add_argument("--home", choices=get_args(Home), default="central",
                        help="what the undisturbed photo is: the middle 1/1.4 of each photo, so that a wider margin "
                        "has real pixels, or the whole photo; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file too")
    return parser.parse_args()


if __name__ == "__main__":
    run(steadiness)
