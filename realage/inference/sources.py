"""The photos that a program gives to a model: paths, contents of files, arrays and Pillow's images."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from realage.core.errors import UserError
from realage.photos.decode import load_image, load_photo

# A path, the bytes of a file, RGB pixels as uint8 (height, width, 3), or an image of Pillow.
Source = str | os.PathLike[str] | bytes | np.ndarray | Image.Image
SOURCES = (str, os.PathLike, bytes, np.ndarray, Image.Image)


def to_pixels(source: Source, max_megapixels: int) -> np.ndarray:
    """Return the photo as upright RGB, uint8 (height, width, 3).

    An array is taken as it is, with its channels in the order red, green, blue; OpenCV reads photos in another one.
    Raises PhotoError if a file or its contents are not a usable photo, and UserError for an array of another kind.
    """
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3 or 0 in source.shape:
            raise UserError(f"an array has to be uint8 (height, width, 3), RGB, and is {source.dtype} {source.shape}")
        return source
    if isinstance(source, Image.Image):
        return load_image(source, max_megapixels)
    if isinstance(source, bytes):
        return load_photo(source, max_megapixels)
    if isinstance(source, str | os.PathLike):
        return load_photo(Path(source), max_megapixels)
    raise no_photo(source)


def no_photo(source: object) -> UserError:
    """The error for an object of another type."""
    return UserError(f"a photo is a path, bytes, an array or an image of Pillow, and not {type(source).__name__}")


def name_of(source: Source, place: int) -> str:
    """How an error names the photo: its path, or its place among those that were given."""
    return str(source) if isinstance(source, str | os.PathLike) else f"photo {place + 1}"
