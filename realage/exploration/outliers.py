"""Outliers among the photos, by size, proportions, light, sharpness and colour."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from realage.core.columns import FILE_NAME, REAL_AGE

# Tukey's 3 ("far out") misses real photos in which a face is hardly visible; his 1.5 ("outside") lists seven in a
# thousand photos of any normal sample.
FENCE = 2.2  # interquartile ranges
# If nearly all photos are equal, invisible differences must not make outliers.
LEAST_RANGE = 0.1  # smallest interquartile range, on the scales below; on a logarithm, a tenth of the value


class Scale(NamedTuple):
    """A scale on which a measure is about symmetric: `spread` transforms to it, `back` from it; float (n,)."""

    spread: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]


def _between_0_and(top: float) -> Scale:
    # Half a level is added at both ends, so that black and white have finite values.
    return Scale(lambda value: logit((value + 0.5) / (top + 1)), lambda place: expit(place) * (top + 1) - 0.5)


RATIO = Scale(np.log, np.exp)
RATIO_FROM_0 = Scale(np.log1p, np.expm1)
SCALES = {
    "shorter_side": RATIO,
    "proportions": RATIO,
    "brightness": _between_0_and(255),
    "contrast": _between_0_and(127.5),  # the standard deviation of half black and half white
    "sharpness": RATIO_FROM_0,
    "colorfulness": RATIO_FROM_0,
}


def find_outliers(rows: pd.DataFrame, measures: pd.DataFrame) -> pd.DataFrame:
    """Every photo beyond the fences of a measure, with the measure's value and fences.

    `rows` has `file_name` and `real_age`, `measures` the columns of SCALES in their units and the same index. Columns
    are `file_name`, `real_age`, `measure`, `value`, `low`, `high`, the index is that of `rows`; sorted by measure, the
    farthest out first. A photo has one row for each measure in which it is an outlier.

    The fences are 2.2 interquartile ranges below the first and above the third quartile (Tukey 1977, with the factor of
    Hoaglin & Iglewicz 1987, "Fine-tuning some resistant rules for outlier labeling"). About one in 4,000 normally
    distributed values is beyond them. Light and size are skewed, so their fences are computed on logarithms, and those
    of levels between black and white on log-odds.
    """
    return pd.concat([_beyond_fences(rows, measures[name]) for name in SCALES])


def count_outliers(outliers: pd.DataFrame) -> dict[str, int]:
    """Photos beyond the fences of each measure, 0 where there are none."""
    return {name: int((outliers["measure"] == name).sum()) for name in SCALES}


def _beyond_fences(rows: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    scale = SCALES[values.name]
    places = pd.Series(scale.spread(values.astype("float64")), values.index)
    first, third = places.quantile([0.25, 0.75])
    reach = FENCE * max(third - first, LEAST_RANGE)
    low, high = first - reach, third + reach
    distance = np.maximum(low - places, places - high)
    outliers = rows[[FILE_NAME, REAL_AGE]].assign(
        measure=values.name, value=values.astype("float64"), low=scale.back(low), high=scale.back(high)
    )
    # Rounded, as the last digits of the distances, and so the order, could differ between machines.
    order = outliers.assign(distance=distance.round(9))[distance > 0]
    order = order.sort_values(["distance", FILE_NAME], ascending=[False, True])
    return order.drop(columns="distance")
