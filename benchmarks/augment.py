"""Speed of PhotoAugmenter against Keras' own ImageDataGenerator: `python -m benchmarks.augment`.

One thread, 128 px photos of noise, both timed in turns; prints the median ratio and its range. First all transforms of
the stock class, then the time that the others add when each of them happens to each photo.
"""

import cv2
import numpy as np

from benchmarks.in_turns import compare
from realage.network.quiet_keras import ImageDataGenerator
from realage.network.recipe import AugmentParams
from realage.training.augment import PhotoAugmenter

PHOTOS = 100
ROUNDS = 7
RANGES = {
    "rotation_range": 15.0,
    "width_shift_range": 0.1,
    "height_shift_range": 0.1,
    "shear_range": 5.0,
    "zoom_range": 0.15,
    "horizontal_flip": True,
    "interpolation_order": 3,
}
ADDED = {
    "random_erasing": 1.0,
    "framing_range": 0.25,
    "contrast_range": 0.2,
    "saturation_range": 0.2,
    "grayscale": 1.0,
    "blur": 1.0,
    "low_resolution": 1.0,
    "jpeg": 1.0,
}


def benchmark() -> None:
    """Print photos/s of both and the ratio between them, then photos/s with the transforms that we added."""
    cv2.setNumThreads(1)
    photos = np.random.default_rng(1).integers(0, 256, (PHOTOS, 128, 128, 3)).astype("float32")
    ours = PhotoAugmenter(AugmentParams(**RANGES, brightness_range=0.2, random_erasing=0))
    extended = PhotoAugmenter(AugmentParams(**RANGES, brightness_range=0.2, **ADDED))
    stock = ImageDataGenerator(**RANGES, brightness_range=(0.8, 1.2))

    def transform(augmenter: ImageDataGenerator) -> None:
        for seed, photo in enumerate(photos):
            augmenter.random_transform(photo, seed=seed)

    result = compare(lambda: transform(ours), lambda: transform(stock), ROUNDS)
    print(f"ours {PHOTOS / result.ours:,.0f} photos/s, ImageDataGenerator {PHOTOS / result.rival:,.0f} photos/s: "
          f"{1 / result.ratio:.1f} times as fast ({1 / result.most:.1f} to {1 / result.least:.1f})")
    result = compare(lambda: transform(extended), lambda: transform(ours), ROUNDS)
    print(f"with all others too: {PHOTOS / result.ours:,.0f} photos/s, {result.ratio:.1f} times the time "
          f"({result.least:.1f} to {result.most:.1f})")


if __name__ == "__main__":
    benchmark()
