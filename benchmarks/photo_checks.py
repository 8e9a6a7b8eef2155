"""Time of the photo scan against a bare decode loop: `REALAGE_FACES=... python -m benchmarks.photo_checks`.

REALAGE_FACES is a folder with `final_files/`. The bare loop opens each photo with Pillow and decodes it to RGB, one by
one. The scan also hashes the file, turns the photo upright, hashes its pixels, computes its perceptual hash and
measures it: once on all workers, as the stage does, and once on one. Both are timed in turns; prints the median ratio
and its range.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.in_turns import compare
from realage.core.machine import data_workers
from realage.photos.names import find_photos
from realage.photos.scan import COLUMNS, scan_photos

ROUNDS = 5
NOTHING = pd.DataFrame(columns=COLUMNS)  # no earlier scan


def decode(photo: Path) -> np.ndarray:
    with Image.open(photo) as image:
        return np.asarray(image.convert("RGB"))


def benchmark() -> None:
    """Print seconds of both for all photos, and the ratio between them, for all workers and for one."""
    images = Path(os.environ["REALAGE_FACES"], "final_files")
    names = find_photos(images)
    for workers in (data_workers(), 1):
        os.environ["REALAGE_WORKERS"] = str(workers)
        result = compare(
            lambda: scan_photos(images, {}, names, NOTHING),
            lambda: [decode(images / name).shape for name in names],
            ROUNDS,
        )
        print(f"{len(names):,} photos, {workers} workers: scan {result.ours:.2f} s, bare loop {result.rival:.2f} s: "
              f"{result.ratio:.2f} times as long ({result.least:.2f} to {result.most:.2f})")


if __name__ == "__main__":
    benchmark()
