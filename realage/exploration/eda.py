"""Figures of the labelled photos: ages, groups, sizes and light, and the mean face of each decade."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import entr

from realage.core.columns import FILE_NAME, PHOTO, REAL_AGE
from realage.exploration.outliers import count_outliers
from realage.exploration.params import EdaParams
from realage.photos.measures import Measures
from realage.photos.parallel import map_photos
from realage.photos.prepared import read_prepared
from realage.splits.ages import decade, decade_label, share_20_30
from realage.splits.assign import SPLIT_NAMES
from realage.splits.groups import groups_of

QUANTILES = {"min": 0, "p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1}


class MeanFaces:
    """Computes the mean picture of each decade; sums are exact integers."""

    def __init__(self) -> None:
        self._sums: dict[int, np.ndarray] = {}
        self._counts: dict[int, int] = {}

    def add(self, start: int, pixels: np.ndarray) -> None:
        """Add uint8 `pixels`, of the same shape in all calls, to the decade that begins at age `start`."""
        self._sums[start] = self._sums.get(start, 0) + pixels.astype("int64")
        self._counts[start] = self._counts.get(start, 0) + 1

    def means(self) -> dict[int, np.ndarray]:
        """The mean picture of each decade, uint8, youngest first."""
        return {start: np.rint(self._sums[start] / self._counts[start]).astype("uint8") for start in sorted(self._sums)}


def pick_examples(rows: pd.DataFrame, params: EdaParams) -> pd.DataFrame:
    """Up to `contact_sheet_columns` random rows of each decade, youngest first."""
    by_decade = rows.groupby(decade(rows[REAL_AGE]))
    examples = [
        members.sample(min(len(members), params.contact_sheet_columns), random_state=params.seed)
        for _, members in by_decade
    ]
    return pd.concat(examples).sort_values([REAL_AGE, FILE_NAME])


def measures_of(rows: pd.DataFrame, scan: pd.DataFrame) -> pd.DataFrame:
    """The scan's measures of the photo of each row.

    The columns are those of Measures, `shorter_side` in pixels, and `proportions`, width / height.
    """
    table = rows[[FILE_NAME]].join(scan.set_index(FILE_NAME)[list(Measures._fields)], on=FILE_NAME)
    return table.drop(columns=FILE_NAME).assign(
        shorter_side=table[["width", "height"]].min(axis="columns"), proportions=table["width"] / table["height"]
    )


def average_faces(folder: Path, rows: pd.DataFrame) -> dict[int, np.ndarray]:
    """The mean of the prepared photos of each decade of age, uint8 RGB (size, size, 3), by the decade's first year."""
    faces = MeanFaces()
    prepared = map_photos(partial(read_prepared, folder), rows[PHOTO], "average photos")
    for start, pixels in zip(decade(rows[REAL_AGE]), prepared, strict=True):
        faces.add(int(start), pixels)
    return faces.means()


def count_ages(rows: pd.DataFrame) -> pd.DataFrame:
    """Photos of each full year of age that occurs: columns `age`, `photos`, and one for each split."""
    return _count(np.floor(rows[REAL_AGE]).astype("int64").rename("age"), rows["split"]).reset_index()


def count_decades(rows: pd.DataFrame) -> pd.DataFrame:
    """Photos of each decade from the youngest to the oldest: columns `decade`, `photos`, and one for each split."""
    starts = pd.Series(decade(rows[REAL_AGE]), rows.index, name="decade")
    counts = _count(starts, rows["split"]).reindex(range(starts.min(), starts.max() + 10, 10), fill_value=0)
    counts.index = pd.Index([decade_label(start) for start in counts.index], name="decade")
    return counts.reset_index()


def count_groups(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Photos by decade in each group of `columns`: columns `column`, `group`, `decade`, `photos`.

    Groups are in the order of their names; decades without photos are left out. Raises UserError for a column that
    `rows` do not have.
    """
    starts = pd.Series(decade(rows[REAL_AGE]), rows.index, name="decade")
    counted = [(column, rows.groupby([groups_of(rows, column), starts]).size()) for column in columns]
    table = [
        (column, group, decade_label(start), photos)
        for column, counts in counted
        for (group, start), photos in counts.items()
    ]
    return pd.DataFrame(table, columns=["column", "group", "decade", "photos"])


def quantiles(measures: pd.DataFrame) -> pd.DataFrame:
    """The distribution of each measure: columns `measure`, `min`, `p05`, `p25`, `median`, `p75`, `p95`, `max`."""
    table = measures.quantile(list(QUANTILES.values())).T.set_axis(list(QUANTILES), axis="columns")
    return table.rename_axis("measure").reset_index()


def describe(rows: pd.DataFrame, measures: pd.DataFrame, outliers: pd.DataFrame) -> dict:
    """The figures of `metrics/eda.json`: ages in years, sides in pixels, the photos' light in grey levels.

    `imbalance_ratio` is the number of photos of the largest decade divided by that of the smallest one that has any.
    `effective_ages` is the number of equally frequent years of age with the same entropy (the exponential of the
    entropy, or Hill number of order 1: Hill 1973, "Diversity and evenness"). `outliers` is from `find_outliers`.
    """
    ages = rows[REAL_AGE]
    by_decade = count_decades(rows).set_index("decade")["photos"]
    by_age = count_ages(rows)["photos"].to_numpy()
    return {
        "photos": len(rows),
        "age_mean": float(ages.mean()),
        "age_median": float(ages.median()),
        "age_sd": float(ages.std()),
        "age_min": float(ages.min()),
        "age_max": float(ages.max()),
        "share_20_30": share_20_30(ages),
        "imbalance_ratio": float(by_decade.max() / by_decade[by_decade > 0].min()),
        "effective_ages": float(np.exp(entr(by_age / by_age.sum()).sum())),
        **{f"median_{name}": float(measures[name].median()) for name in measures.columns},
        "outliers": outliers[FILE_NAME].nunique(),
        "outliers_by_measure": count_outliers(outliers),
        "by_decade": {label: int(photos) for label, photos in by_decade.items()},
    }


def _count(groups: pd.Series, splits: pd.Series) -> pd.DataFrame:
    """Photos by group: in total, and in each split, 0 for a split that does not exist."""
    counts = pd.crosstab(groups, splits).reindex(columns=list(SPLIT_NAMES), fill_value=0)
    counts.insert(0, "photos", counts.sum(axis="columns"))
    return counts.rename_axis(columns=None)
