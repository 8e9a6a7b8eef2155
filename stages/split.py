"""Clean labels -> the same rows with a split each, and what each split holds."""

from pathlib import Path

import pandas as pd

from realage.command import run
from realage.files import read_rows, write_csv, write_json
from realage.params import load
from realage.splits import SPLITS, SplitParams, assign_splits


def split() -> None:
    """Write `data/labels/splits.csv` and `metrics/split.json`."""
    params = load("split", SplitParams)
    table = read_rows(Path("data/labels/clean.csv"))
    if "split" in table.columns and params.strategy != "column":
        print(f"split: the labels' own column 'split' is not used, since split.strategy is '{params.strategy}'")
    table["split"] = assign_splits(table, params)
    write_csv(Path("data/labels/splits.csv"), table)
    write_json(Path("metrics/split.json"), {name: _describe(table[table["split"] == name]) for name in SPLITS})
    print("split: " + ", ".join(f"{(table['split'] == name).sum():,} {name}" for name in SPLITS))


def _describe(rows: pd.DataFrame) -> dict[str, float]:
    """Number of photos, and mean and standard deviation of their ages in years."""
    if len(rows) < 2:
        return {"n": len(rows)}
    return {"n": len(rows), "age_mean": float(rows["real_age"].mean()), "age_sd": float(rows["real_age"].std())}


if __name__ == "__main__":
    run(split)
