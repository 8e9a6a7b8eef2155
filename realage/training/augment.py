"""ImageDataGenerator's augmentation as one OpenCV warp with a seed for each photo, and transforms that it lacks."""

import inspect
from typing import Any

import cv2
import numpy as np

from realage.network.quiet_keras import ImageDataGenerator
from realage.network.recipe import AugmentParams
from realage.training.degrade import degrade, draw_degradation

STOCK_KEYS = set(inspect.signature(ImageDataGenerator).parameters)
INTERPOLATIONS = {1: cv2.INTER_LINEAR, 3: cv2.INTER_CUBIC}


class PhotoAugmenter(ImageDataGenerator):
    """ImageDataGenerator's transforms, thread-safe and several times as fast (benchmarks/augment.py).

    The stock class draws from NumPy's global state, so that a photo's transform depends on the order of threads, and
    warps one channel at a time. With the same seed, both classes draw the same transform.

    Three transforms are not of the stock class. `framing_range` zooms both axes by one factor, the scale jitter of VGG
    (Simonyan and Zisserman 2015, ICLR): the same face, cropped with another margin. `realage/training/degrade.py`
    changes colours and quality. Random erasing comes last. Each draws numbers that no other transform depends on.
    """

    def __init__(self, params: AugmentParams) -> None:
        brightness = params.brightness_range
        super().__init__(
            **params.model_dump(include=STOCK_KEYS - {"brightness_range"}),
            brightness_range=(1 - brightness, 1 + brightness) if brightness else None,
        )
        self.params = params

    def get_random_transform(self, img_shape: tuple[int, ...], seed: int) -> dict[str, Any]:
        """Draw one transform for a photo of `img_shape` (height, width, 3), in the stock class's order."""
        random, added = np.random.RandomState(seed), np.random.default_rng(seed)
        low, high = self.zoom_range

        def draw(limit: float) -> float:
            return random.uniform(-limit, limit) if limit else 0.0

        return {
            "theta": draw(self.rotation_range),
            "tx": draw(self.height_shift_range) * img_shape[0],
            "ty": draw(self.width_shift_range) * img_shape[1],
            "shear": draw(self.shear_range),
            **dict(zip(("zx", "zy"), random.uniform(low, high, 2) if (low, high) != (1, 1) else (1, 1))),
            "flip_horizontal": (random.random() < 0.5) and self.horizontal_flip,
            # Not used. It is drawn so that brightness gets the same random number as in the stock class.
            "flip_vertical": (random.random() < 0.5) and self.vertical_flip,
            "brightness": random.uniform(*self.brightness_range) if self.brightness_range else None,
            "erased": _random_patch(random, img_shape) if random.random() < self.params.random_erasing else None,
            "framing": np.exp(added.uniform(-1, 1) * np.log1p(self.params.framing_range)),
            "degradation": draw_degradation(self.params, added),
        }

    def apply_transform(self, x: np.ndarray, transform_parameters: dict[str, Any]) -> np.ndarray:
        """Transform one photo: any dtype, (height, width, 3) in [0, 255] -> float32 of the same shape and range."""
        height, width = x.shape[:2]
        photo = cv2.warpAffine(
            x.astype(np.float32),
            _output_to_input(transform_parameters, height, width),
            (width, height),
            flags=INTERPOLATIONS[self.interpolation_order] | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        if transform_parameters["flip_horizontal"]:
            photo = photo[:, ::-1]
        if transform_parameters["brightness"] is not None:
            photo = photo * np.float32(transform_parameters["brightness"])
        photo = np.clip(degrade(photo, transform_parameters["degradation"]), 0, 255)
        if transform_parameters["erased"] is not None:
            rows, columns, colour = transform_parameters["erased"]
            photo[rows, columns] = colour
        return photo


def _random_patch(random: np.random.RandomState, shape: tuple[int, ...]) -> tuple[slice, slice, np.ndarray]:
    """A random rectangle in a photo of `shape`, and its colour: random erasing (Zhong et al. 2020, AAAI)."""
    height, width = shape[:2]
    area, stretch = random.uniform(0.02, 0.25), np.exp(random.uniform(-1, 1))
    high = min(height, round(height * np.sqrt(area * stretch)))
    wide = min(width, round(width * np.sqrt(area / stretch)))
    top, left = random.randint(height - high + 1), random.randint(width - wide + 1)
    return slice(top, top + high), slice(left, left + wide), random.uniform(0, 255, 3).astype(np.float32)


def _output_to_input(transform: dict[str, float], height: int, width: int) -> np.ndarray:
    """The 2x3 matrix that maps an output pixel (x, y) to its input pixel; all transforms are about the centre."""
    theta, shear = np.deg2rad(transform["theta"]), np.deg2rad(transform["shear"])
    rotate = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
    # Keras draws tx from height_shift_range but shifts along x by it. Kept, so that keys mean the same as in Keras.
    shift = np.array([[1, 0, transform["tx"]], [0, 1, transform["ty"]], [0, 0, 1]])
    slant = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    zoom = np.diag([transform["zx"] * transform["framing"], transform["zy"] * transform["framing"], 1])
    to_centre = np.array([[1, 0, width / 2 - 0.5], [0, 1, height / 2 - 0.5], [0, 0, 1]])
    return (to_centre @ rotate @ shift @ slant @ zoom @ np.linalg.inv(to_centre))[:2]
