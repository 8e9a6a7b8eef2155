"""Look up texts in columns of millions of rows: Arrow's hash tables need a fraction of the memory of Python's."""

import numpy as np
import pandas as pd


def places_of(texts: pd.Series, among: pd.Series) -> np.ndarray:
    """Return the position in `among` of each of `texts`, int64 (n,), or -1 if it is not there.

    Both are of dtype str. If a text is in `among` several times, the position is that of the first.
    """
    import pyarrow.compute  # late, as in core.files

    places = pyarrow.compute.index_in(_array(texts), value_set=_array(among))
    return places.fill_null(-1).to_numpy().astype("int64")


def counts_of(texts: pd.Series) -> np.ndarray:
    """Return how often each of `texts` (dtype str, n) occurs among them, int64 (n,)."""
    codes, _ = pd.factorize(texts)
    return np.bincount(codes)[codes] if len(codes) else np.zeros(0, "int64")


def _array(texts: pd.Series):  # a pyarrow array
    import pyarrow

    return pyarrow.array(texts.array, type=pyarrow.large_string())
