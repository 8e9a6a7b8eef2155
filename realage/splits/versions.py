"""Versions of the data: short hashes that show whether two models were evaluated on the same photos and labels."""

import pandas as pd

from realage.core.digests import short_digest

HELD_OUT_VERSIONS = {"val": "val_version", "test": "test_version"}  # keys of metrics/split.json and evaluate.json


def data_version(clean: pd.DataFrame) -> str:
    """Return 16 hexadecimal digits that depend on the file names, ages and pixels of the clean rows only.

    `clean` has columns `file_name`, `real_age` (years) and `photo`.
    """
    rows = sorted(f"{row.file_name},{row.real_age:g},{row.photo}\n" for row in clean.itertuples())
    return short_digest("".join(rows))


def split_version(rows: pd.DataFrame) -> str:
    """Return 16 hexadecimal digits that depend on the pixels and ages of a split's photos only.

    `rows` has columns `real_age` (years) and `photo`. File names and the order of rows do not matter.
    """
    return short_digest("".join(sorted(f"{row.photo},{row.real_age:g}\n" for row in rows.itertuples())))


def held_out_versions(table: pd.DataFrame) -> dict[str, str]:
    """Return `val_version`, and `test_version` if there is a test split.

    `table` has columns `real_age` (years), `photo` and `split`.
    """
    parts = {key: table[table["split"] == split] for split, key in HELD_OUT_VERSIONS.items()}
    return {key: split_version(rows) for key, rows in parts.items() if len(rows)}
