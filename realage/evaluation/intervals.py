"""95% intervals of means and of shares: the rule for every interval of the project.

Photos of one person are alike, so an interval is over people. A person counts by their pseudo-value of the jackknife
(Tukey 1958), which is the photo's own value if everybody has one photo. Below MIN_PEOPLE there is no interval.
Simulations chose the rule and the number: tests/evaluation/test_intervals.py, docs/design.md.
"""

from typing import NamedTuple

import numpy as np

MIN_PEOPLE = 30  # by effective_people
SKEWNESS = 0.6  # share of the sample's skewness that is corrected: all of it is too much for symmetric heavy tails


class Interval(NamedTuple):
    """The ends of a 95% interval."""

    low: float
    high: float


def effective_people(people: np.ndarray) -> float:
    """The number of people in `people`, any (n,), if all have equally many photos, and fewer otherwise (Kish 1965)."""
    photos = np.unique(people, return_counts=True)[1]
    return float(np.sum(photos) ** 2 / np.sum(photos**2)) if len(photos) else 0.0


def mean_interval(values: np.ndarray, people: np.ndarray) -> Interval | None:
    """A 95% interval of the mean of `values`, float (n,), one for each photo; None for too few people.

    `people`, any (n,), says who is in each photo. Student's t with Hall's correction for skewness (Hall 1992, On the
    removal of skewness by transformation, JRSS B 54), as absolute errors are skewed.
    """
    effective = effective_people(people)
    if effective < MIN_PEOPLE:
        return None
    mean, deviations = float(np.mean(values)), _deviations(values, people)
    spread, count = float(np.sqrt(np.mean(deviations**2))), len(deviations)
    if spread == 0:
        return Interval(mean, mean)
    skewness = SKEWNESS * float(np.mean((deviations / spread) ** 3)) / np.sqrt(count)
    error, quantile = spread / np.sqrt(count - 1), _quantile(effective)
    return Interval(mean - error * _skewed(quantile, skewness), mean - error * _skewed(-quantile, skewness))


def share_interval(hits: np.ndarray, people: np.ndarray) -> Interval | None:
    """A 95% interval of the share of True in `hits`, bool (n,), one for each photo; None for too few people.

    `people`, any (n,), says who is in each photo. Wilson's score interval (1927) with the quantile of Student's t and
    the number of photos divided by the design effect (Korn & Graubard 1998), which says how alike a person's photos
    are.
    """
    effective = effective_people(people)
    if effective < MIN_PEOPLE:
        return None
    share = float(np.mean(hits))
    ratio = _quantile(effective) ** 2 / _independent_photos(hits.astype("float64"), people)
    middle = (share + ratio / 2) / (1 + ratio)
    half = float(np.sqrt(ratio * (share * (1 - share) + ratio / 4))) / (1 + ratio)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def _independent_photos(hits: np.ndarray, people: np.ndarray) -> float:
    """How many photos of as many people would tell as much of the share of 1 in `hits`, 0 or 1 (n,)."""
    simple_variance = float(np.var(hits)) / len(hits)
    if simple_variance == 0:
        return effective_people(people)
    deviations = _deviations(hits, people)
    design_effect = float(np.mean(deviations**2)) / len(deviations) / simple_variance
    return len(hits) / max(1.0, design_effect)


def _deviations(values: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Each person's pseudo-value less the mean of `values`, float (number of people,)."""
    member = np.unique(people, return_inverse=True)[1]
    photos = np.bincount(member)
    sums = np.bincount(member, weights=values - np.mean(values))
    return (len(photos) - 1) * sums / (len(values) - photos)


def _quantile(people: float) -> float:
    """The 97.5% quantile of Student's t for the mean over so many people."""
    from scipy.special import stdtrit  # imported late: reading params does not need it

    return float(stdtrit(people - 1, 0.975))


def _skewed(quantile: float, skewness: float) -> float:
    """The quantile of Student's t for values of a skewness, divided by the root of their number: Hall's inverse."""
    if abs(skewness) < 1e-6:
        return quantile
    return 3 / skewness * float(np.cbrt(1 + skewness * (quantile - skewness / 6)) - 1)
