"""Labels and the scan of the photos -> clean labels, the list of rejected rows and photos, and their counts."""

from pathlib import Path

import pandas as pd

from realage.core.columns import FILE_NAME, PERCEPTUAL_HASH, PHOTO, REAL_AGE
from realage.core.errors import UserError
from realage.core.files import from_parquet, write_csv, write_json, write_listing
from realage.core.params import load
from realage.core.paths import CLEAN, PHOTOS, REJECTED, metrics_file
from realage.labels.dataset import DatasetParams
from realage.labels.rules import (
    RULES,
    Rejection,
    ValidateParams,
    check_photos,
    check_rows,
    check_same_photo,
    check_unsafe_photos,
    to_do_list,
)
from realage.labels.table import read_labels
from realage.runner.command import run
from realage.splits.versions import data_version


def validate() -> None:
    """Write `data/labels/clean.csv`, `data/labels/rejected.csv` and `metrics/validate.json`."""
    params = load("validate", ValidateParams)
    table = read_labels(Path(load("dataset", DatasetParams).labels))
    photos = from_parquet(PHOTOS.read_bytes(), str(PHOTOS)).set_index(FILE_NAME)

    findings = check_rows(table, set(photos.index), params)
    findings |= check_unsafe_photos(table, photos)
    findings |= check_photos(table.drop(index=list(findings)), photos, params)
    clean = table.drop(index=list(findings)).astype({REAL_AGE: float})
    clean = clean.join(photos[[PHOTO, PERCEPTUAL_HASH]], on=FILE_NAME)
    twins = check_same_photo(clean)
    clean = clean.drop(index=list(twins))

    unlabelled = set(photos.index) - set(table[FILE_NAME])
    rejected = to_do_list(table, findings | twins, unlabelled)
    write_csv(CLEAN, clean)
    write_listing(REJECTED, pd.DataFrame(rejected, columns=Rejection._fields))
    write_json(metrics_file("validate"), _counts(table, photos, clean, rejected))
    print(f"validate: {len(clean):,} clean rows, {len(rejected):,} rejected (listed in {REJECTED})")
    _stop_if_too_many(rejected, clean, params)


def _counts(table: pd.DataFrame, photos: pd.DataFrame, clean: pd.DataFrame, rejected: list[Rejection]) -> dict:
    rules = [rejection.rule for rejection in rejected]
    return {
        "data_version": data_version(clean),
        "rows": len(table),
        "photos": len(photos),
        "clean": len(clean),
        "rejected": len(rejected),
        "rejected_by_rule": {rule: rules.count(rule) for rule in RULES},
    }


def _stop_if_too_many(rejected: list[Rejection], clean: pd.DataFrame, params: ValidateParams) -> None:
    if clean.empty:
        raise UserError(f"{REJECTED}: every row was rejected: correct the labels")
    share = len(rejected) / (len(clean) + len(rejected))
    if rejected and params.on_reject == "fail":
        raise UserError(f"{len(rejected)} rows or photos rejected (see {REJECTED}): correct them, "
                        "or set validate.on_reject to quarantine")
    if share > params.max_rejected:
        raise UserError(f"{share:.1%} of rows and photos rejected (see {REJECTED}), more than "
                        f"validate.max_rejected allows ({params.max_rejected:.1%}): correct them, or raise the limit")


if __name__ == "__main__":
    run(validate)
