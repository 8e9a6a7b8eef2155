"""What is measured on a photo: size, light, sharpness and colour."""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

THUMBNAIL = 160  # pixels square


class Measures(NamedTuple):
    """What is measured on a photo: pixels for its sides, grey levels (0 to 255) for the others.

    The others are taken on its thumbnail, so that they do not depend on its size: mean, standard deviation, and
    the standard deviation of the Laplacian, which blur brings near 0; and the colourfulness M3 of Hasler & Süsstrunk
    2003, "Measuring colourfulness in natural images", which is 0 for a grey photo and above 80 for a gaudy one.
    """

    width: int
    height: int
    brightness: float
    contrast: float
    sharpness: float
    colorfulness: float


def measure(pixels: np.ndarray, thumbnail: np.ndarray) -> Measures:
    """Measure a photo, uint8 RGB (height, width, 3), and its thumbnail."""
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
    """The middle square of uint8 RGB `pixels`, resized to (THUMBNAIL, THUMBNAIL, 3)."""
    return np.array(ImageOps.fit(Image.fromarray(pixels), (THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))


def _colorfulness(pixels: np.ndarray) -> float:
    red, green, blue = np.moveaxis(pixels.astype("float64"), -1, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))
