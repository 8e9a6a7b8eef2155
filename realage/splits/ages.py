"""Ages in groups of ten years, and the years where those of face photos bunch."""

import numpy as np
import pandas as pd


def decade(ages: np.ndarray) -> np.ndarray:
    """First year of each age's decade, int64 (n,); everything from 90 on is one group."""
    return np.minimum(np.floor(np.asarray(ages, dtype="float64") / 10).astype("int64") * 10, 90)


def share_20_30(ages: pd.Series) -> float:
    """Share of `ages` (years) of people who would say that they are 20 to 30; NaN of none."""
    return float(np.floor(ages).between(20, 30).mean())


def decade_label(start: int) -> str:
    """'20-29' for 20, '90+' for 90."""
    return f"{start}-{start + 9}" if start < 90 else "90+"
