"""Names of photos in a folder, with checks for links out of the folder, clashing names and names that are not UTF-8."""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from realage.core.errors import UserError

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def find_photos(folder: Path) -> list[str]:
    """Return the names of all photo files below `folder`, relative to it, with forward slashes, sorted.

    Hidden files and linked folders are skipped; DVC skips linked folders too.
    Raises UserError for a name that `require_plain_name` rejects, OSError for a folder that cannot be read.
    """
    paths = (path.relative_to(folder) for path in walk(folder) if path.suffix.lower() in PHOTO_SUFFIXES)
    names = sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
    for name in names:
        require_plain_name(folder / name)
    return names


def walk(folder: Path) -> Iterator[Path]:
    """Yield all paths below `folder`, without following links. Raises OSError for a folder that cannot be read."""

    def fail(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=fail):
        yield from (Path(place, name) for name in (*folders, *files))


def find_strays(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Return those of the photos `names` in `folder` that are links to a file outside it, each with that file."""
    home = os.path.realpath(folder)
    links = (name for name in names if os.path.islink(folder / name))
    # Unlike Path.resolve, realpath does not fail for a link to itself.
    targets = {name: Path(os.path.realpath(folder / name)) for name in links}
    return {name: target for name, target in targets.items() if not target.is_relative_to(home)}


def find_clashes(names: Iterable[str]) -> dict[str, str]:
    """Return photos whose names differ only in case or Unicode normal form, each with another such name.

    On a file system that does not distinguish them, as on macOS and Windows, only one of them can exist.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(fold(name), []).append(name)
    pairs = [group for group in alike.values() if len(group) > 1]
    return {name: next(other for other in group if other != name) for group in pairs for name in group}


def fold(name: str) -> str:
    """Return a file name as compared by a file system that ignores case and Unicode normal form."""
    return unicodedata.normalize("NFC", name).casefold()


def require_plain_name(path: Path) -> None:
    """Raise UserError for a path whose name is not UTF-8 or contains a line break."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(f"{str(path)!a}: the name is not UTF-8: rename the file") from None
    if len(str(path).splitlines()) > 1:
        raise UserError(f"{str(path)!a}: the name contains a line break: rename the file")
