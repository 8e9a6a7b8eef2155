"""Calibration by split conformal prediction, on photos that the model has not learnt from.

Papadopoulos et al. 2002 (Inductive Confidence Machines for Regression) and Lei et al. 2018 (JASA 113) divide each error
by the error that is expected of its prediction, so that intervals are narrow where the model is sure. What is expected
is learnt on other photos than the quantiles. The two ends have a quantile each (Romano et al. 2019, NeurIPS 32), as old
people are predicted too young more often than too old.

The guarantee: let the people who calibrate and a new person be drawn alike (exchangeable). Then a random photo of the
new person has its real age at or above the lower end, and at or below the upper end, with a probability of at least
(1 + coverage) / 2 each, so between both of at least `coverage`. Photos of one person are no independent draws. So every
person has the same weight, however many photos they have: Lee, Barber & Willett 2023 (arXiv:2306.06342). This is the
usual rule where each person has one photo. The guarantee is over all people together, not at each age.
"""

import math

import numpy as np
import pandas as pd

from realage.calibration.interval import LEAST_SCALE, Calibration, Scale

MIN_PEOPLE = 30  # for the quantiles; with fewer the coverage varies by more than 5 points (one standard deviation)
AGES = np.arange(0.0, 101.0, 5.0)  # years, at which the scale has a factor
BANDWIDTH = 5.0  # years, standard deviation of the kernel that averages over predicted ages
PRIOR = 10.0  # photos: so many of the mean error are mixed in at each age
DIGITS = 6


def least_people(coverage: float) -> int:
    """The fewest people whose quantiles allow for `coverage`, and at least MIN_PEOPLE."""
    return max(MIN_PEOPLE, math.ceil(round(2 / (1 - coverage) - 1, 9)))


def fit_scale(real: np.ndarray, answers: pd.DataFrame) -> Scale:
    """Learn what error is to be expected, from photos with ages `real`, float (n,), years.

    `answers` has a column `age`, and for a head that predicts a distribution `spread`, in years. The expected error is
    linear in the spread, corrected by a smooth factor of the predicted age.
    """
    error = np.maximum(np.abs(real - answers["age"].to_numpy()), LEAST_SCALE)
    base, per_spread = float(error.mean()), None
    expected = np.full(len(error), base)
    if "spread" in answers:
        spread = answers["spread"].to_numpy()
        base, per_spread = _line(spread, error)
        expected = np.maximum(base + per_spread * spread, LEAST_SCALE)
    weights = np.exp(-(((AGES[:, None] - answers["age"].to_numpy()) / BANDWIDTH) ** 2) / 2)
    factors = ((weights * (error / expected)).sum(axis=1) + PRIOR) / (weights.sum(axis=1) + PRIOR)
    return Scale(
        base=round(base, DIGITS),
        per_spread=None if per_spread is None else round(per_spread, DIGITS),
        ages=AGES.tolist(),
        factors=np.maximum(factors, 10**-DIGITS).round(DIGITS).tolist(),
    )


def calibrate(
    scale: Scale, real: np.ndarray, answers: pd.DataFrame, people: np.ndarray, coverage: float
) -> Calibration:
    """Take the quantiles of photos with ages `real`, float (n,), years, other photos than those of `scale`.

    `answers` are as in `fit_scale`; `people`, any (n,), says who is in each photo. Raises ValueError if there are fewer
    people than `least_people`.
    """
    count = len(np.unique(people))
    if count < least_people(coverage):
        raise ValueError(f"{count} people cannot calibrate intervals for a coverage of {coverage:g}")
    scores = (real - answers["age"].to_numpy()) / scale.of(answers)
    tail = (1 + coverage) / 2
    high, low = person_quantile(scores, people, tail), -person_quantile(-scores, people, tail)
    step = 10.0**-DIGITS
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    return Calibration(
        coverage=coverage,
        low=round(min(low, high), DIGITS),
        high=round(max(low, high), DIGITS),
        scale=scale,
        photos=len(scores),
        people=count,
    )


def person_quantile(scores: np.ndarray, people: np.ndarray, level: float) -> float:
    """The smallest of `scores`, float (n,), that a new person's score does not exceed with probability `level`.

    Each of K people has the weight 1 / (K + 1), divided among their photos; the rest is the new person's, whose score
    counts as infinite. With one photo each it is the score of rank ceil((K + 1) · level). Infinity if the people are
    too few. `people`, any (n,), says who is in each photo.
    """
    member = np.unique(people, return_inverse=True)[1]
    photos = np.bincount(member)
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(1 / photos[member[order]]) / (len(photos) + 1)
    place = int(np.searchsorted(reached, level - 1e-9))  # so that sums of weights that miss it by rounding reach it
    return float(scores[order[place]]) if place < len(scores) else math.inf


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Intercept and slope, neither below 0, of the line through `y` at `x`, floats (n,), by least squares."""
    from scipy.optimize import nnls  # imported late: predicting does not need it

    (intercept, slope), _ = nnls(np.stack([np.ones(len(x)), x], axis=1), y)
    return float(intercept), float(slope)
