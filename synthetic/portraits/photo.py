"""Everything but the person: the background, the light and the camera."""

import cv2
import numpy as np

from synthetic.portraits.canvas import Pen, ellipse, mix
from synthetic.portraits.person import Shot
from synthetic.portraits.pose import canvas_size


def wall(shot: Shot) -> np.ndarray:
    """Return the empty background, float32 RGB (H, W, 3) in 0..1: a gradient of two colours."""
    width, height = canvas_size(shot)
    down = np.linspace(0, 1, height)[:, None, None]
    across = np.linspace(0, 1, width)[None, :, None]
    share = 0.65 * down + 0.35 * (across if shot.light_side < 0 else 1 - across)
    return np.float32(mix(shot.wall, mix(shot.wall, shot.second_wall, 0.7) * 0.9, share))


def paint_wall_shapes(body: Pen, shot: Shot, rng: np.random.Generator) -> None:
    """Paint out-of-focus spots of light on the wall."""
    places = rng.uniform([-1.6, -1.5], [1.6, 1.5], (shot.wall_shapes, 2))
    sizes = rng.uniform(0.12, 0.4, shot.wall_shapes)
    spots = [ellipse(x, y, size, size) for (x, y), size in zip(places, sizes, strict=True)]
    body.lay(body.mask(*spots, blur=0.04), mix(shot.second_wall, np.ones(3), 0.3), 0.45)


def develop(pixels: np.ndarray, shot: Shot, rng: np.random.Generator) -> np.ndarray:
    """Turn the float canvas into the photo, uint8 RGB (shot.height, shot.width, 3)."""
    size = (shot.width, shot.height)
    photo = cv2.resize(_lit(pixels, shot), size, interpolation=cv2.INTER_AREA)
    if shot.blur > 0.2:
        photo = cv2.GaussianBlur(photo, (0, 0), shot.blur * shot.width / 128)
    photo = (photo - 0.5) * shot.contrast + 0.5
    photo *= np.float32(shot.exposure * np.array([1 + shot.warmth, 1, 1 - shot.warmth]))
    photo += np.float32(shot.grain) * rng.standard_normal(photo.shape, np.float32)
    return np.uint8(np.clip(photo, 0, 1) * 255 + 0.5)


def _lit(pixels: np.ndarray, shot: Shot) -> np.ndarray:
    across = np.linspace(-1, 1, pixels.shape[1], dtype=np.float32)[None, :, None]
    return pixels * (1 + np.float32(0.12 * shot.light_strength * shot.light_side) * across)
