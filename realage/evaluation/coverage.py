"""How often calibrated intervals hold the real age, and how wide they are.

Only photos that did not calibrate the intervals judge them.
"""

from typing import Any

import pandas as pd

from realage.core.columns import INTERVAL_PART, PERSON, PREDICTED_HI, PREDICTED_LO, REAL_AGE
from realage.evaluation.groups import cross_groups
from realage.evaluation.intervals import interval_keys, share_interval
from realage.evaluation.risk import score_risk
from realage.splits.ages import decade, decade_label
from realage.splits.calibration import JUDGING


def add_coverage(metrics: dict[str, Any], predictions: pd.DataFrame, groups: dict[str, pd.Series]) -> None:
    """Add measures of the intervals to `metrics`, those of `metrics/evaluate.json`; nothing if there are no intervals.

    `predictions` has columns `split`, `person`, `real_age`, `predicted_age` and, if the model is calibrated,
    `predicted_lo`, `predicted_hi` (years) and `interval_part`; `groups` are the groups of its rows, by column. Each
    split gets the measures of `score_intervals` and `score_risk`, each row of the breakdowns by decade, by group and by
    crossing the former.
    """
    breakdowns = {"by_group": groups, "by_crossing": cross_groups(groups)}
    for split, rows in judging(predictions).groupby("split"):
        metrics[split] |= score_intervals(rows) | score_risk(rows)
        decades = pd.Series(decade(rows[REAL_AGE]), index=rows.index).map(decade_label)
        for row in metrics["by_decade"][split]:
            row |= score_intervals(rows[decades == row["decade"]])
        for name, of in breakdowns.items():
            for row in metrics[name][split]:
                row |= score_intervals(rows[of[row["column"]][rows.index] == row["group"]])


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
        "interval_width": float((rows[PREDICTED_HI] - rows[PREDICTED_LO]).mean()),
    }
