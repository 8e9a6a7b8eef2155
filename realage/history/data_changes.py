"""Differences between two versions of the data. A photo is identified by its pixels, not by its file name."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from realage.core.columns import FILE_NAME, REAL_AGE
from realage.splits.ages import share_20_30

CHANGES = ("added", "removed", "renamed", "relabelled", "moved")  # moved: to another split
VALUES = [FILE_NAME, REAL_AGE, "split"]


def changed_photos(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """One row for each photo that differs between two tables (`file_name`, `real_age`, `photo`, `split`), by file name.

    Columns: `change` (of CHANGES, joined with '+' where there are several), `photo`, and `file_name`, `real_age`
    (years) and `split` twice, with `_before` and `_after`; missing values are None or NaN.
    """
    pairs = _numbered(before).merge(
        _numbered(after), how="outer", on=["photo", "copy"], suffixes=("_before", "_after"), indicator="found"
    )
    both = pairs["found"] == "both"
    changes = pd.DataFrame(
        {
            "added": pairs["found"] == "right_only",
            "removed": pairs["found"] == "left_only",
            "renamed": both & (pairs["file_name_before"] != pairs["file_name_after"]),
            "relabelled": both & (pairs["real_age_before"] != pairs["real_age_after"]),
            "moved": both & (pairs["split_before"] != pairs["split_after"]),
        }
    )
    words = ["+".join(change for change, holds in zip(CHANGES, row) if holds) for row in changes.to_numpy()]
    pairs = pairs.assign(change=words, name=pairs["file_name_after"].fillna(pairs["file_name_before"]))
    pairs = pairs[changes.any(axis="columns")].sort_values(["name", "photo", "copy"], ignore_index=True)
    return pairs[["change", "photo", *(f"{value}_{when}" for value in VALUES for when in ("before", "after"))]]


def with_change(changed: pd.DataFrame, change: str) -> pd.DataFrame:
    """The rows of `changed_photos` whose changes include `change`, one of CHANGES."""
    return changed[np.array([change in words.split("+") for words in changed["change"]], dtype=bool)]


def set_differences(changed: pd.DataFrame, split: str) -> dict[str, int]:
    """Numbers of photos `added` to, `removed` from and `relabelled` in `split`; these change an error measured on it.

    File names make no difference.
    """
    was, is_now = changed["split_before"] == split, changed["split_after"] == split
    relabelled = changed["real_age_before"] != changed["real_age_after"]
    differences = {"added": ~was & is_now, "removed": was & ~is_now, "relabelled": was & is_now & relabelled}
    return {change: int(rows.sum()) for change, rows in differences.items()}


def age_figures(ages: pd.Series) -> dict[str, float | None]:
    """`n`, and of ages in years `age_mean`, `age_median`, `age_sd` and `share_20_30`; None if there are too few."""
    figures = {
        "age_mean": ages.mean(),
        "age_median": ages.median(),
        "age_sd": ages.std(),
        "share_20_30": share_20_30(ages),
    }
    return {"n": len(ages)} | {name: None if pd.isna(value) else round(value, 6) for name, value in figures.items()}


def in_order(known: Iterable[str], *columns: pd.Series) -> list[str]:
    """The distinct values in `columns`: those in `known`, in its order, then any others, sorted."""
    held = set().union(*columns)
    known = [value for value in known if value in held]
    return known + sorted(held - set(known))


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    """Number rows of the same pixels, so that each matches at most one other row; no clean table has such rows."""
    table = table[["photo", *VALUES]].sort_values(["photo", *VALUES])
    return table.assign(copy=table.groupby("photo").cumcount())
