"""Versions of the data: short hashes that show whether two models were evaluated on the same photos and labels."""

import hashlib

import pandas as pd

from realage.core.columns import FILE_NAME, PHOTO, REAL_AGE

HELD_OUT_VERSIONS = {"val": "val_version", "test": "test_version"}  # keys of metrics/split.json and evaluate.json
LINES_AT_ONCE = 100_000  # joined in memory


def data_version(clean: pd.DataFrame) -> str:
    """Return 16 hexadecimal digits that depend on the file names, ages and pixels of the clean rows only.

    `clean` has columns `file_name`, `real_age` (years) and `photo`.
    """
    return _digest(clean[FILE_NAME] + "," + _as_text(clean[REAL_AGE]) + "," + clean[PHOTO])


def split_version(rows: pd.DataFrame) -> str:
    """Return 16 hexadecimal digits that depend on the pixels and ages of a split's photos only.

    `rows` has columns `real_age` (years) and `photo`. File names and the order of rows do not matter.
    """
    return _digest(rows[PHOTO] + "," + _as_text(rows[REAL_AGE]))


def held_out_versions(table: pd.DataFrame) -> dict[str, str]:
    """Return `val_version`, and `test_version` if there is a test split.

    `table` has columns `real_age` (years), `photo` and `split`.
    """
    parts = {key: table[table["split"] == split] for split, key in HELD_OUT_VERSIONS.items()}
    return {key: split_version(rows) for key, rows in parts.items() if len(rows)}


def _digest(lines: pd.Series) -> str:
    """Return the BLAKE2b digest with 64 bits of `lines`, dtype str, with line ends, sorted by code points."""
    digest = hashlib.blake2b(digest_size=8)
    lines = (lines.astype("str") + "\n").sort_values()
    for start in range(0, len(lines), LINES_AT_ONCE):
        digest.update("".join(lines.iloc[start : start + LINES_AT_ONCE]).encode())
    return digest.hexdigest()


def _as_text(ages: pd.Series) -> pd.Series:
    return ages.map({age: f"{age:g}" for age in ages.unique()}).astype("str")
