"""Prepared photos: lossless squares of one size, one file per photo, named after the pixel hash of the original.

An index is the table of the photos in one split: `photo` (pixel hash of the original), `real_age` (years) and `digest`
(of the prepared file). Stage `train` depends on indexes, so that photos which no split uses do not trigger it.
"""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pandas as pd
from PIL import Image
from pydantic import Field

from realage.core.columns import PHOTO, REAL_AGE
from realage.core.digests import digest_of
from realage.core.disk import naming
from realage.core.errors import UserError
from realage.core.params import Section

DIGEST = "digest"
MAX_MEGAPIXELS = 50  # a malicious file of that size (WebP) takes a worker 1.1 GB and four seconds


class PrepareParams(Section):
    """Section `prepare`: how photos are cropped and resized for the model."""

    # Do not name a key `size` or `nfiles`: DVC's run cache ignores keys of these names when it looks for an earlier run
    # with the same params, and would check out photos of another size.
    image_size: int = Field(ge=32, le=1_024)  # side of the square, pixels
    # The whole photo, or its largest face, upright, by its box or by its landmarks; the whole photo if none is found.
    crop: Literal["none", "face", "aligned"]
    margin: float = Field(ge=-0.3, le=2)  # share of the face's side that is added on each side of a face
    fit: Literal["pad", "stretch"]  # keep proportions and pad with black, or stretch as Keras' loaders do
    max_megapixels: int = Field(default=MAX_MEGAPIXELS, ge=1, le=1_000)  # million pixels of a decoded photo

    @property
    def finds_faces(self) -> bool:
        """Whether photos are cropped to a face."""
        return self.crop != "none"


def to_png(pixels: np.ndarray) -> bytes:
    """Encode a prepared photo, uint8 RGB (size, size, 3), as PNG."""
    contents = BytesIO()
    Image.fromarray(pixels).save(contents, "PNG", compress_level=1)
    return contents.getvalue()


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
