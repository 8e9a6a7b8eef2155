"""The stages that decode photos, against loops that do no more than decode: `python -m benchmarks.photos`.

2,000 photos of REALAGE_FACES/final_files or, without it, of the embedded sample, repeated; on all cores. Stage
`prepare` (128 pixels, no search for faces) is held against a loop that decodes and resizes each photo with Pillow.
Stages `scan`, `validate`, `eda` and `prepare` together are held against one that decodes each photo once. No result of
an earlier run is used, and starting worker processes counts.
"""

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd
import yaml
from PIL import Image

from benchmarks.claims import Claim, print_claims
from benchmarks.faces_project import PRESET, some_photos
from benchmarks.in_turns import compare
from realage.core.machine import data_workers
from realage.core.paths import STORE
from realage.runner.command import run
from stages.eda import eda
from stages.prepare import prepare
from stages.scan import scan
from stages.split import split
from stages.validate import validate

PHOTOS, SIZE, ROUNDS = 2_000, 128, 3


def measure_photos() -> list[Claim]:
    """The cost of stage `prepare`, and of all stages that decode photos."""
    with _project() as photos, ProcessPoolExecutor(data_workers()) as pool:
        _quietly(scan, validate, split)
        alone = compare(lambda: _anew(prepare), lambda: list(pool.map(_resized, photos, chunksize=128)), ROUNDS)
        every = compare(
            lambda: _anew(scan, validate, prepare, eda),
            lambda: list(pool.map(_decoded, photos, chunksize=128)), ROUNDS,
        )  # fmt: skip
    return [
        Claim.faster(f"prepare, {SIZE} pixels", "decode and resize with Pillow, all cores", alone, 0.8),
        Claim.costs("scan, validate, eda and prepare", "decode once with Pillow, all cores", every, 1.5),
    ]


def _resized(photo: Path) -> bytes:
    with Image.open(photo) as image:
        return image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC).tobytes()


def _decoded(photo: Path) -> tuple[int, int]:
    with Image.open(photo) as image:
        return image.convert("RGB").size


def _anew(*stages: Callable[[], None]) -> None:
    shutil.rmtree(STORE, ignore_errors=True)
    shutil.rmtree("data/prepared", ignore_errors=True)
    _quietly(*stages)


def _quietly(*stages: Callable[[], None]) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for stage in stages:
            stage()


@contextlib.contextmanager
def _project() -> Iterator[list[Path]]:
    """A folder with photos, labels and params, as the current one; yields the photos."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        photos = []
        for number, photo in enumerate(some_photos(PHOTOS)):
            photos.append(Path(folder, "photos", f"{number:05}{photo.suffix}"))
            photos[-1].parent.mkdir(exist_ok=True)
            shutil.copyfile(photo, photos[-1])
        ages = [10.0 + number % 60 for number in range(len(photos))]
        labels = pd.DataFrame({"file_name": [photo.name for photo in photos], "real_age": ages})
        labels.to_csv("labels.csv", index=False)
        params = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
        params["dataset"] = {"labels": "labels.csv", "images": "photos"}
        params["prepare"] |= {"crop": "none", "margin": 0.0, "image_size": SIZE}
        params["validate"] |= {"max_rejected": 1.0}
        Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        try:
            yield photos
        finally:
            os.chdir(here)


if __name__ == "__main__":
    run(lambda: print_claims(measure_photos()))
