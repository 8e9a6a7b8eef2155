"""Who is in which photo: photos of one person are no independent evidence, so intervals count people.

The numbers are in Git, in `plots/evaluate/predicted.csv`. They are no hashes: a hash of a name can be guessed.
"""

import numpy as np
import pandas as pd

from realage.splits.subjects import identities


def number_people(rows: pd.DataFrame) -> np.ndarray:
    """Return the number of each row's person, int64 (n,): 1, 2, 3, ... in order of first appearance.

    `rows` has a column `photo`, and optionally `subject`. A photo without a known subject is a person of its own.
    """
    return pd.factorize(identities(rows))[0] + 1
