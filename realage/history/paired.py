"""Paired comparison of two models: their errors on the same photos, photo by photo."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from realage.core.columns import PREDICTED_AGE, REAL_AGE

RESAMPLES = 10_000
MIN_PHOTOS = 10  # fewer give no useful bootstrap interval of the difference


class Paired(NamedTuple):
    """The change of the MAE in years, on photos that both models scored with the same label; negative is better.

    `low` and `high` are the 95% interval of the difference.
    """

    photos: int
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """`better`, `worse`, `the same` to the last digit, or `cannot tell`."""
        if self.low == self.high == 0:
            return "the same"
        if self.high < 0:
            return "better"
        return "worse" if self.low > 0 else "cannot tell"


def same_photos(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Photos with the same label in both tables: `photo`, `real_age`, `predicted_age_before` and `_after`, in years.

    Each table has columns `photo`, `real_age` and `predicted_age`, years. A relabelled photo is left out, as its two
    errors are measured from two ages.
    """
    columns = ["photo", REAL_AGE, PREDICTED_AGE]
    both = before[columns].merge(after[columns], on=["photo", REAL_AGE], suffixes=("_before", "_after"))
    return both.sort_values("photo", ignore_index=True)  # so that the bootstrap does not depend on file names


def compare_errors(photos: pd.DataFrame, seed: int = 1) -> Paired | None:
    """The change of the mean absolute error on `photos`, from `same_photos`; None for fewer than MIN_PHOTOS.

    The interval is a percentile bootstrap (Efron & Tibshirani 1993) of the paired differences. Most of a photo's error
    is common to both models and cancels, so far smaller differences can be seen than between two intervals of the MAE.
    """
    if len(photos) < MIN_PHOTOS:
        return None
    errors = (photos[f"predicted_age_{when}"].sub(photos[REAL_AGE]).abs() for when in ("before", "after"))
    before, after = (error.to_numpy() for error in errors)
    difference = after - before
    if not difference.any():
        return Paired(len(photos), 0.0, 0.0, 0.0)
    interval = bootstrap(
        (difference,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=100,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Paired(len(photos), float(difference.mean()), float(interval.low), float(interval.high))
