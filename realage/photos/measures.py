"""Measures of a photo: size, light, sharpness and colour."""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

THUMBNAIL = 160  # pixels square


class Measures(NamedTuple):
    """Measures of a photo: its sides in pixels, the others in grey levels (0 to 255).

    The others are computed on the thumbnail, so that they do not depend on the photo's size. Brightness is the mean,
    contrast the standard deviation, and sharpness the standard deviation of the Laplacian, near 0 for a blurred photo.
    Colourfulness is M3 of Hasler & Süsstrunk 2003, "Measuring colourfulness in natural images": 0 for a grey
    photo, above 80 for a very colourful one.
    """

    width: int
    height: int
    brightness: float
    contrast: float
    sharpness: float
    colorfulness: float


def measure(pixels: np.ndarray, thumbnail: np.ndarray) -> Measures:
    """Measure a photo, uint8 RGB (height, width, 3), given its thumbnail, uint8 RGB (THUMBNAIL, THUMBNAIL, 3)."""
    grey = cv2.cvtColor(thumbnail, cv2.COLOR_RGB2GRAY)
    laplacian = cv2.Laplacian(grey, cv2.CV_64F)
    return Measures(
        width=pixels.shape[1],
        height=pixels.shape[0],
        brightness=float(grey.mean()),
        contrast=float(grey.std()),
        sharpness=float(laplacian.std()),
        colorfulness=_colorfulness(thumbnail),
    )


def thumbnail_of(pixels: np.ndarray) -> np.ndarray:
    """Return the central square of uint8 RGB `pixels`, resized to (THUMBNAIL, THUMBNAIL, 3)."""
    return np.array(ImageOps.fit(Image.fromarray(pixels), (THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))


def _colorfulness(pixels: np.ndarray) -> float:
    red, green, blue = np.moveaxis(pixels.astype("float64"), -1, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))
