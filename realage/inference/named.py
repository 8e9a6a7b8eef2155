"""The photos that a user names on the command line: files, folders, patterns, or paths on standard input."""

import sys
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from realage.core.errors import UserError
from realage.photos.names import list_files


def named_photos(paths: Iterable[str | Path]) -> Iterator[Path]:
    """Yield the photos in `paths`; `-` stands for the paths on standard input, a line each.

    Files in a folder that are no photos are counted on standard error. Raises UserError for a path that does not exist,
    and for a folder without photos.
    """
    for path in map(Path, paths):
        text = str(path)
        if text == "-":
            yield from map(Path, filter(None, (line.rstrip("\r\n") for line in sys.stdin)))
        elif path.is_dir():
            yield from _listed(path)
        elif path.exists():
            yield path
        elif has_magic(text) and (found := sorted(glob(text, recursive=True))):
            yield from named_photos(found)
        else:
            raise UserError(f"{path}: no such photo or folder")


def _listed(folder: Path) -> list[Path]:
    files = list_files(folder)
    if files.others:
        print(f"{folder}: {files.passed_over()}", file=sys.stderr)
    if not files.photos:
        raise UserError(f"{folder}: no photos in this folder")
    return [folder / name for name in files.photos]
