"""The calibration of a model: a few numbers in its file, from which each prediction gets its interval."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from realage.network.archive import CALIBRATION_FILE, has_member, not_ours, open_archive, read_as

LEAST_SCALE = 0.1  # years; errors of 0 in calibration do not make an interval of no width

Years = Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)]
Factor = Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=-1e5, le=1e5, allow_inf_nan=False)]


class Scale(BaseModel):
    """The error that is to be expected of a prediction, in years.

    It is (`base` + `per_spread` · spread) · the factor at the predicted age. Between two `ages` the factor is
    interpolated, outside it is that of the nearest. A head without spread has `per_spread` None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: Years
    per_spread: Years | None
    ages: list[Years] = Field(min_length=1, max_length=1_000)
    factors: list[Factor]

    @model_validator(mode="after")
    def _check_factors(self) -> Self:
        if len(self.factors) != len(self.ages) or (np.diff(self.ages) <= 0).any():
            raise ValueError("ages have to rise, with one factor each")
        return self

    def of(self, answers: pd.DataFrame) -> np.ndarray:
        """Expected errors, float (n,), in years, of `answers` with columns `age` and perhaps `spread`, in years."""
        expected: np.ndarray | float = self.base
        if self.per_spread is not None:
            expected = self.base + self.per_spread * answers["spread"].to_numpy()
        return np.maximum(expected * np.interp(answers["age"], self.ages, self.factors), LEAST_SCALE)


class Calibration(BaseModel):
    """The interval of a prediction: from age + `low` · scale to age + `high` · scale, and not below 0 years.

    `low` and `high` are quantiles of (real age - predicted age) / scale on photos of `people` people, of whom each
    counts alike. Of the real ages at least (1 + `coverage`) / 2 are meant to be below the upper end, and as many above
    the lower end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    coverage: float = Field(gt=0, lt=1)
    low: Ratio
    high: Ratio
    scale: Scale
    photos: int = Field(ge=1)  # that `low` and `high` are from
    people: int = Field(ge=1)

    @model_validator(mode="after")
    def _check_ends(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self

    def intervals(self, answers: pd.DataFrame) -> pd.DataFrame:
        """Return `age_lo` and `age_hi`, float64 years, for each row of `answers`: `age` and perhaps `spread`, years.

        The table has the index of `answers`.
        """
        scale = self.scale.of(answers)
        ends = {"age_lo": answers["age"] + self.low * scale, "age_hi": answers["age"] + self.high * scale}
        return pd.DataFrame(ends, index=answers.index).clip(lower=0.0)

    def to_json(self) -> str:
        """The text for the model file; the same for the same calibration."""
        return self.model_dump_json(indent=2)


def read_calibration(path: Path, outputs: Collection[str]) -> Calibration | None:
    """Read the calibration from a model file; None if it has none, as files of earlier releases.

    `outputs` are the names of the model's outputs, `age` and perhaps `spread`. Raises UserError if the file is missing
    or not a model of this project, or if its calibration is damaged or for other outputs.
    """
    with open_archive(path) as archive:
        if not has_member(archive, CALIBRATION_FILE):
            return None
        calibration = read_as(archive, CALIBRATION_FILE, Calibration)
    if calibration.scale.per_spread is not None and "spread" not in outputs:
        raise not_ours(path, f"{CALIBRATION_FILE} in it: scale.per_spread: its network has no output 'spread'")
    return calibration
