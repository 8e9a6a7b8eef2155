"""Folds of photos for cross-validation: a person, with all near-duplicates of their photos, is in one fold."""

import numpy as np
import pandas as pd

from realage.core.errors import UserError
from realage.splits.people import people_apart
from realage.splits.subjects import identities, position_of


def assign_folds(rows: pd.DataFrame, folds: int) -> np.ndarray:
    """Return the fold of each row, int (n,), from 0 to `folds` - 1; folds have equal numbers of people, give or take 1.

    `rows` has columns `photo` and `perceptual_hash`, and optionally `subject`. Their order does not matter, nor do
    their ages. Raises UserError if there are fewer people than folds.
    """
    people = people_apart(rows)
    names = identities(rows).groupby(people).min()
    if len(names) < folds:
        raise UserError(f"--folds {folds}: the photos show only {len(names)} people: ask for fewer folds")
    order = names.map(lambda name: position_of(f"suspects:{name}")).rank(method="first").astype(int) - 1
    return order.loc[people].to_numpy() % folds
