"""Splits and prepared photos -> for each split its photos, their ages, and the digests of their files."""

import pandas as pd

from realage.core.columns import PHOTO, REAL_AGE
from realage.core.files import read_rows, write_csv
from realage.core.paths import INDEX, PREPARED_LIST, SPLITS
from realage.photos.prepared import DIGEST
from realage.runner.command import run
from realage.splits.assign import SPLIT_NAMES


def index() -> None:
    """Write `data/index/train.csv`, `val.csv` and `test.csv`: columns `photo`, `real_age` (years) and `digest`.

    A split without photos has no rows. Photos of no split are in no index, so that adding them changes nothing.
    """
    prepared = pd.read_csv(PREPARED_LIST, dtype=str)
    rows = read_rows(SPLITS).merge(prepared, on=PHOTO, validate="one_to_one")
    for split in SPLIT_NAMES:
        write_csv(INDEX / f"{split}.csv", rows.loc[rows["split"] == split, [PHOTO, REAL_AGE, DIGEST]])
    print("index: " + ", ".join(f"{(rows['split'] == split).sum():,} {split}" for split in SPLIT_NAMES))


if __name__ == "__main__":
    run(index)
