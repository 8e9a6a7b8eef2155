"""Labels and photos -> clean labels, a to-do list of rejected ones, and their counts."""

import hashlib
from pathlib import Path

import pandas as pd

from realage.command import run
from realage.dataset import DatasetParams
from realage.errors import UserError
from realage.files import write_csv, write_json
from realage.labels import RULES, Rejection, ValidateParams, check_rows, check_same_photo, read_labels
from realage.params import load
from realage.photos import PhotoError, find_photos, load_photo, map_photos, pixel_hash


def validate() -> None:
    """Write `data/labels/clean.csv`, `data/labels/rejected.csv` and `metrics/validate.json`."""
    dataset, params = load("dataset", DatasetParams), load("validate", ValidateParams)
    table = read_labels(Path(dataset.labels))
    photos = find_photos(Path(dataset.images))
    if not photos:
        raise UserError(f"{dataset.images}: no photos here: set dataset.images in params.yaml to their folder")

    rejections = check_rows(table, set(photos), params)
    clean = table.drop(index=list(rejections)).assign(real_age=lambda rows: rows["real_age"].astype(float))
    clean, broken = _look_at_photos(clean, Path(dataset.images), params)
    rejections |= broken
    twins = check_same_photo(clean)
    clean = clean.drop(index=list(twins))
    rejections |= twins

    rejected = [rejections[row] for row in sorted(rejections)] + _unlabelled(photos, table)
    write_csv(Path("data/labels/clean.csv"), clean)
    write_csv(Path("data/labels/rejected.csv"), pd.DataFrame(rejected, columns=Rejection._fields))
    write_json(Path("metrics/validate.json"), _counts(table, photos, clean, rejected))
    print(f"validate: {len(clean):,} clean rows, {len(rejected):,} rejected (listed in data/labels/rejected.csv)")
    _stop_if_too_many(rejected, clean, params)


def _look_at_photos(
    table: pd.DataFrame, images: Path, params: ValidateParams
) -> tuple[pd.DataFrame, dict[int, Rejection]]:
    """Add each photo's pixel hash as column `photo`; return that table and the rows whose photo is of no use."""

    def look(name: str) -> tuple[str, str]:
        try:
            pixels = load_photo(images / name)
        except PhotoError as error:
            return "unreadable_photo", f"{error}: replace the file"
        height, width = pixels.shape[:2]
        if min(height, width) < params.min_pixels:
            return "too_small", f"{width}x{height} pixels: needs {params.min_pixels} on its shorter side"
        return "photo", pixel_hash(pixels)

    findings = map_photos(look, table["file_name"], "validate photos")
    broken = {
        row.Index: Rejection(row.file_name, f"{row.real_age:g}", *finding)
        for row, finding in zip(table.itertuples(), findings)
        if finding[0] != "photo"
    }
    return table.assign(photo=[finding[1] for finding in findings]).drop(index=list(broken)), broken


def _unlabelled(photos: list[str], table: pd.DataFrame) -> list[Rejection]:
    unlabelled = sorted(set(photos) - set(table["file_name"]))
    return [Rejection(name, "", "unlabelled_photo", "no row names it: add its age or delete it") for name in unlabelled]


def _counts(table: pd.DataFrame, photos: list[str], clean: pd.DataFrame, rejected: list[Rejection]) -> dict:
    rules = [rejection.rule for rejection in rejected]
    return {
        "data_version": _data_version(clean),
        "rows": len(table),
        "photos": len(photos),
        "clean": len(clean),
        "rejected": len(rejected),
        "rejected_by_rule": {rule: rules.count(rule) for rule in RULES},
    }


def _data_version(clean: pd.DataFrame) -> str:
    """16 hexadecimal digits that change with any clean row's name, age or pixels, and with nothing else."""
    rows = sorted(f"{row.file_name},{row.real_age:g},{row.photo}\n" for row in clean.itertuples())
    return hashlib.blake2b("".join(rows).encode(), digest_size=8).hexdigest()


def _stop_if_too_many(rejected: list[Rejection], clean: pd.DataFrame, params: ValidateParams) -> None:
    if clean.empty:
        raise UserError("data/labels/rejected.csv lists every row: none is left to train on; mend the labels first")
    share = len(rejected) / (len(clean) + len(rejected))
    if rejected and params.on_reject == "fail":
        raise UserError(f"{len(rejected)} rows or photos rejected (see data/labels/rejected.csv): mend them, "
                        "or set validate.on_reject to quarantine")
    if share > params.max_rejected:
        raise UserError(f"{share:.1%} of rows and photos rejected (see data/labels/rejected.csv), more than "
                        f"validate.max_rejected allows ({params.max_rejected:.1%}): mend them, or raise the limit")


if __name__ == "__main__":
    run(validate)
