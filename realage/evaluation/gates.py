"""Age gates: what a model costs at an age where a decision falls, such as 18.

At a gate with threshold T and challenge age C, people whom the model puts at C or older pass, and all others are asked
for proof of age. A false positive is a person younger than T who passes. A false negative is a person of T or older
who is asked for proof. The rates are those of NIST FATE AEV (Hanaoka et al. 2024, NIST IR 8525) and of ISO/IEC 27566-1.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from realage.core.columns import PERSON, PREDICTED_AGE, REAL_AGE
from realage.evaluation.intervals import interval_keys, share_interval, widest_share_interval
from realage.splits.assign import HELD_OUT

BUFFER = 7  # years from a threshold to the challenge age of the metrics file, as in Challenge 25 for the threshold 18
# The widest that an interval may be, whatever the rate: with fewer people than that takes (42) a rate is not known to
# within 15 points, which says too little about a decision.
WIDEST = 0.3
COUNTS = ["n_younger", "n_older"]
RATES = [f"{rate}{end}" for rate in ("fpr", "fnr") for end in ("", "_ci95_lo", "_ci95_hi")]


def score_gates(
    real: np.ndarray, predicted: np.ndarray, people: np.ndarray, thresholds: Sequence[int]
) -> dict[str, dict[str, float]]:
    """Return the rates of `score_gate` for each threshold, by its digits, at BUFFER years above it."""
    return {str(years): score_gate(real, predicted, people, years, years + BUFFER) for years in thresholds}


def score_gate(
    real: np.ndarray, predicted: np.ndarray, people: np.ndarray, threshold: int, challenge: int
) -> dict[str, float]:
    """Return the false-positive rate `fpr` and the false-negative rate `fnr` of a gate (0 to 1), with 95% intervals.

    `real` and `predicted` are float (n,) in years, `threshold` and `challenge` are years; `people`, any (n,), says who
    is in each photo. `fpr` is the share of the `n_younger` photos of people younger than `threshold` whose prediction
    is `challenge` or more; `fnr` the share of the `n_older` other photos whose prediction is less. A rate is left out
    where people are so few that an interval may be wider than WIDEST: the choice does not depend on the predictions.
    """
    younger, passes = real < threshold, predicted >= challenge
    return {
        "challenge": challenge,
        "n_younger": int(younger.sum()),
        "n_older": int((~younger).sum()),
        **_rate("fpr", passes[younger], people[younger]),
        **_rate("fnr", ~passes[~younger], people[~younger]),
    }


def tabulate_gates(held_out: pd.DataFrame, thresholds: Sequence[int], years: int) -> pd.DataFrame:
    """The rates of `score_gate` at each challenge age from the threshold to `years` above it, NaN where left out.

    `held_out` has columns `split`, `real_age`, `predicted_age` and `person`. Columns are `split`, `threshold`,
    `challenge`, COUNTS and RATES; rows are in the order of these columns.
    """
    gates = []
    for split in [name for name in HELD_OUT if name in set(held_out["split"])]:
        rows = held_out[held_out["split"] == split]
        real, predicted, people = (rows[column].to_numpy() for column in (REAL_AGE, PREDICTED_AGE, PERSON))
        gates += [
            {"split": split, "threshold": threshold, **score_gate(real, predicted, people, threshold, challenge)}
            for threshold in thresholds
            for challenge in range(threshold, threshold + years + 1)
        ]
    return pd.DataFrame(gates, columns=["split", "threshold", "challenge", *COUNTS, *RATES])


def _rate(name: str, hits: np.ndarray, people: np.ndarray) -> dict[str, float]:
    if widest_share_interval(people) > WIDEST:
        return {}
    return {name: float(np.mean(hits)), **interval_keys(name, share_interval(hits, people))}
