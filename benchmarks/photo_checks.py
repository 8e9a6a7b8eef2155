"""What validate's photo checks cost beside a bare decode loop: `REALAGE_FACES=... python -m benchmarks.photo_checks`.

That folder holds `labels.csv` and `final_files/`. The rival opens each photo with Pillow and decodes it to RGB, one by
one; ours also turns it upright, hashes its pixels and takes its perceptual hash, once on all workers as the stage does
it, and once on one worker. The two in turns; prints the median ratio and its range.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.in_turns import compare
from realage.labels import ValidateParams
from realage.machine import data_workers
from stages.validate import _look_at_photos

ROUNDS = 5
PARAMS = ValidateParams(min_age=0, max_age=120, min_pixels=32, on_reject="quarantine", max_rejected=1)


def decode(photo: Path) -> np.ndarray:
    with Image.open(photo) as image:
        return np.asarray(image.convert("RGB"))


def benchmark() -> None:
    """Print seconds of both for all photos, and the ratio between them, for all workers and for one."""
    faces = Path(os.environ["REALAGE_FACES"])
    images, table = faces / "final_files", pd.read_csv(faces / "labels.csv", dtype={"file_name": str})
    for workers in (data_workers(), 1):
        os.environ["REALAGE_WORKERS"] = str(workers)
        result = compare(
            lambda: _look_at_photos(table, images, PARAMS),
            lambda: [decode(images / name).shape for name in table["file_name"]],
            ROUNDS,
        )
        print(f"{len(table):,} photos, {workers} workers: checks {result.ours:.2f} s, bare loop {result.rival:.2f} s: "
              f"{result.ratio:.2f} times as long ({result.least:.2f} to {result.most:.2f})")


if __name__ == "__main__":
    benchmark()
