"""Remove a person from the data: `realage remove-person SUBJECT --list FILE`; see docs/removal.md."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from realage.core.columns import FILE_NAME, NEAR_DUPLICATE_OF, PHOTO, SUBJECT
from realage.core.digests import file_md5
from realage.core.disk import replacing
from realage.core.errors import UserError, printable
from realage.core.files import read_json, read_rows, write_csv
from realage.core.params import load
from realage.core.paths import PREPARED, SOURCE, SPLITS, START_MODEL, STORE, SUSPECTS
from realage.labels.dataset import DatasetParams
from realage.labels.table import read_labels
from realage.network.contents import read_learnt
from realage.photos.names import fold, walk
from realage.splits.subjects import is_known


def remove_person(known_by: Path, subject: str | None = None, files: list[str] | None = None) -> None:
    """Delete the photos and rows of one person, by `subject` or by the names of their photos, `files`.

    `known_by` is a new file. It lists the photos' names, the hashes of their pixels, and the MD5 hashes under which DVC
    stores their files and prepared files. Raises UserError if it exists, or if the subject or a photo is unknown.
    """
    dataset = load("dataset", DatasetParams)
    labels, images = Path(dataset.labels), Path(dataset.images)
    if known_by.exists():
        raise UserError(f"{known_by}: exists already and may list another removal: name a new file")
    rows, splits = read_labels(labels), read_rows(SPLITS)
    names = set(files) if files else _names_of(subject or "", rows, labels)
    found = _files_of(names, set(rows[FILE_NAME]) - names, images)
    _require_known(names, rows, found, labels, images)
    pixels = splits.loc[splits[FILE_NAME].isin(names), PHOTO]
    copies = [*found.values(), *(PREPARED / f"{photo}.png" for photo in pixels)]
    lines = [*sorted({*names, *found}), *pixels, *(file_md5(file) for file in copies if file.is_file())]
    with replacing(known_by) as part:
        part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for file in found.values():
        file.unlink()
    for kept in (STORE, SUSPECTS):
        shutil.rmtree(kept, ignore_errors=True)
    # Last, so that an interrupted removal can be repeated.
    theirs = rows[FILE_NAME].isin(names)
    write_csv(labels, rows[~theirs])
    what = f"{len(found):,} photos from {images} and {theirs.sum():,} rows from {labels}"
    print(printable(f"removed {what}, and emptied {STORE} and {SUSPECTS}"))
    _warn(names, found, splits)
    _warn_of_start(pixels)


def _names_of(subject: str, rows: pd.DataFrame, labels: Path) -> set[str]:
    if SUBJECT not in rows:
        raise UserError(f"{labels}: has no column subject: name the person's photos with --files")
    if not is_known(subject):
        raise UserError(f"{subject!r} stands for all subjects who are not known: name the person's photos with --files")
    names = set(rows.loc[rows[SUBJECT] == subject, FILE_NAME]) - {""}
    if not names:
        raise UserError(f"{labels}: no row has the subject {subject!r}: check its spelling, or use --files")
    return names


def _files_of(names: set[str], of_others: set[str], images: Path) -> dict[str, Path]:
    """The files below `images`, by relative path, whose name equals one of `names`, ignoring case and Unicode form."""
    folded = {fold(name) for name in names}
    files = {path.relative_to(images).as_posix(): path for path in walk(images) if not path.is_dir()}
    return {name: files[name] for name in sorted(files) if fold(name) in folded and name not in of_others}


def _require_known(names: set[str], rows: pd.DataFrame, files: dict[str, Path], labels: Path, images: Path) -> None:
    unknown = names.difference(rows[FILE_NAME], files)
    if unknown:
        raise UserError(f"{min(unknown)}: neither in {labels} nor in {images}: name photos as in column file_name")


def _warn(names: set[str], files: dict[str, Path], splits: pd.DataFrame) -> None:
    """Print the names of photos that were not found, and of photos that may be copies."""
    missing = {fold(name): name for name in names}
    for name in files:
        missing.pop(fold(name), None)
    if missing:
        print(f"not found, look for them under another name: {_listed(missing.values())}", file=sys.stderr)
    pairs = splits[[FILE_NAME, NEAR_DUPLICATE_OF]].to_numpy()
    copies = {name for pair in pairs if names.intersection(pair) for name in pair if name} - names
    if copies:
        print(f"check these too, they look like copies: {_listed(copies)}", file=sys.stderr)


def _warn_of_start(pixels: pd.Series) -> None:
    """Print that the model from which training starts has learnt from the person's photos, if it has."""
    learnt = read_learnt(START_MODEL) if START_MODEL.is_file() else None
    if learnt is not None and (count := learnt.count(pixels)):
        weights = read_json(SOURCE)["weights"]
        print(printable(f"{weights} has learnt from {count:,} of these photos: set model.weights to another model"),
              file=sys.stderr)


def _listed(names: Iterable[str]) -> str:
    return printable(", ".join(sorted(names)))
