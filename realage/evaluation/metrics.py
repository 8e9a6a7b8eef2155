"""Measures of a model's errors in years: those of NIST FATE AEV and ISO/IEC 27566."""

from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from realage.core.columns import FILE_NAME, NEAR_DUPLICATE_OF, REAL_AGE, SUBJECT
from realage.core.params import Section
from realage.evaluation.condition import Conditions
from realage.evaluation.gates import BUFFER
from realage.evaluation.intervals import interval_keys, mean_interval, share_interval
from realage.splits.ages import decade

IDENTIFIERS = (FILE_NAME, REAL_AGE, SUBJECT, "photo", NEAR_DUPLICATE_OF)  # columns that identify photos or people
UNUSED = ("resamples", "seed")  # keys of release 0.1, which drew its intervals at random
Threshold = Annotated[int, Field(ge=1, le=100)]  # years


class EvaluateParams(Section):
    """Section `evaluate`."""

    groups: list[str]  # columns of the label file, such as gender, by which errors are reported
    promotion_margin: float = Field(default=0.3, ge=0)  # years; see project/promote.py
    thresholds: list[Threshold] = [13, 16, 18, 21, 25]  # years, at which `gates` are judged
    challenge_ages: int = Field(default=12, ge=BUFFER, le=60)  # years above a threshold, up to which the table goes
    promotion_conditions: Conditions = Field(default_factory=list)
    coverage: float = Field(default=0.9, ge=0.5, le=0.99)  # share of real ages that intervals are meant to hold
    repeatability_photos: int = Field(default=0, ge=0)  # validation photos that are changed; see repeatability.py

    @model_validator(mode="before")
    @classmethod
    def _drop_unused(cls, values: Any) -> Any:
        return {key: values[key] for key in values if key not in UNUSED} if isinstance(values, dict) else values

    @field_validator("groups")
    @classmethod
    def _check_groups(cls, groups: list[str]) -> list[str]:
        for column in groups:
            if column in IDENTIFIERS or groups.count(column) > 1:
                raise ValueError(f"'{column}' is listed twice or is no group: name columns such as gender, once each")
        return groups

    @field_validator("thresholds")
    @classmethod
    def _check_thresholds(cls, thresholds: list[int]) -> list[int]:
        if thresholds != sorted(set(thresholds)):
            raise ValueError("list each age once, the youngest first")
        return thresholds


def score(real: np.ndarray, predicted: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """All measures of one split; `real` and `predicted` are float (n,) in years.

    `people`, any (n,), says who is in each photo: intervals are over people, see `intervals`. `bias` is the mean of
    predicted - real; `cs5` the share within 5 years; `balanced_mae` the mean of the decades' MAEs, so that rare ages
    count as much as common ones; `r2` is left out where all real ages are equal.
    """
    error = predicted - real
    spread = float(np.sum((real - real.mean()) ** 2))
    return {
        **_mae_and_bias(error, people),
        "median_ae": float(np.median(np.abs(error))),
        "rmse": float(np.sqrt(np.mean(error**2))),
        **({"r2": 1 - float(np.sum(error**2)) / spread} if spread else {}),
        **_shares_within(np.abs(error), people),
        "balanced_mae": float(pd.Series(np.abs(error)).groupby(decade(real)).mean().mean()),
    }


def score_groups(
    real: np.ndarray, predicted: np.ndarray, groups: np.ndarray, people: np.ndarray
) -> list[tuple[Any, dict[str, float]]]:
    """(group, its `n`, `mae` with interval, and `bias`) for each value in `groups`, any (n,), in sorted order."""
    error = predicted - real
    members = [(group, groups == group) for group in sorted(set(groups.tolist()))]
    return [(group, _mae_and_bias(error[chosen], people[chosen])) for group, chosen in members]


def _mae_and_bias(error: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """`n` photos, of so many `people` if some have several, with `mae` and `bias` in years."""
    count = len(np.unique(people))
    return {
        "n": len(error),
        **({"people": count} if count < len(error) else {}),
        "mae": float(np.mean(np.abs(error))),
        **interval_keys("mae", mean_interval(np.abs(error), people)),
        "bias": float(np.mean(error)),
    }


def _shares_within(absolute_error: np.ndarray, people: np.ndarray) -> dict[str, float]:
    shares: dict[str, float] = {}
    for years in (3, 5, 10):
        within = absolute_error <= years
        shares |= {f"cs{years}": float(within.mean()), **interval_keys(f"cs{years}", share_interval(within, people))}
    return shares
