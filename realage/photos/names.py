"""Names of photos in a folder, with checks for links out of the folder, clashing names and names that are not UTF-8."""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from realage.core.errors import UserError, printable
from realage.photos.kinds import HEAD, PHOTO_SUFFIXES, kind_of

LEFT_BY_SYSTEMS = {"thumbs.db", "desktop.ini"}  # in lower case; others are hidden files


class Listing(NamedTuple):
    """Names of the files below a folder, relative to it, with forward slashes, sorted: photos and all others."""

    photos: list[str]
    others: list[str]

    def passed_over(self) -> str:
        """Return how many files are no photos, with an example; '' if there are none."""
        if not self.others:
            return ""
        files = "file that is no photo:" if len(self.others) == 1 else "files that are no photos, such as"
        return f"passed over {len(self.others):,} {files} {printable(self.others[0])}"


def list_files(folder: Path, any_name: bool = False) -> Listing:
    """List the files below `folder`. A photo has one of PHOTO_SUFFIXES, or the first bytes of one of SIGNATURES.

    Hidden files, those in LEFT_BY_SYSTEMS and linked folders are in neither list; DVC skips linked folders too.
    Raises UserError for a photo's name that `require_plain_name` rejects, unless `any_name` is allowed, and OSError for
    what cannot be read.
    """
    photos, others = [], []
    for path in walk(folder):
        name = path.relative_to(folder)
        if name.name.lower() in LEFT_BY_SYSTEMS or any(part.startswith(".") for part in name.parts):
            continue
        if _is_photo(path):
            photos.append(name.as_posix())
        elif path.is_file():
            others.append(name.as_posix())
    for photo in [] if any_name else photos:
        require_plain_name(folder / photo)
    return Listing(sorted(photos), sorted(others))


def find_photos(folder: Path) -> list[str]:
    """Return the names of the photos below `folder`, as `list_files` does."""
    return list_files(folder).photos


def _is_photo(path: Path) -> bool:
    if path.suffix.lower() in PHOTO_SUFFIXES:
        return True
    if not path.is_file():  # opening a pipe would wait for its writer
        return False
    with path.open("rb") as file:
        return kind_of(file.read(HEAD)) is not None


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


def why_unsafe(names: Iterable[str], outside: Iterable[str]) -> dict[str, str]:
    """Return why photos must not be opened or cannot be kept, by name: clashes, and the links `outside` the folder."""
    return {
        **{name: "a link that leaves the photos' folder: replace it with the photo" for name in outside},
        **{name: f"differs from {other} only in case or Unicode form, and some systems cannot keep both: rename one"
           for name, other in find_clashes(names).items()},
    }  # fmt: skip


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
