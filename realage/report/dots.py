"""Which held-out photos the page draws as dots, and which dots show their photo."""

import numpy as np
import pandas as pd

from realage.core.columns import PREDICTED_AGE, REAL_AGE
from realage.splits.assign import HELD_OUT

MOST_DOTS = 1500  # of a split: more would make the page large and its dots one cloud
THUMBNAILS = 400
CROWD = 4  # years: the more photos in a square of this side, the fainter each one


def pick_dots(predictions: pd.DataFrame) -> pd.DataFrame:
    """The rows of `data/predictions.csv` to draw, at most MOST_DOTS of each split, evenly picked.

    Columns `error` (predicted - real, years), `opacity` (0 to 1) and `thumbnail` are added: the THUMBNAILS largest
    errors are numbered from 0, the largest first, the others have -1.
    """
    held_out = predictions[predictions["split"].isin(HELD_OUT)]
    parts = [part.iloc[_evenly(len(part))] for _, part in held_out.groupby("split")]
    dots = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    dots = dots.assign(error=dots[PREDICTED_AGE] - dots[REAL_AGE], opacity=0.8, thumbnail=-1)
    crowd = dots.groupby([dots["split"], dots[REAL_AGE] // CROWD, dots[PREDICTED_AGE] // CROWD])["error"]
    dots["opacity"] = (1.2 / np.sqrt(crowd.transform("size"))).clip(0.15, 0.8).round(2)
    largest = dots["error"].abs().sort_values(ascending=False, kind="stable").index[:THUMBNAILS]
    dots.loc[largest, "thumbnail"] = range(len(largest))
    return dots


def _evenly(count: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(count, MOST_DOTS)).round().astype(int)
