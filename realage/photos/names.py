"""Photos in a folder, by name: which there are, and which must not be opened or cannot be kept."""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from realage.core.errors import UserError

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def find_photos(folder: Path) -> list[str]:
    """Names of all photo files below `folder`, relative to it with forward slashes, sorted.

    Hidden ones and linked folders are left out, as DVC leaves linked folders out.
    Raises UserError for a name that could not be written into our files, OSError for a folder that cannot be read.
    """
    paths = (path.relative_to(folder) for path in walk(folder) if path.suffix.lower() in PHOTO_SUFFIXES)
    names = sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
    for name in names:
        require_plain_name(folder / name)
    return names


def walk(folder: Path) -> Iterator[Path]:
    """All that is in `folder` and below it, not following links. Raises OSError for a folder that cannot be read."""

    def stop(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=stop):
        yield from (Path(place, name) for name in (*folders, *files))


def find_strays(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Those of the photos `names` in `folder` that are links to a file outside it, each with that file."""
    home = os.path.realpath(folder)
    links = (name for name in names if os.path.islink(folder / name))
    # Unlike Path.resolve, this is no error for a link to itself.
    targets = {name: Path(os.path.realpath(folder / name)) for name in links}
    return {name: target for name, target in targets.items() if not target.is_relative_to(home)}


def find_clashes(names: Iterable[str]) -> dict[str, str]:
    """Photos whose names differ in case or Unicode normal form only, each with another of them.

    Where a file system does not tell them apart, as on macOS and Windows, only one of them can exist.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(fold(name), []).append(name)
    pairs = [group for group in alike.values() if len(group) > 1]
    return {name: next(other for other in group if other != name) for group in pairs for name in group}


def fold(name: str) -> str:
    """A file name as a system sees it that tells neither case nor Unicode normal forms apart."""
    return unicodedata.normalize("NFC", name).casefold()


def require_plain_name(path: Path) -> None:
    """Raise UserError for a path whose name is not UTF-8 or holds a line end."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(f"{str(path)!a}: the name is not UTF-8: rename the file") from None
    if len(str(path).splitlines()) > 1:
        raise UserError(f"{str(path)!a}: the name holds a line end: rename the file")
