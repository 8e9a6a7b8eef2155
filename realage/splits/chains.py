"""Groups of things that pairs join."""

import numpy as np


def join_pairs(number: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return a group for each of `number` things, int (number,): in one group if a chain of pairs joins them.

    `left` and `right`, int (pairs,), are the two things of each pair, counted from 0.
    """
    # Imported late: it takes a third of a second, and most stages that import this package join nothing.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = coo_array((np.ones(len(left)), (left, right)), shape=(number, number))
    return connected_components(pairs, directed=False)[1]
