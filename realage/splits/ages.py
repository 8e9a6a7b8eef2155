"""Decades of age, and the share of photos of people aged 20 to 30."""

import numpy as np
import pandas as pd


def decade(ages: np.ndarray) -> np.ndarray:
    """Return the first year of each age's decade, int64 (n,). Ages from 90 on are one group."""
    return np.minimum(np.floor(np.asarray(ages, dtype="float64") / 10).astype("int64") * 10, 90)


def share_20_30(ages: pd.Series) -> float:
    """Return the share of `ages` (years, rounded down) from 20 to 30; NaN if there are none."""
    return float(np.floor(ages).between(20, 30).mean())


def decade_label(start: int) -> str:
    """Return the label of a decade: '20-29' for 20, '90+' for 90."""
    return f"{start}-{start + 9}" if start < 90 else "90+"
