"""How often `realage watch` raises an alarm: `REALAGE_FACES=... python -m benchmarks.drift [--draws 200 --photos 200]`.

REALAGE_FACES is a folder with `labels.csv` and `final_files/`. Photos are framed as section `prepare` of params.yaml
says. Half of them are the training photos. Draws from the other half are new photos: as they are, and after one change
each. Real ages stand for predicted ones. Prints for each change the share of draws with an alarm, with a 95% interval,
and how often the expected word was among the causes.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from PIL import Image, ImageFilter
from scipy.stats import binomtest

from realage.core.params import load
from realage.drift.findings import find_changes
from realage.photos.decode import load_photo
from realage.photos.framing import frame_photo
from realage.photos.likeness import AGE, Seen, look_at, summarize
from realage.photos.parallel import map_photos
from realage.photos.params import PrepareParams

SEED = 1
CHILD = 13  # years


def unchanged(image: Image.Image) -> Image.Image:
    """The same photo."""
    return image


def darkened(image: Image.Image) -> Image.Image:
    """Three quarters of the light."""
    return image.point(lambda value: value * 0.75)


def blurred(image: Image.Image) -> Image.Image:
    """A Gaussian blur of 1.5 pixels."""
    return image.filter(ImageFilter.GaussianBlur(1.5))


def small(image: Image.Image) -> Image.Image:
    """Half of the sides."""
    return image.resize((image.width // 2, image.height // 2))


# Name -> change of each photo, and the word that the alarm should have; None: no alarm is right.
CHANGES: dict[str, tuple[Callable[[Image.Image], Image.Image], str | None]] = {
    "none": (unchanged, None),
    "three quarters of the light": (darkened, "darker"),
    "blur of 1.5 pixels": (blurred, "blurred"),
    "half of the pixels": (small, "faces of fewer pixels"),
}


def benchmark(
    draws: Annotated[int, typer.Option(min=1)] = 200, photos: Annotated[int, typer.Option(min=30)] = 200
) -> None:
    """Print a line for each change."""
    folder, prepare = Path(os.environ["REALAGE_FACES"]), load("prepare", PrepareParams)
    labels = pd.read_csv(folder / "labels.csv").sample(frac=1, random_state=SEED)
    files = [folder / "final_files" / name for name in labels["file_name"]]
    ages, half = labels["real_age"].to_numpy(float), len(files) // 2
    training = _look(files[:half], prepare, unchanged)
    summary, random = summarize(training, {AGE: ages[:half]}), np.random.default_rng(SEED)
    assert summary

    def watch(looks: list[Seen], real: np.ndarray, name: str, word: str | None) -> None:
        alarms = named = 0
        for _ in range(draws):
            drawn = random.integers(0, len(looks), photos)
            findings = find_changes(summary, [looks[n] for n in drawn], {AGE: real[drawn]})
            causes = {finding.change for finding in findings if finding.drift}
            alarms, named = alarms + bool(causes), named + (word in causes)
        ends = binomtest(alarms, draws).proportion_ci(method="wilson")
        said = "" if word is None else f"; '{word}' in {named / draws:.0%}"
        print(f"{name}: alarm in {alarms / draws:.1%} [{ends.low:.1%}, {ends.high:.1%}] of {draws} draws{said}")

    for name, (change, word) in CHANGES.items():
        looks = _look(files[half:], prepare, change)
        watch(looks, ages[half:], name, word)
        if change is unchanged:
            children = np.flatnonzero(ages[half:] < CHILD)
            watch([looks[n] for n in children], ages[half:][children], f"below {CHILD} years alone", "younger people")


def _look(files: list[Path], prepare: PrepareParams, change: Callable[[Image.Image], Image.Image]) -> list[Seen]:
    return list(map_photos(partial(_look_at, prepare, change), files, "look"))


def _look_at(prepare: PrepareParams, change: Callable[[Image.Image], Image.Image], file: Path) -> Seen:
    framed = frame_photo(np.array(change(Image.fromarray(load_photo(file)))), prepare)
    return look_at(framed.pixels, prepare, framed.eye_distance)


if __name__ == "__main__":
    typer.run(benchmark)
