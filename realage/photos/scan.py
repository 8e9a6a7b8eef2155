"""Scans the photos of a folder: a table with the hashes and measures of each, or why it cannot be used."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from blake3 import blake3

from realage.core.columns import FILE_NAME, PERCEPTUAL_HASH, PHOTO
from realage.core.errors import UserError
from realage.photos.decode import PhotoError, check_file, load_photo
from realage.photos.hashes import perceptual_hash, pixel_hash
from realage.photos.measures import Measures, measure, thumbnail_of
from realage.photos.parallel import map_photos
from realage.photos.params import MAX_MEGAPIXELS

# The measures of a photo that was not decoded.
UNMEASURED = Measures(0, 0, *[float("nan")] * 4)


class Look(NamedTuple):
    """The result for one file. `rule` and `detail` are those of a rejection, and empty for a usable photo."""

    rule: str
    detail: str
    photo: str  # hash of its pixels, empty if it was not decoded
    perceptual_hash: str
    measures: Measures


COLUMNS = [FILE_NAME, "content", "rule", "detail", PHOTO, PERCEPTUAL_HASH, *Measures._fields]


def scan_photos(
    folder: Path,
    unsafe: Mapping[str, str],
    names: list[str],
    earlier: pd.DataFrame,
    max_megapixels: int = MAX_MEGAPIXELS,
) -> pd.DataFrame:
    """Scan the photos `names` in `folder`: a row each, in that order, with the columns COLUMNS.

    `unsafe` maps the names of photos that must not be opened to the reason. `earlier` is the table of an earlier scan,
    or empty: files with the same `content` (a hash of the file's bytes) are not decoded again. Photos are decoded as
    `load_photo` does with `max_megapixels`.
    """
    safe = [name for name in names if name not in unsafe]
    contents = dict(zip(safe, list(map_photos(partial(_content, folder), safe, "read photos"))))
    known = {row[1]: row[2:] for row in earlier[COLUMNS].itertuples(index=False, name=None) if row[1]}
    new = [name for name in safe if contents[name] not in known]
    looks = dict(zip(new, list(map_photos(partial(_scan_photo, folder, max_megapixels), new, "scan photos"))))
    rows: list[tuple] = []
    for name in names:
        if name in unsafe:
            rows.append((name, "", "unsafe_path", unsafe[name], "", "", *UNMEASURED))
        elif name in looks:
            *texts, measures = looks[name]
            rows.append((name, contents[name], *texts, *measures))
        else:
            rows.append((name, contents[name], *known[contents[name]]))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"width": "int32", "height": "int32"})


def load_validated(path: Path, photo: str, max_megapixels: int) -> np.ndarray:
    """Decode a photo whose pixel hash was `photo` when scanned. Raises UserError if it is missing or has changed."""
    try:
        pixels = load_photo(path, max_megapixels)
    except PhotoError as error:
        raise UserError(f"{path}: usable when scanned, but now: {error}: restore it, or run 'dvc repro'") from error
    if pixel_hash(pixels) != photo:
        raise UserError(f"{path}: changed since it was scanned: run 'dvc repro'")
    return pixels


def sound_photos(scan: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of usable photos."""
    return scan[scan["rule"] == ""]


def _content(folder: Path, name: str) -> str:
    """Return a hash of the file's bytes, 32 hexadecimal digits, or '' for what `check_file` rejects."""
    try:
        check_file(folder / name)
    except PhotoError:
        return ""
    return blake3().update_mmap(folder / name).hexdigest(length=16)


def _scan_photo(folder: Path, max_megapixels: int, name: str) -> Look:
    try:
        pixels = load_photo(folder / name, max_megapixels)
    except PhotoError as error:
        detail = str(error) if error.advice else f"{error}: replace the file"
        return Look("unreadable_photo", detail, "", "", UNMEASURED)
    return Look("", "", pixel_hash(pixels), perceptual_hash(pixels), measure(pixels, thumbnail_of(pixels)))
