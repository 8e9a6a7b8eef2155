"""Clean labels -> the same rows with a split each, and what each split holds."""

from pathlib import Path

import pandas as pd

from realage.command import run
from realage.files import read_rows, write_csv, write_json
from realage.near_duplicates import group_near_duplicates
from realage.params import load
from realage.splits import (
    EXCLUDED,
    SPLITS,
    SplitParams,
    assign_splits,
    require_enough,
    set_near_duplicates_aside,
    unjudged_decades,
)


def split() -> None:
    """Write `data/labels/splits.csv` and `metrics/split.json`."""
    params = load("split", SplitParams)
    clean = read_rows(Path("data/labels/clean.csv"))
    if "split" in clean.columns and params.strategy != "column":
        print(f"split: the labels' own column 'split' is not used, since split.strategy is '{params.strategy}'")
    groups = group_near_duplicates(clean["perceptual_hash"])
    table = set_near_duplicates_aside(clean, assign_splits(clean, params), groups).drop(columns="perceptual_hash")
    require_enough(table["split"], params)
    unjudged = unjudged_decades(table)

    write_csv(Path("data/labels/splits.csv"), table)
    write_json(Path("metrics/split.json"), {
        **{name: _describe(table[table["split"] == name]) for name in SPLITS},
        EXCLUDED: int((table["split"] == EXCLUDED).sum()),
        "near_duplicate_groups": int((pd.Series(groups).value_counts() > 1).sum()),
        "unjudged_decades": unjudged,
    })  # fmt: skip
    print("split: " + ", ".join(f"{(table['split'] == name).sum():,} {name}" for name in (*SPLITS, EXCLUDED)))
    for ages, photos in unjudged.items():
        print(f"split: warning: ages {ages} (photos: {photos:,}) are in training only: nobody will see the error there")


def _describe(rows: pd.DataFrame) -> dict[str, float]:
    """Number of photos, and mean and standard deviation of their ages in years."""
    if len(rows) < 2:
        return {"n": len(rows)}
    return {"n": len(rows), "age_mean": float(rows["real_age"].mean()), "age_sd": float(rows["real_age"].std())}


if __name__ == "__main__":
    run(split)
