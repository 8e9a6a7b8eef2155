"""Whether a narrow interval means a small error: the risk-coverage curve, and the area below it."""

import numpy as np
import pandas as pd

from realage.core.columns import PERSON, PREDICTED_AGE, PREDICTED_HI, PREDICTED_LO, REAL_AGE
from realage.evaluation.intervals import interval_keys, mean_interval

SHARES = np.arange(5, 101) / 100  # of the photos, the surest first, in the table of the curve
FEWEST = 20  # photos; the MAE of fewer is too uncertain to be drawn


def score_risk(rows: pd.DataFrame) -> dict[str, float]:
    """Return `aurc`, the area below the risk-coverage curve of `rows` in years, with its 95% interval.

    It is the mean of the MAE of the surest photo, of the two surest, and so on (Geifman, Uziel & El-Yaniv 2019, ICLR).
    `rows`, at least one, have columns `person`, `real_age`, `predicted_age`, `predicted_lo` and `predicted_hi`. The
    interval is that of the mean of the photos' pseudo-values (Tukey 1958).
    """
    values = _pseudo_values(rows) if len(rows) > 1 else np.zeros(1)
    return {
        "aurc": float(_risks(rows).mean()),
        **interval_keys("aurc", mean_interval(values, rows[PERSON].to_numpy())),
    }


def tabulate_risk(judging: pd.DataFrame) -> pd.DataFrame:
    """The risk-coverage curve: MAE (years) of the surest photos, those with the narrowest intervals.

    `judging` are the rows that judge the intervals, with the columns of `score_risk` and `split`. Columns are `share`
    of the photos (0 to 1) and each split. Shares of fewer than FEWEST photos have no MAE.
    """
    curves = {}
    for split, rows in judging.groupby("split", sort=False):
        risks, photos = _risks(rows), np.ceil(SHARES * len(rows) - 1e-9).astype(int)
        curves[str(split)] = np.where(photos >= FEWEST, risks[photos - 1], np.nan)
    return pd.DataFrame({"share": SHARES, **curves})


def _risks(rows: pd.DataFrame) -> np.ndarray:
    """The MAE of the surest photo, the two surest, and so on, float (n,), years.

    Photos with equally wide intervals count with their mean, so that their order does not matter.
    """
    errors = _errors(rows).groupby(_widths(rows)).transform("mean").to_numpy()
    return np.cumsum(errors[_order(rows)]) / np.arange(1, len(rows) + 1)


def _pseudo_values(rows: pd.DataFrame) -> np.ndarray:
    """n times the area, less n - 1 times the area without the photo: float (n,), years, for n photos, at least 2."""
    count, order, risks = len(rows), _order(rows), _risks(rows)
    left = np.arange(1, count)  # photos in a sum from which a surer photo is left out
    before = np.concatenate([[0.0], np.cumsum(risks[:-1])])
    after = np.append(np.cumsum((risks[1:] * (left + 1) / left)[::-1])[::-1], 0.0)
    weight = np.append(np.cumsum((1 / left)[::-1])[::-1], 0.0)  # of the photo's own error in `after`
    places = pd.DataFrame({"others": before + after, "weight": weight}, index=rows.index[order])
    places = places.groupby(_widths(rows)).transform("mean").loc[rows.index]
    return (count * risks.mean() - places["others"] + places["weight"] * _errors(rows)).to_numpy()


def _errors(rows: pd.DataFrame) -> pd.Series:
    return (rows[PREDICTED_AGE] - rows[REAL_AGE]).abs()


def _widths(rows: pd.DataFrame) -> pd.Series:
    return (rows[PREDICTED_HI] - rows[PREDICTED_LO]).round(6)  # so that equal widths are equal


def _order(rows: pd.DataFrame) -> np.ndarray:
    return np.argsort(_widths(rows).to_numpy(), kind="stable")
