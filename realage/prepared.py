"""Prepared photos: lossless squares of one size, one file a photo, named after the pixels of the original."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import Image
from pydantic import Field

from realage.errors import UserError
from realage.params import Section


class PrepareParams(Section):
    """Section `prepare`: what the model gets to see of a photo."""

    # Never call a key `size` or `nfiles`: DVC's run cache leaves keys of these names out when it looks whether a stage
    # with the same params has run before, and so would check out photos of another size.
    image_size: int = Field(ge=32, le=1_024)  # side of the square, pixels
    crop: Literal["none", "face"]  # the whole photo, or its largest face, upright; the whole photo where none is found
    margin: float = Field(ge=0, le=2)  # share of the face's side that crop `face` adds on each side
    fit: Literal["pad", "stretch"]  # keep proportions and fill up with black, or stretch as Keras' loaders do


def write_prepared(folder: Path, photo: str, pixels: np.ndarray) -> None:
    """Write the prepared `pixels` of the photo whose pixel hash is `photo`."""
    Image.fromarray(pixels).save(_path(folder, photo), compress_level=1)


def require_prepared(folder: Path, photos: Iterable[str]) -> None:
    """Raise UserError that names a prepared photo which is missing, if any is."""
    for photo in photos:
        if not _path(folder, photo).is_file():
            raise UserError(f"{_path(folder, photo)}: missing: delete {folder} and run 'dvc repro'")


def read_prepared(folder: Path, photo: str) -> np.ndarray:
    """Read a prepared photo: uint8 RGB, (size, size, 3). Raises UserError where it is missing or damaged."""
    path = _path(folder, photo)
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise UserError(f"{path}: missing or damaged: delete {folder} and run 'dvc repro'")
    return pixels


def _path(folder: Path, photo: str) -> Path:
    return folder / f"{photo}.png"
