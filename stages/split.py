"""Clean labels -> the same rows with their split, near-duplicates of different age, and a summary of each split."""

import sys

import pandas as pd

from realage.core.columns import PERCEPTUAL_HASH, REAL_AGE
from realage.core.files import read_rows, write_csv, write_json, write_listing
from realage.core.params import load
from realage.core.paths import CLEAN, CONFLICTING_AGES, SPLITS, metrics_file
from realage.runner.command import run
from realage.splits.assign import (
    EXCLUDED,
    SPLIT_NAMES,
    SplitParams,
    assign_splits,
    require_enough,
    set_near_duplicates_aside,
    unjudged_decades,
    warnings,
)
from realage.splits.near_duplicates import conflicting_ages, group_near_duplicates
from realage.splits.versions import held_out_versions


def split() -> None:
    """Write `data/labels/splits.csv`, `data/labels/conflicting_ages.csv` and `metrics/split.json`."""
    params = load("split", SplitParams)
    clean = read_rows(CLEAN)
    if "split" in clean.columns and params.strategy != "column":
        print(f"split: the labels' own column 'split' is not used, since split.strategy is '{params.strategy}'")
    groups = group_near_duplicates(clean[PERCEPTUAL_HASH])
    table = set_near_duplicates_aside(clean, assign_splits(clean, params), groups).drop(columns=PERCEPTUAL_HASH)
    require_enough(table["split"], params)
    unjudged, conflicting = unjudged_decades(table), conflicting_ages(table, groups)

    write_csv(SPLITS, table)
    write_listing(CONFLICTING_AGES, conflicting)
    write_json(metrics_file("split"), {
        **held_out_versions(table),
        **{name: _describe(table[table["split"] == name]) for name in SPLIT_NAMES},
        EXCLUDED: int((table["split"] == EXCLUDED).sum()),
        "near_duplicate_groups": int((pd.Series(groups).value_counts() > 1).sum()),
        "unjudged_decades": unjudged,
    })  # fmt: skip
    print("split: " + ", ".join(f"{(table['split'] == name).sum():,} {name}" for name in (*SPLIT_NAMES, EXCLUDED)))
    alone = [f"ages {ages} (photos: {photos:,}) are in training only: their error is not measured"
             for ages, photos in unjudged.items()]
    for warning in (*warnings(table, params), *alone):
        print(f"split: warning: {warning}", file=sys.stderr)
    if len(conflicting):
        print(f"split: {len(conflicting):,} photos have near-duplicates of another age (listed in {CONFLICTING_AGES}): "
              "find out which age is right")


def _describe(rows: pd.DataFrame) -> dict[str, float]:
    """Return the number of photos, and mean and standard deviation of their ages in years."""
    if len(rows) < 2:
        return {"n": len(rows)}
    return {"n": len(rows), "age_mean": float(rows[REAL_AGE].mean()), "age_sd": float(rows[REAL_AGE].std())}


if __name__ == "__main__":
    run(split)
