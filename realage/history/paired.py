"""Paired comparison of two models: their errors on the same photos, photo by photo."""

from typing import NamedTuple

import pandas as pd

from realage.core.columns import PERSON, PHOTO, PREDICTED_AGE, REAL_AGE
from realage.evaluation.intervals import mean_interval


class Paired(NamedTuple):
    """The change of the MAE in years, on photos that both models scored with the same label; negative is better.

    `low` and `high` are the 95% interval of the difference, over `people`.
    """

    photos: int
    people: int
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """`better`, `worse`, `the same` to the last digit, or `cannot tell`."""
        return "the same" if self.low == self.high == 0 else verdict_of(self.low, self.high)


def verdict_of(low: float, high: float) -> str:
    """What the 95% interval of a change of the MAE says: `better`, `worse`, or `cannot tell` if it contains 0."""
    if high < 0:
        return "better"
    return "worse" if low > 0 else "cannot tell"


def same_photos(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Photos with the same label in both tables: `photo`, `person`, `real_age`, `predicted_age_before` and `_after`.

    Each table has columns `photo`, `person`, `real_age` and `predicted_age`, years. A relabelled photo is left out, as
    its two errors are measured from two ages. The tables number people each in their own way; the people are those of
    the table that has fewer, as the other one lacks some names.
    """
    columns = [PHOTO, PERSON, REAL_AGE, PREDICTED_AGE]
    both = before[columns].merge(after[columns], on=[PHOTO, REAL_AGE], suffixes=("_before", "_after"))
    person = min((f"{PERSON}_after", f"{PERSON}_before"), key=lambda column: both[column].nunique())
    both = both.assign(**{PERSON: both[person]}).drop(columns=[f"{PERSON}_before", f"{PERSON}_after"])
    return both.sort_values(PHOTO, ignore_index=True)  # so that no last digit depends on file names


def compare_errors(photos: pd.DataFrame) -> Paired | None:
    """The change of the mean absolute error on `photos`, from `same_photos`; None for too few people.

    The interval is that of the mean of the paired differences. Most of a photo's error is common to both models and
    cancels, so far smaller differences can be seen than between two intervals of the MAE.
    """
    before, after = (photos[f"{PREDICTED_AGE}_{when}"].sub(photos[REAL_AGE]).abs() for when in ("before", "after"))
    difference, people = (after - before).to_numpy(), photos[PERSON].to_numpy()
    interval = mean_interval(difference, people)
    if interval is None:
        return None
    return Paired(len(photos), photos[PERSON].nunique(), float(difference.mean()), interval.low, interval.high)
