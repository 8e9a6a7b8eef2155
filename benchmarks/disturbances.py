"""Changes of a photo that leave its person's age as it is: framing, rotation, quality, light and borders.

Every change is a function of uint8 RGB (height, width, 3) that returns a new uint8 RGB array. Corruptions like these
measure the robustness of image classifiers: Hendrycks & Dietterich 2019, "Benchmarking Neural Network Robustness to
Common Corruptions and Perturbations", ICLR.

A margin is changed with pixels of the photo if the undisturbed photo is a central part of it. If it is the whole photo,
a wider margin and the corners of a rotated photo are black: such a border is invented.
"""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Literal, NamedTuple

import cv2
import numpy as np
from PIL import Image

Home = Literal["central", "whole"]
Change = Callable[[np.ndarray], np.ndarray]

ROOM = 1.4  # side of a photo's central square, in sides of the home framing
MARGINS = (0.1, 0.2, 0.3)  # shares of the side of the home framing, added on each side
DEGREES = (10, 20, 30)  # up to 30 degrees, a rotated photo covers the home framing
BLUR = 0.01  # standard deviation of the Gaussian, as a share of the shorter side
JPEG_QUALITY = 40
BRIGHTNESS = 0.4
BAR = 1 / 6  # height of each black bar, as a share of the height
PATCHES = 6  # patches of colour along each side of the background
NONE = "none"


class Disturbance(NamedTuple):
    """A change with its name. `apply` turns the photo as it came into what the model gets instead of home framing."""

    name: str
    invented: bool  # whether the result has pixels around the photo that the camera did not see
    apply: Change


def disturbances(home: Home) -> list[Disturbance]:
    """Return all disturbances, first the one named NONE: the photo in home framing.

    Home framing is the whole photo, or `central`: the square in the middle with 1 / ROOM of the photo's shorter side.
    """
    frame = partial(central_square, share=1 / ROOM) if home == "central" else np.array
    turns = {f"rotation {degrees}°": partial(rotate, degrees=degrees) for degrees in DEGREES}
    same_pixels: dict[str, Change] = {
        "half resolution": halve,
        "blur": blur,
        f"JPEG quality {JPEG_QUALITY}": compress,
        "grey": grey,
        f"brightness -{BRIGHTNESS:.0%}": partial(brighten, factor=1 - BRIGHTNESS),
        f"brightness +{BRIGHTNESS:.0%}": partial(brighten, factor=1 + BRIGHTNESS),
    }
    borders = {"black bars": letterbox, "pasted on a background": paste_on_background}
    return [
        Disturbance(NONE, False, frame),
        *(_wider(home, margin) for margin in MARGINS),
        *(Disturbance(name, home == "whole", _chain(turn, frame)) for name, turn in turns.items()),
        *(Disturbance(name, False, _chain(frame, change)) for name, change in same_pixels.items()),
        *(Disturbance(name, True, _chain(frame, change)) for name, change in borders.items()),
    ]


def _wider(home: Home, margin: float) -> Disturbance:
    name, side = f"margin +{margin:g}", 1 + 2 * margin  # in sides of home framing
    if home == "whole":
        return Disturbance(name, True, partial(add_border, margin=margin))
    if side <= ROOM:
        return Disturbance(name, False, partial(central_square, share=side / ROOM))
    square = partial(central_square, share=1)
    return Disturbance(name, True, _chain(square, partial(add_border, margin=(side / ROOM - 1) / 2)))


def _chain(first: Change, then: Change) -> Change:
    return lambda pixels: then(first(pixels))


def central_square(pixels: np.ndarray, share: float) -> np.ndarray:
    """Return the square in the middle whose side is `share`, up to 1, of the photo's shorter side."""
    height, width = pixels.shape[:2]
    side = max(1, round(share * min(height, width)))
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side].copy()


def add_border(pixels: np.ndarray, margin: float) -> np.ndarray:
    """Add a black border: `margin` times the height above and below, `margin` times the width left and right."""
    height, width = (round(margin * length) for length in pixels.shape[:2])
    return cv2.copyMakeBorder(pixels, height, height, width, width, cv2.BORDER_CONSTANT)


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


def letterbox(pixels: np.ndarray) -> np.ndarray:
    """Add a black bar above and one below, each BAR of the height: a square becomes a portrait of 3:4."""
    bar = round(BAR * pixels.shape[0])
    return cv2.copyMakeBorder(pixels, bar, bar, 0, 0, cv2.BORDER_CONSTANT)


def paste_on_background(pixels: np.ndarray) -> np.ndarray:
    """Paste the photo in the middle of a picture of twice its height and width: soft patches of drawn colours."""
    height, width = pixels.shape[:2]
    patches = np.random.default_rng(1).integers(0, 256, (PATCHES, PATCHES, 3), dtype=np.uint8)
    background = np.array(Image.fromarray(patches).resize((2 * width, 2 * height), Image.Resampling.BICUBIC))
    top, left = height // 2, width // 2
    background[top : top + height, left : left + width] = pixels
    return background
