"""Take a person out of the data: `python -m tools.remove_person SUBJECT --list FILE`, as docs/removal.md says."""

import argparse
import hashlib
import sys
from pathlib import Path

import pandas as pd

from realage.command import run
from realage.dataset import DatasetParams
from realage.errors import UserError
from realage.files import read_rows, replacing, write_csv
from realage.labels import read_labels
from realage.params import load
from realage.photo_names import fold, walk

SPLITS, PREPARED = Path("data/labels/splits.csv"), Path("data/prepared")


def remove_person() -> None:
    """Delete the person's photos and rows, and list what they are known by.

    That is the photos' names, the hashes of their pixels, and the MD5 by which DVC calls their files and prepared ones.
    """
    arguments = _parse_arguments()
    dataset = load("dataset", DatasetParams)
    labels, images = Path(dataset.labels), Path(dataset.images)
    if arguments.list.exists():
        raise UserError(f"{arguments.list}: exists, and may be all that is known of another removal: name a new file")
    rows, splits = read_labels(labels), read_rows(SPLITS)
    names = set(arguments.files) if arguments.files else _names_of(arguments.subject, rows, labels)
    files = _files_of(names, set(rows["file_name"]) - names, images)
    _require_known(names, rows, files, labels, images)
    pixels = splits.loc[splits["file_name"].isin(names), "photo"]
    copies = [*files.values(), *(PREPARED / f"{photo}.png" for photo in pixels)]
    known_by = [*sorted({*names, *files}), *pixels, *(_md5(file) for file in copies if file.is_file())]
    with replacing(arguments.list) as part:
        part.write_text("".join(f"{line}\n" for line in known_by), encoding="utf-8")
    for file in files.values():
        file.unlink()
    # Last, so that a removal that was interrupted can be asked for again.
    theirs = rows["file_name"].isin(names)
    write_csv(labels, rows[~theirs])
    print(f"removed {len(files):,} photos from {images} and {theirs.sum():,} rows from {labels}")
    _warn(names, files, splits)


def _names_of(subject: str, rows: pd.DataFrame, labels: Path) -> set[str]:
    if "subject" not in rows:
        raise UserError(f"{labels}: has no column subject: name the person's photos with --files")
    names = set(rows.loc[rows["subject"] == subject, "file_name"]) - {""}
    if not names:
        raise UserError(f"{labels}: no row has the subject {subject!r}")
    return names


def _files_of(names: set[str], of_others: set[str], images: Path) -> dict[str, Path]:
    """The files below `images`, by name from there, whose name is one of `names` but for case and Unicode form."""
    folded = {fold(name) for name in names}
    files = {path.relative_to(images).as_posix(): path for path in walk(images) if not path.is_dir()}
    return {name: files[name] for name in sorted(files) if fold(name) in folded and name not in of_others}


def _require_known(names: set[str], rows: pd.DataFrame, files: dict[str, Path], labels: Path, images: Path) -> None:
    unknown = names.difference(rows["file_name"], files)
    if unknown:
        raise UserError(f"{min(unknown)}: neither in {labels} nor in {images}: name photos as file_name does")


def _md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def _warn(names: set[str], files: dict[str, Path], splits: pd.DataFrame) -> None:
    """Name the photos that were not found, and those that may be copies."""
    missing = {fold(name): name for name in names}
    for name in files:
        missing.pop(fold(name), None)
    if missing:
        print(f"not found, look for them under another name: {', '.join(sorted(missing.values()))}", file=sys.stderr)
    pairs = splits[["file_name", "near_duplicate_of"]].to_numpy()
    copies = {name for pair in pairs if names.intersection(pair) for name in pair if name} - names
    if copies:
        print(f"look at these too, they look like copies: {', '.join(sorted(copies))}", file=sys.stderr)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.remove_person", description="Take a person out of the data.")
    parser.add_argument("--list", type=Path, required=True, metavar="FILE", help="a new file to list what was removed")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("subject", nargs="?", help="as the labels' column subject has it")
    who.add_argument("--files", nargs="+", metavar="NAME", help="the file_name of each photo of theirs")
    return parser.parse_args()


if __name__ == "__main__":
    run(remove_person)
