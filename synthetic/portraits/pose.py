"""Maps points in head units to pixels, given the turn, tilt and position of the head and the zoom."""

import numpy as np

from synthetic.portraits.person import Shot

SUPERSAMPLING = 1.6
HEAD_SHARE = 0.315
NECK = np.array([0.0, 0.9])


def canvas_size(shot: Shot) -> tuple[int, int]:
    """Return the canvas's width and height in pixels: larger than the photo, as shrinking smooths the edges."""
    return round(shot.width * SUPERSAMPLING), round(shot.height * SUPERSAMPLING)


def unit_pixels(shot: Shot) -> float:
    """Return the canvas pixels in one head unit."""
    return shot.width * SUPERSAMPLING * HEAD_SHARE * shot.zoom


def place_body(points: np.ndarray, shot: Shot) -> np.ndarray:
    """Map (N, 2) head units to canvas pixels for parts that do not turn with the head."""
    centre = np.array([0.5, 0.465]) + shot.shift
    return points * unit_pixels(shot) + centre * canvas_size(shot)


def place_head(points: np.ndarray, shot: Shot) -> np.ndarray:
    """Map (N, 2) head units to canvas pixels for the head, a rounded shape that turns in depth.

    The middle of the face is closest to the viewer and moves the most. The outline of the head does not move.
    """
    x, y = points.T
    depth = 0.62 * np.clip(1 - (x / 0.8) ** 2 - (y / 1.25) ** 2, 0, None)
    turned = np.stack([x * np.cos(shot.yaw) + depth * np.sin(shot.yaw), y + depth * np.sin(shot.pitch)], axis=1)
    cos, sin = np.cos(shot.roll), np.sin(shot.roll)
    rolled = (turned - NECK) @ np.array([[cos, sin], [-sin, cos]]) + NECK
    return place_body(rolled, shot)
