"""Compares the distribution of a measure in new photos with that in the training photos."""

from typing import NamedTuple

import numpy as np

ALPHA = 0.01  # probability that photos of the same kind raise an alarm by any of their measures
LEAST_PSI = 0.1  # a smaller change is no alarm, however certain: Siddiqi 2006, "Credit Risk Scorecards"
DRAWS = 20_000  # pairs of samples, for p-values
SEED = 1


class Change(NamedTuple):
    """How a distribution has changed.

    `psi` is the population stability index, 0 for no change. `p` is the probability of so large a difference between
    two samples of the same kind.
    """

    psi: float
    p: float

    def is_drift(self, measures: int) -> bool:
        """Whether the change is both large and no chance, when so many measures are compared (Bonferroni)."""
        return self.psi >= LEAST_PSI and self.p <= ALPHA / measures


def compare_counts(training: np.ndarray, new: np.ndarray) -> Change:
    """Compare counts of training photos and of new ones in the same parts, int (parts,) each.

    The p-value is that of the chi-square test of homogeneity, from samples that are drawn: parts may be nearly empty,
    where the chi-square distribution is not exact.
    """
    training, new = np.asarray(training), np.asarray(new)
    pooled = (training + new) / (training.sum() + new.sum())
    random = np.random.default_rng(SEED)
    drawn = _chi_square(random.multinomial(training.sum(), pooled, DRAWS), random.multinomial(new.sum(), pooled, DRAWS))
    found = _chi_square(training[None], new[None])[0]
    return Change(_psi(training, new), float((np.sum(drawn >= found - 1e-9) + 1) / (DRAWS + 1)))


def _chi_square(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The statistic, float (n,), of counts (n, parts) of two samples."""
    ratio = np.sqrt(second.sum(axis=1, keepdims=True) / first.sum(axis=1, keepdims=True))
    both = np.maximum(first + second, 1)
    return ((ratio * first - second / ratio) ** 2 / both).sum(axis=1)


def _psi(training: np.ndarray, new: np.ndarray) -> float:
    """The index, with half a photo more in each part, so that an empty one does not make it infinite."""
    expected, found = ((counts + 0.5) / (counts + 0.5).sum() for counts in (training, new))
    return float(((found - expected) * np.log(found / expected)).sum())
