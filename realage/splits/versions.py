"""Versions of the data: short hashes that tell whether two models were judged on the same photos and labels."""

import pandas as pd

from realage.core.digests import short_digest

HELD_OUT_VERSIONS = {"val": "val_version", "test": "test_version"}  # keys of metrics/split.json and evaluate.json


def data_version(clean: pd.DataFrame) -> str:
    """16 hexadecimal digits that change with any clean row's name, age or pixels, and with nothing else.

    `clean` has columns `file_name`, `real_age` (years) and `photo`.
    """
    rows = sorted(f"{row.file_name},{row.real_age:g},{row.photo}\n" for row in clean.itertuples())
    return short_digest("".join(rows))


def split_version(rows: pd.DataFrame) -> str:
    """16 hexadecimal digits that change with the photos of a split and their ages, and with nothing else.

    `rows` has columns `real_age` (years) and `photo`. What the files are called and how they are ordered is no matter.
    """
    return short_digest("".join(sorted(f"{row.photo},{row.real_age:g}\n" for row in rows.itertuples())))


def held_out_versions(table: pd.DataFrame) -> dict[str, str]:
    """`val_version`, and `test_version` where there is a test split; `table` has a column `split` too."""
    parts = {key: table[table["split"] == split] for split, key in HELD_OUT_VERSIONS.items()}
    return {key: split_version(rows) for key, rows in parts.items() if len(rows)}
