"""Labels and the scan of the photos -> clean labels, the list of rejected rows and photos, and their counts."""

import sys
from pathlib import Path

import pandas as pd

from realage.core.columns import FILE_NAME, PERCEPTUAL_HASH, PHOTO, REAL_AGE
from realage.core.errors import UserError
from realage.core.files import from_parquet, write_csv, write_json, write_listing
from realage.core.params import load
from realage.core.paths import CLEAN, PHOTOS, REJECTED, metrics_file
from realage.labels.dataset import DatasetParams
from realage.labels.lookup import places_of
from realage.labels.matching import MEANT, photos_meant, widespread_mistake, with_real_names
from realage.labels.rules import (
    RULES,
    ValidateParams,
    check_photos,
    check_rows,
    check_same_photo,
    check_unsafe_photos,
    first_of,
    overrule,
    point_to_photos,
    to_do_list,
    without,
)
from realage.labels.table import read_labels
from realage.runner.command import run
from realage.splits.versions import data_version


def validate() -> None:
    """Write `data/labels/clean.csv`, `data/labels/rejected.csv` and `metrics/validate.json`."""
    params = load("validate", ValidateParams)
    photos = from_parquet(PHOTOS.read_bytes(), str(PHOTOS))
    table = with_real_names(read_labels(Path(load("dataset", DatasetParams).labels)), photos[FILE_NAME])
    meant = photos_meant(table[FILE_NAME], photos[FILE_NAME])

    findings = overrule(check_rows(table, photos[FILE_NAME], params), check_unsafe_photos(table, photos))
    findings = first_of(findings, check_photos(without(table, findings), photos, params))
    clean = without(table, findings).astype({REAL_AGE: float})
    looks = photos.take(places_of(clean[FILE_NAME], photos[FILE_NAME])).set_axis(clean.index)
    clean = clean.assign(**looks[[PHOTO, PERCEPTUAL_HASH]])
    twins = check_same_photo(clean)
    clean = without(clean, twins)

    findings = first_of(point_to_photos(findings, table, meant), twins)
    named = pd.concat([table[FILE_NAME], meant[MEANT]])
    rejected = to_do_list(table, findings, photos[FILE_NAME][places_of(photos[FILE_NAME], named) < 0])
    mistake = widespread_mistake(table, meant, photos[FILE_NAME])
    write_csv(CLEAN, clean)
    write_listing(REJECTED, rejected)
    write_json(metrics_file("validate"), _counts(table, photos, clean, rejected))
    reason = _reason_to_stop(rejected, clean, params)
    # Before anything is printed: with a closed standard output, printing ends the stage.
    if reason:
        raise UserError(f"{mistake} ({reason})" if mistake else f"{reason}; {_most_frequent(rejected)}")
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


def _reason_to_stop(rejected: pd.DataFrame, clean: pd.DataFrame, params: ValidateParams) -> str:
    """Return why the pipeline must not go on with these labels, and what to do; '' if it may."""
    if clean.empty:
        return f"{REJECTED}: every row was rejected: correct the labels"
    share = len(rejected) / (len(clean) + len(rejected))
    if len(rejected) and params.on_reject == "fail":
        return (f"{len(rejected)} rows or photos rejected (see {REJECTED}): correct them, "
                "or set validate.on_reject to quarantine")
    if share > params.max_rejected:
        return (f"{share:.1%} of rows and photos rejected (see {REJECTED}), more than "
                f"validate.max_rejected allows ({params.max_rejected:.1%}): correct them, or raise the limit")
    return ""


def _most_frequent(rejected: pd.DataFrame) -> str:
    """Return the rule that most of `rejected` break, with the first of them."""
    counts = rejected["rule"].value_counts()
    first = rejected[rejected["rule"] == counts.index[0]].iloc[0]
    return f"most frequent: {counts.index[0]} ({counts.iloc[0]:,}), such as {first[FILE_NAME]}: {first['detail']}"


if __name__ == "__main__":
    run(validate)
