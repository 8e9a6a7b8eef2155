"""Converts a photo to the model's input: the whole photo or its largest face, as a square of one size.

Training and prediction both use this module, so that the model sees photos in the same way in both.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from realage.photos.faces import CROPS, crop_face, find_faces
from realage.photos.prepared import PrepareParams


class Framed(NamedTuple):
    """A square, uint8 RGB (image_size, image_size, 3), and the number of faces found; None without detection."""

    pixels: np.ndarray
    faces: int | None


def frame_photo(pixels: np.ndarray, params: PrepareParams) -> Framed:
    """Return a photo, uint8 RGB (height, width, 3), as a square: its largest face with `crop: face`, otherwise all.

    A photo without a face is used whole. Raises UserError as `find_faces` does.
    """
    if params.crop == "none":
        return Framed(fit_square(pixels, params), None)
    faces = find_faces(pixels)
    taken = crop_face(pixels, faces[0], params.margin, CROPS[params.crop]) if faces else pixels
    return Framed(fit_square(taken, params), len(faces))


def fit_square(pixels: np.ndarray, params: PrepareParams) -> np.ndarray:
    """Resize uint8 RGB (height, width, 3) to (image_size, image_size, 3), with an antialiasing filter."""
    image, square = Image.fromarray(pixels), (params.image_size, params.image_size)
    if params.fit == "pad":
        return np.array(ImageOps.pad(image, square, Image.Resampling.BICUBIC))
    return np.array(image.resize(square, Image.Resampling.BICUBIC))
