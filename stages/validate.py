"""Labels and the scan of the photos -> clean labels, the list of rejected rows and photos, and their counts."""

import sys
from pathlib import Path

import pandas as pd

from realage.core.columns import FILE_NAME
from realage.core.errors import UserError
from realage.core.files import from_parquet, write_csv, write_json, write_listing
from realage.core.params import load
from realage.core.paths import CLEAN, PHOTOS, REJECTED, metrics_file
from realage.labels.cleaning import clean_labels, reason_to_stop
from realage.labels.dataset import DatasetParams
from realage.labels.matching import with_real_names
from realage.labels.params import ValidateParams
from realage.labels.rules import RULES
from realage.labels.table import read_labels
from realage.runner.command import run
from realage.splits.versions import data_version


def validate() -> None:
    """Write `data/labels/clean.csv`, `data/labels/rejected.csv` and `metrics/validate.json`."""
    params = load("validate", ValidateParams)
    photos = from_parquet(PHOTOS.read_bytes(), str(PHOTOS))
    table = with_real_names(read_labels(Path(load("dataset", DatasetParams).labels)), photos[FILE_NAME])
    cleaned = clean_labels(table, photos, photos[FILE_NAME], params)
    clean, rejected, mistake = cleaned
    write_csv(CLEAN, clean)
    write_listing(REJECTED, rejected)
    write_json(metrics_file("validate"), _counts(table, photos, clean, rejected))
    reason = reason_to_stop(cleaned, params, listed=str(REJECTED))
    # Before anything is printed: with a closed standard output, printing ends the stage.
    if reason:
        raise UserError(reason)
    if mistake:
        print(f"validate: warning: {mistake}", file=sys.stderr)
    print(f"validate: {len(clean):,} clean rows, {len(rejected):,} rejected (listed in {REJECTED})")


def _counts(table: pd.DataFrame, photos: pd.DataFrame, clean: pd.DataFrame, rejected: pd.DataFrame) -> dict:
    by_rule = rejected["rule"].value_counts()
    return {
        "data_version": data_version(clean),
        "rows": len(table),
        "photos": len(photos),
        "clean": len(clean),
        "rejected": len(rejected),
        "rejected_by_rule": {rule: int(by_rule.get(rule, 0)) for rule in RULES},
    }


if __name__ == "__main__":
    run(validate)
