"""Prepared photos: lossless squares of one size, one file per photo, named after the pixel hash of the original.

An index is the table of the photos in one split: `photo` (pixel hash of the original), `real_age` (years) and `digest`
(of the prepared file). Stage `train` depends on indexes, so that photos which no split uses do not trigger it.
"""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from realage.core.columns import PHOTO, REAL_AGE
from realage.core.digests import digest_of
from realage.core.disk import naming
from realage.core.errors import UserError

DIGEST = "digest"


def to_png(pixels: np.ndarray) -> bytes:
    """Encode a prepared photo, uint8 RGB (size, size, 3), as PNG.

    OpenCV's defaults: half of the time that Pillow takes, and files that are read faster and a sixth larger.
    """
    _, contents = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return contents.tobytes()


def write_prepared(folder: Path, photo: str, contents: bytes) -> None:
    """Write the result of `to_png` for the photo whose pixel hash is `photo`."""
    path = _path(folder, photo)
    with naming(path):
        path.write_bytes(contents)


def read_index(path: Path) -> pd.DataFrame:
    """Read an index: `photo`, `real_age` (float64, years), `digest` and, as strings, columns of its own.

    Raises UserError if it is not valid.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        if missing := {PHOTO, REAL_AGE, DIGEST} - set(table.columns):
            raise ValueError(f"no column {', '.join(sorted(missing))}")
        return table.astype({REAL_AGE: "float64"})
    except ValueError as error:
        raise UserError(f"{path}: damaged or edited ({error}): run 'dvc repro'") from error


def require_indexed(folder: Path, index: pd.DataFrame) -> None:
    """Raise UserError if a prepared photo of the index is missing or has another digest."""
    for photo, digest in zip(index[PHOTO], index[DIGEST]):
        path = _path(folder, photo)
        if not path.is_file() or digest_of(path.read_bytes()) != digest:
            raise UserError(f"{path}: missing or damaged: delete {folder} and run 'dvc repro'")


def require_prepared(folder: Path, photos: Iterable[str]) -> None:
    """Raise UserError if one of the prepared photos is missing."""
    for photo in photos:
        if not _path(folder, photo).is_file():
            raise UserError(f"{_path(folder, photo)}: missing: delete {folder} and run 'dvc repro'")


def read_prepared(folder: Path, photo: str) -> np.ndarray:
    """Read a prepared photo: uint8 RGB, (size, size, 3). Raises UserError if it is missing or damaged."""
    path = _path(folder, photo)
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise UserError(f"{path}: missing or damaged: delete {folder} and run 'dvc repro'")
    return pixels


def _path(folder: Path, photo: str) -> Path:
    return folder / f"{photo}.png"
