"""Ages in groups of ten years."""

import numpy as np


def decade(ages: np.ndarray) -> np.ndarray:
    """First year of each age's decade, int64 (n,); everything from 90 on is one group."""
    return np.minimum(np.floor(np.asarray(ages, dtype="float64") / 10).astype("int64") * 10, 90)


def decade_label(start: int) -> str:
    """'20-29' for 20, '90+' for 90."""
    return f"{start}-{start + 9}" if start < 90 else "90+"
