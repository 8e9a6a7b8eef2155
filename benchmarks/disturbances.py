"""Changes of a photo as it came: those of `realage.evaluation.disturbances`, and others of its margin and border.

A margin is changed with pixels of the photo if the undisturbed photo is a central part of it. If it is the whole photo,
a wider margin and the corners of a rotated photo are black: such a border is invented.
"""

from functools import partial
from typing import Literal, NamedTuple

import cv2
import numpy as np
from PIL import Image

from realage.evaluation.disturbances import SAME_FRAME, Change, rotations

Home = Literal["central", "whole"]

ROOM = 1.4  # side of a photo's central square, in sides of the home framing
MARGINS = (0.1, 0.2, 0.3)  # shares of the side of the home framing, added on each side
DEGREES = (10, 20, 30)  # up to 30 degrees, a rotated photo covers the home framing
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
    borders = {"black bars": letterbox, "pasted on a background": paste_on_background}
    return [
        Disturbance(NONE, False, frame),
        *(_wider(home, margin) for margin in MARGINS),
        *(Disturbance(name, home == "whole", _chain(turn, frame)) for name, turn in rotations(DEGREES).items()),
        *(Disturbance(name, False, _chain(frame, change)) for name, change in SAME_FRAME.items()),
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
