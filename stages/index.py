"""Splits and prepared photos -> for each split its photos, their ages, and the digests of their files."""

import pandas as pd

from realage.core.columns import PERCEPTUAL_HASH, PERSON, PHOTO, REAL_AGE
from realage.core.files import read_rows, write_csv
from realage.core.paths import CALIBRATION, CLEAN, INDEX, PREPARED_LIST, SPLITS
from realage.photos.prepared import DIGEST
from realage.runner.command import run
from realage.splits.assign import SPLIT_NAMES
from realage.splits.calibration import JUDGING, PART, calibration_parts


def index() -> None:
    """Write `data/index/train.csv`, `val.csv` and `test.csv`: columns `photo`, `real_age` (years) and `digest`.

    A split without photos has no rows. Photos of no split are in no index, so that adding them changes nothing.
    `calibration.csv` has the validation photos that calibrate the intervals, with columns `person` and `part`.
    """
    prepared = pd.read_csv(PREPARED_LIST, dtype=str)
    rows = read_rows(SPLITS).merge(prepared, on=PHOTO, validate="one_to_one")
    for split in SPLIT_NAMES:
        write_csv(INDEX / f"{split}.csv", rows.loc[rows["split"] == split, [PHOTO, REAL_AGE, DIGEST]])
    hashes = read_rows(CLEAN)[[PHOTO, PERCEPTUAL_HASH]]
    val = rows[rows["split"] == "val"].merge(hashes, on=PHOTO, validate="one_to_one")
    val = val.join(calibration_parts(val))
    write_csv(CALIBRATION, val.loc[val[PART] != JUDGING, [PHOTO, REAL_AGE, DIGEST, PERSON, PART]])
    print("index: " + ", ".join(f"{(rows['split'] == split).sum():,} {split}" for split in SPLIT_NAMES))


if __name__ == "__main__":
    run(index)
