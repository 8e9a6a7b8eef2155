"""What the labelled photos are like: their ages, groups, sizes and light, and the faces of each decade."""

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.stats import entropy

from realage.ages import decade, decade_label, share_20_30
from realage.groups import groups_of
from realage.measures import Measures, measure_file
from realage.outliers import count_outliers
from realage.parallel import map_photos
from realage.params import Section
from realage.splits import SPLITS

QUANTILES = {"min": 0, "p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1}


class EdaParams(Section):
    """Section `eda`: the sheet of example faces."""

    contact_sheet_columns: int = Field(ge=1, le=20)  # faces a decade
    seed: int = Field(ge=0, lt=2**32)  # another seed picks other faces


class Survey(NamedTuple):
    """All photos looked at: `measures` has a row for each, `thumbnails` are the picked rows' by index, `mean_faces`
    are by decade; pictures are uint8 RGB (THUMBNAIL, THUMBNAIL, 3).

    The columns of `measures` are those of Measures, `shorter_side` in pixels, and `proportions`, width / height.
    """

    measures: pd.DataFrame
    thumbnails: dict[int, np.ndarray]
    mean_faces: dict[int, np.ndarray]


class MeanFaces:
    """Adds up pictures by decade, in whole numbers."""

    def __init__(self) -> None:
        self._sums: dict[int, np.ndarray] = {}
        self._counts: dict[int, int] = {}

    def add(self, start: int, pixels: np.ndarray) -> None:
        """Count uint8 `pixels`, all of one shape, in the decade that begins at age `start`."""
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

    `picked` are the index labels of the rows whose thumbnails are kept; memory holds no others for long. Raises
    UserError for a photo that has vanished or changed.
    """
    measures, mean_faces, thumbnails, picked = [], MeanFaces(), {}, set(picked)
    files = rows[["file_name", "photo"]].itertuples(index=False, name=None)
    looks = map_photos(partial(measure_file, images), files, "look at photos")
    for (measured, thumbnail), row in zip(looks, rows.itertuples()):
        measures.append(measured)
        mean_faces.add(int(decade(row.real_age)), thumbnail)
        if row.Index in picked:
            thumbnails[row.Index] = thumbnail
    return Survey(_tabulate(measures, rows.index), thumbnails, mean_faces.means())


def count_ages(rows: pd.DataFrame) -> pd.DataFrame:
    """Photos of each full year of age that occurs: columns `age`, `photos`, and one for each split."""
    return _count(np.floor(rows["real_age"]).astype("int64").rename("age"), rows["split"]).reset_index()


def count_decades(rows: pd.DataFrame) -> pd.DataFrame:
    """Photos of each decade from the youngest to the oldest: columns `decade`, `photos`, and one for each split."""
    starts = pd.Series(decade(rows["real_age"]), rows.index, name="decade")
    counts = _count(starts, rows["split"]).reindex(range(starts.min(), starts.max() + 10, 10), fill_value=0)
    counts.index = pd.Index([decade_label(start) for start in counts.index], name="decade")
    return counts.reset_index()


def count_groups(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Photos by decade in each group of `columns`: columns `column`, `group`, `decade`, `photos`.

    Groups are in the order of their names; decades without photos are left out. Raises UserError for a column that
    `rows` do not have.
    """
    starts = pd.Series(decade(rows["real_age"]), rows.index, name="decade")
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

    `imbalance_ratio` is the largest decade over the smallest one that has any photos; `effective_ages` is the number of
    equally frequent years of age that would be as varied (the exponential of the entropy, which is the Hill number
    of order 1: Hill 1973, "Diversity and evenness"). `outliers` counts the photos of the table from `find_outliers`.
    """
    ages = rows["real_age"]
    by_decade = count_decades(rows).set_index("decade")["photos"]
    return {
        "photos": len(rows),
        "age_mean": float(ages.mean()),
        "age_median": float(ages.median()),
        "age_sd": float(ages.std()),
        "age_min": float(ages.min()),
        "age_max": float(ages.max()),
        "share_20_30": share_20_30(ages),
        "imbalance_ratio": float(by_decade.max() / by_decade[by_decade > 0].min()),
        "effective_ages": float(np.exp(entropy(count_ages(rows)["photos"]))),
        **{f"median_{name}": float(measures[name].median()) for name in measures.columns},
        "outliers": outliers["file_name"].nunique(),
        "outliers_by_measure": count_outliers(outliers),
        "by_decade": {label: int(photos) for label, photos in by_decade.items()},
    }


def _tabulate(measures: list[Measures], index: pd.Index) -> pd.DataFrame:
    table = pd.DataFrame(measures, index, columns=Measures._fields)
    return table.assign(
        shorter_side=table[["width", "height"]].min(axis="columns"), proportions=table["width"] / table["height"]
    )


def _count(groups: pd.Series, splits: pd.Series) -> pd.DataFrame:
    """Photos by group: in all, and in each split, 0 for a split that does not exist."""
    counts = pd.crosstab(groups, splits).reindex(columns=list(SPLITS), fill_value=0)
    counts.insert(0, "photos", counts.sum(axis="columns"))
    return counts.rename_axis(columns=None)
