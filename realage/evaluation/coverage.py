"""How often calibrated intervals hold the real age, how wide they are, and whether a narrow one means a small error.

Only photos that did not calibrate the intervals judge them.
"""

from typing import Any

import numpy as np
import pandas as pd

from realage.core.columns import INTERVAL_PART, PERSON, PREDICTED_AGE, PREDICTED_HI, PREDICTED_LO, REAL_AGE
from realage.evaluation.intervals import interval_keys, share_interval
from realage.splits.ages import decade, decade_label
from realage.splits.calibration import JUDGING

SHARES = np.arange(5, 101) / 100  # of the photos, the surest first, in the table of the risk-coverage curve
FEWEST = 20  # photos; the MAE of fewer is too uncertain to be drawn


def add_coverage(metrics: dict[str, Any], predictions: pd.DataFrame, groups: dict[str, pd.Series]) -> None:
    """Add measures of the intervals to `metrics`, those of `metrics/evaluate.json`; nothing if there are no intervals.

    `predictions` has columns `split`, `person`, `real_age`, `predicted_age` and, if the model is calibrated,
    `predicted_lo`, `predicted_hi` (years) and `interval_part`; `groups` are the groups of its rows, by column. Each
    split gets the measures of `score_intervals` and `aurc`, each row of `by_decade` and `by_group` the former.
    """
    for split, rows in judging(predictions).groupby("split"):
        metrics[split] |= score_intervals(rows)
        metrics[split]["aurc"] = float(_risks(rows).mean())
        decades = pd.Series(decade(rows[REAL_AGE]), index=rows.index).map(decade_label)
        for row in metrics["by_decade"][split]:
            row |= score_intervals(rows[decades == row["decade"]])
        for row in metrics["by_group"][split]:
            row |= score_intervals(rows[groups[row["column"]][rows.index] == row["group"]])


def judging(predictions: pd.DataFrame) -> pd.DataFrame:
    """The rows of `predictions` whose intervals are judged; none if the model is not calibrated."""
    if INTERVAL_PART not in predictions:
        return predictions.iloc[:0]
    return predictions[predictions[INTERVAL_PART] == JUDGING]


def score_intervals(rows: pd.DataFrame) -> dict[str, float]:
    """Measures of the intervals of `rows`, from `judging`; empty if there are none.

    `coverage` is the share of real ages in their interval, ends included, of `coverage_n` photos, with the 95% interval
    of this share; `interval_width` is the mean width, in years.
    """
    if rows.empty:
        return {}
    covered = rows[REAL_AGE].between(rows[PREDICTED_LO], rows[PREDICTED_HI]).to_numpy()
    return {
        "coverage": float(covered.mean()),
        **interval_keys("coverage", share_interval(covered, rows[PERSON].to_numpy())),
        "coverage_n": len(rows),
        "interval_width": float(_widths(rows).mean()),
    }


def tabulate_risk(predictions: pd.DataFrame) -> pd.DataFrame:
    """The risk-coverage curve: MAE (years) of the surest photos, those with the narrowest intervals.

    Columns are `share` of the photos (0 to 1) and each split. Shares of fewer than FEWEST photos have no MAE. The mean
    over all numbers of photos is `aurc` (Geifman, Uziel & El-Yaniv 2019, ICLR).
    """
    curves = {}
    for split, rows in judging(predictions).groupby("split", sort=False):
        risks, photos = _risks(rows), np.ceil(SHARES * len(rows) - 1e-9).astype(int)
        curves[str(split)] = np.where(photos >= FEWEST, risks[photos - 1], np.nan)
    return pd.DataFrame({"share": SHARES, **curves})


def _risks(rows: pd.DataFrame) -> np.ndarray:
    """The MAE of the surest photo, the two surest, and so on, float (n,), years.

    Photos with equally wide intervals count with their mean, so that their order does not matter.
    """
    errors = (rows[PREDICTED_AGE] - rows[REAL_AGE]).abs()
    errors = errors.groupby(_widths(rows)).transform("mean").to_numpy()
    order = np.argsort(_widths(rows).to_numpy(), kind="stable")
    return np.cumsum(errors[order]) / np.arange(1, len(rows) + 1)


def _widths(rows: pd.DataFrame) -> pd.Series:
    return (rows[PREDICTED_HI] - rows[PREDICTED_LO]).round(6)  # so that equal widths are equal
