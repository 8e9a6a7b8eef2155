"""How fast PhotoAugmenter is beside Keras' own ImageDataGenerator: `python -m benchmarks.augment`.

One thread, 128 px photos of noise, all transforms on, the two in turns; prints the median ratio and its range.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from realage.augment import PhotoAugmenter
from realage.quiet_keras import ImageDataGenerator
from realage.recipe import AugmentParams

PHOTOS = 100
ROUNDS = 7
RANGES = {
    "rotation_range": 15.0,
    "width_shift_range": 0.1,
    "height_shift_range": 0.1,
    "shear_range": 5.0,
    "zoom_range": 0.15,
    "horizontal_flip": True,
}


def photos_per_second(transform: Callable[[np.ndarray], np.ndarray], photos: np.ndarray) -> float:
    started = time.perf_counter()
    for photo in photos:
        transform(photo)
    return len(photos) / (time.perf_counter() - started)


def benchmark() -> None:
    """Print photos/s of both and the ratio between them."""
    photos = np.random.default_rng(1).integers(0, 256, (PHOTOS, 128, 128, 3)).astype("float32")
    ours = PhotoAugmenter(AugmentParams(**RANGES, brightness_range=0.2))
    stock = ImageDataGenerator(**RANGES, brightness_range=(0.8, 1.2))
    rounds = [
        (photos_per_second(lambda photo: ours.random_transform(photo, seed=1), photos),
         photos_per_second(lambda photo: stock.random_transform(photo, seed=1), photos))
        for _ in range(ROUNDS)
    ]  # fmt: skip
    ratios = [fast / slow for fast, slow in rounds]
    print(f"ours {statistics.median(fast for fast, _ in rounds):,.0f} photos/s, "
          f"ImageDataGenerator {statistics.median(slow for _, slow in rounds):,.0f} photos/s: "
          f"{statistics.median(ratios):.1f} times as fast ({min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    benchmark()
