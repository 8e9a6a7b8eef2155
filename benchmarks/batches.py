"""Augmented batches from disk, against Keras' `ImageDataGenerator.flow_from_dataframe` on the same files.

    python -m benchmarks.batches [--size N]

Both read the same prepared PNGs, rotate, shift, zoom, mirror and brighten them with cubic interpolation, and return
batches of 32, in one thread. Then ours on all cores is held against ours in one thread. The photos are those of
REALAGE_FACES/final_files or, without it, of the embedded sample, in squares of N pixels (default: 224).
"""

import argparse
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import pandas as pd

from benchmarks.claims import Claim, print_claims
from benchmarks.faces_project import some_photos
from benchmarks.in_turns import compare
from realage.core.machine import data_workers
from realage.network.quiet_keras import ImageDataGenerator
from realage.network.recipe import AugmentParams
from realage.photos.decode import load_photo
from realage.photos.framing import fit_square
from realage.photos.params import PrepareParams
from realage.photos.prepared import to_png, write_prepared
from realage.runner.command import run
from realage.training.augment import PhotoAugmenter
from realage.training.photo_dataset import PhotoDataset

PHOTOS, BATCH, ROUNDS = 320, 32, 5
RANGES = {
    "rotation_range": 15.0,
    "width_shift_range": 0.1,
    "height_shift_range": 0.1,
    "zoom_range": 0.15,
    "horizontal_flip": True,
    "interpolation_order": 3,
}


def measure_batches(size: int = 224) -> list[Claim]:
    """The speed of one thread against the stock class, and of all cores against one thread."""
    cv2.setNumThreads(1)
    with _prepared(size) as folder:
        names = [path.stem for path in sorted(folder.iterdir())]
        augmenter = PhotoAugmenter(AugmentParams(**RANGES, brightness_range=0.2, shear_range=0, random_erasing=0))
        ours = PhotoDataset(folder, names, [30.0] * len(names), BATCH, augmenter)
        stock = ImageDataGenerator(**RANGES, brightness_range=(0.8, 1.2)).flow_from_dataframe(
            pd.DataFrame({"name": [f"{name}.png" for name in names], "age": 30.0}), folder, "name", "age",
            target_size=(size, size), class_mode="raw", batch_size=BATCH, validate_filenames=False,
        )  # fmt: skip
        with ThreadPoolExecutor(data_workers()) as pool:
            alone = compare(lambda: _read(ours), lambda: _read(stock), ROUNDS)
            shared = compare(lambda: list(pool.map(ours.__getitem__, range(len(ours)))), lambda: _read(ours), ROUNDS)
    rival = "ImageDataGenerator.flow_from_dataframe"
    return [
        Claim.faster(f"augmented batches, {size} pixels, one thread", rival, alone, 8),
        Claim.faster(f"the same in {data_workers()} threads", "ours in one thread", shared, 0.85 * data_workers()),
    ]


def _read(batches: object) -> None:
    for number in range(len(batches)):  # type: ignore[arg-type]
        batches[number]  # type: ignore[index]


@contextmanager
def _prepared(size: int) -> Iterator[Path]:
    params = PrepareParams(image_size=size, crop="none", margin=0.0, fit="pad")
    with tempfile.TemporaryDirectory() as folder:
        for number, photo in enumerate(some_photos(PHOTOS)):
            write_prepared(Path(folder), f"{number:032x}", to_png(fit_square(load_photo(photo), params)))
        yield Path(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batches", description="Measure augmented batches.")
    parser.add_argument("--size", type=int, default=224, metavar="N", help="pixels; default: %(default)s")
    arguments = parser.parse_args()
    run(lambda: print_claims(measure_batches(arguments.size)))
