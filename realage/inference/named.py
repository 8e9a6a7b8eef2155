"""The photos that a user names on the command line: files, folders, patterns, or paths on standard input."""

import sys
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from realage.core.errors import UserError
from realage.photos.names import list_files


def named_photos(paths: Iterable[str | Path]) -> Iterator[Path]:
    """Yield the photos in `paths`; `-` stands for the paths on standard input, a line each.

    A file of this name is meant where there is one. Files in a folder that are no photos are counted on standard error.
    Raises UserError for a path that does not exist, for a folder without photos, and for no path on standard input.
    """
    for path in map(Path, paths):
        text = str(path)
        if path.is_dir():
            yield from _listed(path)
        elif path.exists():
            yield path
        elif text == "-":
            yield from _from_input()
        elif has_magic(text) and (found := sorted(glob(text, recursive=True))):
            for photo in map(Path, found):  # one that does not exist, such as a broken link, is a row with an error
                yield from _listed(photo) if photo.is_dir() else [photo]
        else:
            raise UserError(f"{path}: no such photo or folder")


def _from_input() -> Iterator[Path]:
    lines = sys.stdin or ()  # None if it was closed before the start
    names = [name for line in lines if (name := line.rstrip("\r\n"))]
    if not names:
        raise UserError("no paths on standard input: write one path a line to it")
    yield from map(Path, names)


def _listed(folder: Path) -> list[Path]:
    files = list_files(folder, any_name=True)
    if files.others:
        print(f"{folder}: {files.passed_over()}", file=sys.stderr)
    if not files.photos:
        raise UserError(f"{folder}: no photos in this folder")
    return [folder / name for name in files.photos]
