"""Converts a photo to the model's input: the whole photo or its largest face, as a square of one size.

Training and prediction both use this module, so that the model sees photos in the same way in both.
"""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from realage.photos.faces import CROPS, crop_face, find_faces
from realage.photos.prepared import PrepareParams


class Framed(NamedTuple):
    """A square, uint8 RGB (image_size, image_size, 3), and what was found in the photo.

    `faces` is the number of faces, None without detection. `eye_distance` is the distance between the eyes of the
    largest one, in whole pixels of the photo, None without a face.
    """

    pixels: np.ndarray
    faces: int | None
    eye_distance: int | None


def frame_photo(pixels: np.ndarray, params: PrepareParams) -> Framed:
    """Return a photo, uint8 RGB (height, width, 3), as a square: its largest face with `crop: face`, otherwise all.

    A photo without a face is used whole. Raises UserError as `find_faces` does.
    """
    if params.crop == "none":
        return Framed(fit_square(pixels, params), None, None)
    faces = find_faces(pixels)
    if not faces:
        return Framed(fit_square(pixels, params), 0, None)
    taken = crop_face(pixels, faces[0], params.margin, CROPS[params.crop])
    eyes = faces[0].landmarks[:2]
    return Framed(fit_square(taken, params), len(faces), round(math.dist(*eyes)))


def fit_square(pixels: np.ndarray, params: PrepareParams) -> np.ndarray:
    """Resize uint8 RGB (height, width, 3) to (image_size, image_size, 3), with an antialiasing filter."""
    image, square = Image.fromarray(pixels), (params.image_size, params.image_size)
    if params.fit == "pad":
        return np.array(ImageOps.pad(image, square, Image.Resampling.BICUBIC))
    return np.array(image.resize(square, Image.Resampling.BICUBIC))
