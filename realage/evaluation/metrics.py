"""Measures of a model's errors in years: those of NIST FATE AEV and ISO/IEC 27566."""

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from realage.core.columns import FILE_NAME, NEAR_DUPLICATE_OF, REAL_AGE, SUBJECT
from realage.core.params import Section
from realage.splits.ages import decade

IDENTIFIERS = (FILE_NAME, REAL_AGE, SUBJECT, "photo", NEAR_DUPLICATE_OF)  # columns that identify photos or people
MIN_FOR_INTERVAL = 5  # photos; fewer give no useful bootstrap interval


class EvaluateParams(Section):
    """Section `evaluate`."""

    groups: list[str]  # columns of the label file, such as gender, by which errors are reported
    resamples: int = Field(ge=100, le=100_000)  # bootstrap resamples per interval
    seed: int = Field(ge=0)

    @field_validator("groups")
    @classmethod
    def _check_groups(cls, groups: list[str]) -> list[str]:
        for column in groups:
            if column in IDENTIFIERS or groups.count(column) > 1:
                raise ValueError(f"'{column}' is listed twice or is no group: name columns such as gender, once each")
        return groups


def score(real: np.ndarray, predicted: np.ndarray, params: EvaluateParams) -> dict[str, float]:
    """All measures of one split; `real` and `predicted` are float (n,) in years.

    `bias` is the mean of predicted - real; `cs5` the share within 5 years; `balanced_mae` the mean of the decades'
    MAEs, so that rare ages count as much as common ones; `r2` is left out where all real ages are equal.
    """
    error = predicted - real
    spread = float(np.sum((real - real.mean()) ** 2))
    return {
        **_mae_and_bias(error, params),
        "median_ae": float(np.median(np.abs(error))),
        "rmse": float(np.sqrt(np.mean(error**2))),
        **({"r2": 1 - float(np.sum(error**2)) / spread} if spread else {}),
        **{f"cs{years}": float(np.mean(np.abs(error) <= years)) for years in (3, 5, 10)},
        "balanced_mae": float(pd.Series(np.abs(error)).groupby(decade(real)).mean().mean()),
    }


def score_groups(
    real: np.ndarray, predicted: np.ndarray, groups: np.ndarray, params: EvaluateParams
) -> list[tuple[Any, dict[str, float]]]:
    """(group, its `n`, `mae` with interval, and `bias`) for each value in `groups`, any (n,), in sorted order."""
    error = predicted - real
    return [(group, _mae_and_bias(error[groups == group], params)) for group in sorted(set(groups.tolist()))]


def _mae_and_bias(error: np.ndarray, params: EvaluateParams) -> dict[str, float]:
    return {
        "n": len(error),
        "mae": float(np.mean(np.abs(error))),
        **_interval(np.abs(error), params),
        "bias": float(np.mean(error)),
    }


def _interval(absolute_error: np.ndarray, params: EvaluateParams) -> dict[str, float]:
    """A 95% percentile bootstrap interval of the mean (Efron & Tibshirani 1993); empty for too few photos."""
    if len(absolute_error) < MIN_FOR_INTERVAL:
        return {}
    from scipy.stats import bootstrap  # imported late: it takes a second, and reading params does not need it

    interval = bootstrap(
        (absolute_error,),
        np.mean,
        n_resamples=params.resamples,
        batch=100,
        confidence_level=0.95,
        method="percentile",
        rng=np.random.default_rng(params.seed),
    ).confidence_interval
    return {"mae_ci95_lo": float(interval.low), "mae_ci95_hi": float(interval.high)}
