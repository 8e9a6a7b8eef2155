"""What the model gets to see of a photo: all of it or its face, as a square of one size.

Training and prediction both come through here, so they cannot see a photo differently.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from realage.photos.faces import crop_face, find_faces
from realage.photos.prepared import PrepareParams


class Framed(NamedTuple):
    """A square, uint8 RGB (image_size, image_size, 3), and how many faces the photo has; None if nobody looked."""

    pixels: np.ndarray
    faces: int | None


def frame_photo(pixels: np.ndarray, params: PrepareParams) -> Framed:
    """Take the largest face of a photo, uint8 RGB (height, width, 3), or all of it where none is asked for or found."""
    if params.crop == "none":
        return Framed(fit_square(pixels, params), None)
    faces = find_faces(pixels)
    taken = crop_face(pixels, faces[0], params.margin) if faces else pixels
    return Framed(fit_square(taken, params), len(faces))


def fit_square(pixels: np.ndarray, params: PrepareParams) -> np.ndarray:
    """Resize uint8 RGB (height, width, 3) to (image_size, image_size, 3), with an antialiasing filter."""
    image, square = Image.fromarray(pixels), (params.image_size, params.image_size)
    if params.fit == "pad":
        return np.array(ImageOps.pad(image, square, Image.Resampling.BICUBIC))
    return np.array(image.resize(square, Image.Resampling.BICUBIC))
