"""Synthetic changes of a photo that leave its person's age as it is: rotation, resolution, quality, colour and light.

Every change is a function of uint8 RGB (height, width, 3) that returns a new uint8 RGB array. Corruptions like these
measure the robustness of image classifiers: Hendrycks & Dietterich 2019, "Benchmarking Neural Network Robustness to
Common Corruptions and Perturbations", ICLR.
"""

from collections.abc import Callable, Iterable
from functools import partial
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

Change = Callable[[np.ndarray], np.ndarray]

BLUR = 0.01  # standard deviation of the Gaussian, as a share of the shorter side
JPEG_QUALITY = 40
BRIGHTNESS = 0.4


def rotate(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """Rotate counterclockwise about the middle, in the same frame; corners beyond the photo are black."""
    return np.array(Image.fromarray(pixels).rotate(degrees, Image.Resampling.BICUBIC))


def halve(pixels: np.ndarray) -> np.ndarray:
    """Resize to half the height and width, with an antialiasing filter."""
    height, width = (max(1, length // 2) for length in pixels.shape[:2])
    return np.array(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def blur(pixels: np.ndarray) -> np.ndarray:
    """Blur with a Gaussian whose standard deviation is BLUR of the shorter side."""
    return cv2.GaussianBlur(pixels, (0, 0), BLUR * min(pixels.shape[:2]))


def compress(pixels: np.ndarray) -> np.ndarray:
    """Encode as JPEG of quality JPEG_QUALITY and decode again."""
    contents = BytesIO()
    Image.fromarray(pixels).save(contents, "JPEG", quality=JPEG_QUALITY)
    return np.array(Image.open(contents))


def grey(pixels: np.ndarray) -> np.ndarray:
    """Replace colours by their luma (ITU-R BT.601)."""
    return np.array(Image.fromarray(pixels).convert("L").convert("RGB"))


def brighten(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Multiply all values by `factor`, up to 255, as Keras' ImageDataGenerator does."""
    return np.clip(np.round(pixels * np.float32(factor)), 0, 255).astype("uint8")


def rotations(degrees: Iterable[int]) -> dict[str, Change]:
    """Return rotations by so many degrees, by name."""
    return {f"rotation {angle}°": partial(rotate, degrees=angle) for angle in degrees}


# The photo shows the same part of the scene as before.
SAME_FRAME: dict[str, Change] = {
    "half resolution": halve,
    "blur": blur,
    f"JPEG quality {JPEG_QUALITY}": compress,
    "grey": grey,
    f"brightness -{BRIGHTNESS:.0%}": partial(brighten, factor=1 - BRIGHTNESS),
    f"brightness +{BRIGHTNESS:.0%}": partial(brighten, factor=1 + BRIGHTNESS),
}
