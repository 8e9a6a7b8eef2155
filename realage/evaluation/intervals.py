"""95% intervals of means, of shares and of the largest gap between means: the rule for every interval of the project.

Photos of one person are alike, so an interval is over people. A person counts by their pseudo-value of the jackknife
(Tukey 1958), which is the photo's own value if everybody has one photo. Below MIN_PEOPLE there is no interval.
Simulations chose the rule and the number: tests/evaluation/test_intervals.py, docs/design.md.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

MIN_PEOPLE = 30  # by effective_people
SKEWNESS = 0.6  # share of the sample's skewness that is corrected: all of it is too much for symmetric heavy tails


class Interval(NamedTuple):
    """The ends of a 95% interval."""

    low: float
    high: float


def interval_keys(measure: str, interval: Interval | None) -> dict[str, float]:
    """Return the ends of the interval of `measure` by their keys in a metrics file; empty if there is none."""
    return {f"{measure}_ci95_lo": interval.low, f"{measure}_ci95_hi": interval.high} if interval else {}


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


def widest_share_interval(people: np.ndarray) -> float:
    """Return the width of `share_interval` for a share of one half, if photos of one person are not alike.

    It is the widest that so many people have. It depends on `people`, any (n,), alone, so a decision by it does not
    prefer any share. 1.0 if there are too few people for an interval.
    """
    effective = effective_people(people)
    if effective < MIN_PEOPLE:
        return 1.0
    ratio = _quantile(effective) ** 2 / effective
    return float(np.sqrt(ratio / (1 + ratio)))


def gap_interval(values: np.ndarray, people: np.ndarray, members: Sequence[np.ndarray]) -> Interval | None:
    """A 95% interval of the largest difference between the means of `values` in two groups; None below two groups.

    `values`, float (n,), and `people`, any (n,), have one element for each photo. `members`, each bool (n,), say which
    photos are in a group; a group needs MIN_PEOPLE. The differences of all pairs get intervals that hold together:
    Welch's t (1947), with the correction for skewness of `mean_interval`, and with Bonferroni's for the number of pairs
    (Dunn 1961, Multiple comparisons among means, JASA 56). The largest ends are those of the largest difference. So the
    interval allows for the choice of the two groups. The more the groups differ, the more often it covers the truth.
    """
    means = [_mean(values[chosen], people[chosen]) for chosen in members]
    pairs = list(combinations(means, 2))
    if not pairs:
        return None
    lows, highs = zip(*(_difference_interval(one, other, 0.05 / len(pairs)) for one, other in pairs))
    return Interval(max(0.0, max(lows), -min(highs)), max(max(highs), -min(lows)))


class _Mean(NamedTuple):
    """The mean of a group, with the people in it and each person's part in its error, any and float (people,)."""

    value: float
    people: np.ndarray
    errors: np.ndarray  # the sum of their squares is the variance of `value`
    effective: float  # effective_people


def _mean(values: np.ndarray, people: np.ndarray) -> _Mean:
    deviations = _deviations(values, people)
    errors = deviations / np.sqrt(len(deviations) * (len(deviations) - 1))
    return _Mean(float(np.mean(values)), np.unique(people), errors, effective_people(people))


def _difference_interval(one: _Mean, other: _Mean, outside: float) -> Interval:
    """The interval of `one` minus `other` that misses the true difference with probability `outside`."""
    difference = one.value - other.value
    person = np.unique(np.concatenate([one.people, other.people]), return_inverse=True)[1]
    errors = np.bincount(person, weights=np.concatenate([one.errors, -other.errors]))
    error = float(np.sqrt(np.sum(errors**2)))
    if error == 0:
        return Interval(difference, difference)
    first, second = (float(np.sum(mean.errors**2)) for mean in (one, other))
    freedom = (first + second) ** 2 / (first**2 / (one.effective - 1) + second**2 / (other.effective - 1))
    quantile, skewness = _quantile(freedom + 1, outside), SKEWNESS * float(np.sum((errors / error) ** 3))
    return Interval(difference - error * _skewed(quantile, skewness), difference - error * _skewed(-quantile, skewness))


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


def _quantile(people: float, outside: float = 0.05) -> float:
    """The quantile of Student's t for the mean over so many people, of which `outside` / 2 is beyond."""
    from scipy.special import stdtrit  # imported late: reading params does not need it

    return float(stdtrit(people - 1, 1 - outside / 2))


def _skewed(quantile: float, skewness: float) -> float:
    """The quantile of Student's t for values of a skewness, divided by the root of their number: Hall's inverse."""
    if abs(skewness) < 1e-6:
        return quantile
    return 3 / skewness * float(np.cbrt(1 + skewness * (quantile - skewness / 6)) - 1)
