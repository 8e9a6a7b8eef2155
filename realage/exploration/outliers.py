"""Photos unlike the others: too dark, too blurred, too large to be of one kind with the rest."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from realage.core.columns import FILE_NAME, REAL_AGE

# 3, Tukey's own "far out", leaves out real photos in which hardly a face is to be seen; 1.5, his "outside", lists seven
# in a thousand photos of any normal sample.
FENCE = 2.2  # interquartile ranges
# Where nearly all photos are equal, the fences must not close in on differences that nobody sees.
LEAST_RANGE = 0.1  # interquartile range on a scale below; on a logarithm, a tenth of the value


class Scale(NamedTuple):
    """A scale on which a measure spreads evenly to both sides, both ways; float (n,) to float (n,)."""

    spread: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]


def _between_0_and(top: float) -> Scale:
    # Half a level is added at both ends, so that black and white themselves have a place on the scale.
    return Scale(lambda value: logit((value + 0.5) / (top + 1)), lambda place: expit(place) * (top + 1) - 0.5)


RATIO = Scale(np.log, np.exp)
RATIO_FROM_0 = Scale(np.log1p, np.expm1)
SCALES = {
    "shorter_side": RATIO,
    "proportions": RATIO,
    "brightness": _between_0_and(255),
    "contrast": _between_0_and(127.5),  # the standard deviation of levels that are half black and half white
    "sharpness": RATIO_FROM_0,
    "colorfulness": RATIO_FROM_0,
}


def find_outliers(rows: pd.DataFrame, measures: pd.DataFrame) -> pd.DataFrame:
    """Every photo that lies beyond the fences of a measure, with the measure's value and fences.

    `rows` has `file_name` and `real_age`, `measures` the columns of SCALES in their units and the same index. Columns
    are `file_name`, `real_age`, `measure`, `value`, `low`, `high`, the index is that of `rows`; sorted by measure, the
    farthest out first. A photo stands once for each measure that it is far out in.

    The fences stand 2.2 interquartile ranges below the first and above the third quartile (Tukey 1977, with the
    factor of Hoaglin & Iglewicz 1987, "Fine-tuning some resistant rules for outlier labeling"): of normally
    distributed values, about one in 4,000 lies beyond. Light and size are not normally distributed, but skewed: the
    fences are drawn on logarithms, and for levels between black and white on their log-odds.
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
    # Distances that differ in a last digit alone would be told apart on one machine and not on another.
    order = outliers.assign(distance=distance.round(9))[distance > 0]
    order = order.sort_values(["distance", FILE_NAME], ascending=[False, True])
    return order.drop(columns="distance")
