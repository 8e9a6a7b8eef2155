"""Converts a photo to the model's input: the whole photo or its largest face, as a square of one size.

Training and prediction both use this module, so that the model sees photos in the same way in both.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from realage.photos.faces import CROPS, Face, crop_face, find_faces
from realage.photos.params import PrepareParams


class Framed(NamedTuple):
    """A square, uint8 RGB (image_size, image_size, 3), and what was found in the photo.

    `face` is the one that is shown, None if the whole photo is. `faces` is the number of faces in the photo, None
    without detection.
    """

    pixels: np.ndarray
    face: Face | None
    faces: int | None

    @property
    def eye_distance(self) -> int | None:
        """Distance between the eyes of the face, in whole pixels of the photo; None without a face."""
        return round(math.dist(*self.face.landmarks[:2])) if self.face else None


def frame_photo(pixels: np.ndarray, params: PrepareParams) -> Framed:
    """Return the first square of `frame_faces`: that of the largest face, or of the whole photo."""
    return next(frame_faces(pixels, params))


def frame_faces(pixels: np.ndarray, params: PrepareParams) -> Iterator[Framed]:
    """Yield each face in a photo, uint8 RGB (height, width, 3), as a square, the largest face first.

    With `crop: none`, or without a face, yield the whole photo. Raises UserError as `find_faces` does.
    """
    faces = find_faces(pixels) if params.finds_faces else []
    number = len(faces) if params.finds_faces else None
    if not faces:
        yield Framed(fit_square(pixels, params), None, number)
    for face in faces:
        taken = crop_face(pixels, face, params.margin, CROPS[params.crop])
        yield Framed(fit_square(taken, params), face, number)


def fit_square(pixels: np.ndarray, params: PrepareParams) -> np.ndarray:
    """Resize uint8 RGB (height, width, 3) to (image_size, image_size, 3), with an antialiasing filter."""
    image, square = Image.fromarray(pixels), (params.image_size, params.image_size)
    if params.fit == "pad":
        return np.array(ImageOps.pad(image, square, Image.Resampling.BICUBIC))
    return np.array(image.resize(square, Image.Resampling.BICUBIC))
