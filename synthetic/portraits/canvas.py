"""Paints soft-edged, anti-aliased shapes. Their points are in head units, not in pixels.

A head unit is half the height of the head: x grows to the right, y downwards, and (0, 0) is the head's middle.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np

SUBPIXEL_BITS = 4
MIRROR = np.array([-1.0, 1.0])
TURN = 2 * np.pi * np.arange(28) / 28
CIRCLE = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)

# Weights of four neighbouring points at six places between the middle two: a Catmull-Rom spline.
STEPS = np.arange(6) / 6
SPLINE = np.stack([STEPS**0, STEPS, STEPS**2, STEPS**3], axis=1) @ np.array(
    [[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]
) / 2


class Pen:
    """Paints on `pixels`, float32 RGB (H, W, 3) in 0..1, through `place`, which maps (N, 2) head units to pixels."""

    def __init__(self, pixels: np.ndarray, place: Callable[[np.ndarray], np.ndarray], unit: float) -> None:
        self.pixels = pixels
        self.unit = unit
        self._place = place

    def mask(self, *outlines: np.ndarray, blur: float = 0.0) -> np.ndarray:
        """Return the union of closed `outlines`, (N, 2) each, as uint8 (H, W); `blur` is a sigma in head units."""
        mask = np.zeros(self.pixels.shape[:2], np.uint8)
        if not outlines:
            return mask
        corners = np.round(self._place(np.concatenate(outlines)) * 2**SUBPIXEL_BITS).astype(np.int32)
        for outline in np.split(corners, np.cumsum([len(outline) for outline in outlines[:-1]])):
            # One at a time, since overlapping outlines in one call would cut holes into each other.
            cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        return soften(mask, blur * self.unit)

    def lay(self, mask: np.ndarray, colour: np.ndarray, opacity: float = 1.0, within: np.ndarray | None = None) -> None:
        """Blend `colour`, RGB in 0..1, into the pixels, weighted by the masks `mask` and, if given, `within`."""
        if within is not None:
            mask = cv2.multiply(mask, within, scale=1 / 255)
        left, top, width, height = cv2.boundingRect(mask)
        if width == 0 or opacity <= 0:
            return
        box = np.s_[top : top + height, left : left + width]
        alpha = mask[box][..., None] * np.float32(opacity / 255)
        self.pixels[box] += alpha * (np.float32(colour) - self.pixels[box])

    def fill(
        self,
        outline: np.ndarray,
        colour: np.ndarray,
        opacity: float = 1.0,
        blur: float = 0.0,
        within: np.ndarray | None = None,
    ) -> None:
        """Paint one closed outline, (N, 2) head units."""
        self.lay(self.mask(outline, blur=blur), colour, opacity, within)

    def stroke(
        self,
        lines: list[np.ndarray],
        width: float,
        colour: np.ndarray,
        opacity: float = 1.0,
        blur: float = 0.0,
        within: np.ndarray | None = None,
    ) -> None:
        """Paint smooth lines through the points of each of `lines`, `width` head units thick, thin at both ends."""
        self.lay(self.mask(*[ribbon(line, width) for line in lines], blur=blur), colour, opacity, within)


def soften(mask: np.ndarray, sigma: float) -> np.ndarray:
    """Blur a uint8 mask by `sigma` pixels, in place, processing only the area around its non-zero pixels."""
    if sigma < 0.45:
        return mask
    left, top, width, height = cv2.boundingRect(mask)
    margin = int(3 * sigma) + 1
    box = np.s_[max(top - margin, 0) : top + height + margin, max(left - margin, 0) : left + width + margin]
    # Two box blurs look like a Gaussian one and are faster, and exact: cv2.stackBlur's bytes vary with its threads.
    width = 2 * round((math.sqrt(6 * sigma**2 + 1) - 1) / 2) + 1
    mask[box] = cv2.blur(cv2.blur(mask[box], (width, width)), (width, width))
    return mask


def curve(points: np.ndarray, closed: bool = False) -> np.ndarray:
    """Return a smooth curve, (M, 2), that runs through `points`, (N, 2): a Catmull-Rom spline."""
    points = np.asarray(points, float)
    ends = (points[-1:], points[:2]) if closed else (points[:1], points[-1:])
    padded = np.concatenate([ends[0], points, ends[1]])
    neighbours = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)], axis=1)
    smooth = (SPLINE @ neighbours).reshape(-1, 2)
    return smooth if closed else np.concatenate([smooth, points[-1:]])


def ribbon(points: np.ndarray, width: float) -> np.ndarray:
    """Return the outline of a smooth line through `points` that is `width` thick in the middle and thin at its ends."""
    line = curve(points)
    along = np.empty_like(line)
    along[1:-1], along[0], along[-1] = line[2:] - line[:-2], line[1] - line[0], line[-1] - line[-2]
    across = along[:, ::-1] * (-1, 1) / (np.sqrt((along**2).sum(axis=1, keepdims=True)) + 1e-9)
    reach = across * (width / 2 * (0.15 + 0.85 * np.sin(np.pi * np.arange(len(line)) / (len(line) - 1))))[:, None]
    return np.concatenate([line + reach, (line - reach)[::-1]])


def ellipse(x: float, y: float, rx: float, ry: float) -> np.ndarray:
    """Return the outline, (28, 2), of an upright ellipse around (x, y)."""
    return CIRCLE * (rx, ry) + (x, y)


def symmetric(right_half: np.ndarray) -> np.ndarray:
    """Close the points of a right half, listed from the top middle to the bottom middle, into a whole outline."""
    half = np.asarray(right_half, float)
    return np.concatenate([half, (half * MIRROR)[-2:0:-1]])


def both_sides(points: np.ndarray) -> list[np.ndarray]:
    """Return `points` and their mirror image."""
    points = np.asarray(points, float)
    return [points, points * MIRROR]


def mix(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return the value that lies `share` (0..1) of the way from `first` to `second`."""
    return np.asarray(first) + (np.asarray(second) - np.asarray(first)) * share
