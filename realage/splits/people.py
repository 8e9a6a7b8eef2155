"""Photos that must stay together: those of one person, and near-duplicates."""

import numpy as np
import pandas as pd

from realage.core.columns import PERCEPTUAL_HASH
from realage.splits.chains import join_pairs
from realage.splits.near_duplicates import group_near_duplicates
from realage.splits.subjects import identities


def people_apart(rows: pd.DataFrame) -> np.ndarray:
    """Return a number for each row, int (n,), equal where a chain of subjects and near-duplicates joins two photos.

    `rows` has columns `photo` and `perceptual_hash`, and optionally `subject`.
    """
    person, picture = pd.factorize(identities(rows))[0], group_near_duplicates(rows[PERCEPTUAL_HASH])
    people = person.max() + 1
    return join_pairs(people + picture.max() + 1, person, people + picture)[person]
