"""Speed of PhotoAugmenter against Keras' own ImageDataGenerator: `python -m benchmarks.augment`.

One thread, 128 px photos of noise, all transforms on, both timed in turns; prints the median ratio and its range.
"""

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


def benchmark() -> None:
    """Print photos/s of both and the ratio between them."""
    photos = np.random.default_rng(1).integers(0, 256, (PHOTOS, 128, 128, 3)).astype("float32")
    ours = PhotoAugmenter(AugmentParams(**RANGES, brightness_range=0.2, random_erasing=0))
    stock = ImageDataGenerator(**RANGES, brightness_range=(0.8, 1.2))
    result = compare(
        lambda: [ours.random_transform(photo, seed=1) for photo in photos],
        lambda: [stock.random_transform(photo, seed=1) for photo in photos],
        ROUNDS,
    )
    print(f"ours {PHOTOS / result.ours:,.0f} photos/s, ImageDataGenerator {PHOTOS / result.rival:,.0f} photos/s: "
          f"{1 / result.ratio:.1f} times as fast ({1 / result.most:.1f} to {1 / result.least:.1f})")


if __name__ == "__main__":
    benchmark()
