"""What the labelled photos are like: their ages, sizes and light, and the faces of each decade."""

import threading
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from pydantic import Field
from scipy.stats import entropy

from realage.ages import decade, decade_label
from realage.params import Section
from realage.photos import load_validated, map_photos
from realage.splits import SPLITS

THUMBNAIL = 160  # pixels square
QUANTILES = {"min": 0, "p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1}


class EdaParams(Section):
    """Section `eda`: the sheet of example faces."""

    contact_sheet_columns: int = Field(ge=1, le=20)  # faces a decade
    seed: int = Field(ge=0, lt=2**32)  # another seed picks other faces


class Measures(NamedTuple):
    """What is measured on a photo: pixels for its sides, grey levels (0 to 255) for the others.

    The others are taken on its thumbnail, so that they do not depend on its size: mean, standard deviation, and
    the standard deviation of the Laplacian, which blur brings near 0.
    """

    width: int
    height: int
    brightness: float
    contrast: float
    sharpness: float


class Survey(NamedTuple):
    """All photos looked at: `measures` has a row for each, `thumbnails` are the picked rows' by index, `mean_faces`
    are by decade; pictures are uint8 RGB (THUMBNAIL, THUMBNAIL, 3)."""

    measures: pd.DataFrame
    thumbnails: dict[int, np.ndarray]
    mean_faces: dict[int, np.ndarray]


class MeanFaces:
    """Adds up pictures by decade from many threads; sums of whole numbers come out the same in any order."""

    def __init__(self) -> None:
        self._sums: dict[int, np.ndarray] = {}
        self._counts: dict[int, int] = {}
        self._lock = threading.Lock()

    def add(self, start: int, pixels: np.ndarray) -> None:
        """Count uint8 `pixels`, all of one shape, in the decade that begins at age `start`."""
        with self._lock:
            self._sums[start] = self._sums.get(start, 0) + pixels.astype("int64")
            self._counts[start] = self._counts.get(start, 0) + 1

    def means(self) -> dict[int, np.ndarray]:
        """The mean picture of each decade, uint8, youngest first."""
        return {start: np.rint(self._sums[start] / self._counts[start]).astype("uint8") for start in sorted(self._sums)}


def pick_examples(rows: pd.DataFrame, params: EdaParams) -> pd.DataFrame:
    """Up to `contact_sheet_columns` random rows of each decade, youngest first."""
    by_decade = rows.groupby(decade(rows["real_age"]))
    examples = [
        members.sample(min(len(members), params.contact_sheet_columns), random_state=params.seed)
        for _, members in by_decade
    ]
    return pd.concat(examples).sort_values(["real_age", "file_name"])


def survey_photos(images: Path, rows: pd.DataFrame, picked: Collection[int]) -> Survey:
    """Decode the photo of each row once and take from it all that there is to know.

    `picked` are the index labels of the rows whose thumbnails are kept. Raises UserError for a photo that has
    vanished or changed.
    """
    mean_faces, thumbnails, picked = MeanFaces(), {}, set(picked)

    def look(row) -> Measures:
        pixels = load_validated(images / row.file_name, row.photo)
        thumbnail = thumbnail_of(pixels)
        mean_faces.add(int(decade(row.real_age)), thumbnail)
        if row.Index in picked:
            thumbnails[row.Index] = thumbnail
        return measure(pixels, thumbnail)

    measures = map_photos(look, rows.itertuples(), "look at photos")
    return Survey(pd.DataFrame(measures, columns=Measures._fields), thumbnails, mean_faces.means())


def thumbnail_of(pixels: np.ndarray) -> np.ndarray:
    """The middle square of uint8 RGB `pixels`, resized to (THUMBNAIL, THUMBNAIL, 3)."""
    return np.array(ImageOps.fit(Image.fromarray(pixels), (THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))


def measure(pixels: np.ndarray, thumbnail: np.ndarray) -> Measures:
    """Measure a photo, uint8 RGB (height, width, 3), and its thumbnail."""
    grey = cv2.cvtColor(thumbnail, cv2.COLOR_RGB2GRAY)
    laplacian = cv2.Laplacian(grey, cv2.CV_64F)
    return Measures(pixels.shape[1], pixels.shape[0], float(grey.mean()), float(grey.std()), float(laplacian.std()))


def count_ages(rows: pd.DataFrame) -> pd.DataFrame:
    """Photos of each full year of age that occurs: columns `age`, `photos`, and one for each split."""
    return _count(np.floor(rows["real_age"]).astype("int64").rename("age"), rows["split"]).reset_index()


def count_decades(rows: pd.DataFrame) -> pd.DataFrame:
    """Photos of each decade from the youngest to the oldest: columns `decade`, `photos`, and one for each split."""
    starts = pd.Series(decade(rows["real_age"]), rows.index, name="decade")
    counts = _count(starts, rows["split"]).reindex(range(starts.min(), starts.max() + 10, 10), fill_value=0)
    counts.index = pd.Index([decade_label(start) for start in counts.index], name="decade")
    return counts.reset_index()


def quantiles(measures: pd.DataFrame) -> pd.DataFrame:
    """The distribution of each measure: columns `measure`, `min`, `p05`, `p25`, `median`, `p75`, `p95`, `max`."""
    table = measures.quantile(list(QUANTILES.values())).T.set_axis(list(QUANTILES), axis="columns")
    return table.rename_axis("measure").reset_index()


def describe(rows: pd.DataFrame, measures: pd.DataFrame) -> dict:
    """The figures of `metrics/eda.json`: ages in years, sides in pixels, the photos' light in grey levels.

    `imbalance_ratio` is the largest decade over the smallest one that has photos; `effective_ages` is the number of
    equally frequent years of age that would be as varied (the exponential of the entropy).
    """
    ages = rows["real_age"]
    by_decade = count_decades(rows).set_index("decade")["photos"]
    return {
        "photos": len(rows),
        "age_mean": float(ages.mean()),
        "age_median": float(ages.median()),
        "age_sd": float(ages.std(ddof=0)),
        "age_min": float(ages.min()),
        "age_max": float(ages.max()),
        "share_20_30": float(ages.between(20, 30).mean()),
        "imbalance_ratio": float(by_decade.max() / by_decade[by_decade > 0].min()),
        "effective_ages": float(np.exp(entropy(count_ages(rows)["photos"]))),
        **{f"median_{name}": float(measures[name].median()) for name in Measures._fields},
        "by_decade": {label: int(photos) for label, photos in by_decade.items()},
    }


def _count(groups: pd.Series, splits: pd.Series) -> pd.DataFrame:
    """Photos by group: in all, and in each split, 0 for a split that does not exist."""
    counts = pd.crosstab(groups, splits).reindex(columns=list(SPLITS), fill_value=0)
    counts.insert(0, "photos", counts.sum(axis="columns"))
    return counts.rename_axis(columns=None)
