"""Labels and photos -> clean labels, a to-do list of rejected ones, and their counts."""

import hashlib
from functools import partial
from pathlib import Path

import pandas as pd

from realage.command import run
from realage.dataset import DatasetParams
from realage.errors import UserError
from realage.files import write_csv, write_json
from realage.labels import (
    RULES,
    Finding,
    Rejection,
    ValidateParams,
    check_rows,
    check_same_photo,
    check_unsafe_photos,
    read_labels,
    to_do_list,
)
from realage.near_duplicates import perceptual_hash
from realage.parallel import map_photos
from realage.params import load
from realage.photo_names import find_clashes, find_photos, find_strays
from realage.photos import PhotoError, load_photo, pixel_hash
from realage.recorded import cache_folder

LOOK = ["rule", "detail", "photo", "perceptual_hash"]


def validate() -> None:
    """Write `data/labels/clean.csv`, `data/labels/rejected.csv` and `metrics/validate.json`."""
    dataset, params = load("dataset", DatasetParams), load("validate", ValidateParams)
    labels, images = Path(dataset.labels), Path(dataset.images)
    table, photos = read_labels(labels), find_photos(images) if images.is_dir() else []
    if not photos:
        raise UserError(f"{images}: no photos here: set dataset.images in params.yaml to their folder")

    findings = check_rows(table, set(photos), params)
    findings |= check_unsafe_photos(table, _why_unsafe(images, photos))
    clean = table.drop(index=list(findings)).astype({"real_age": float})
    clean, broken = _look_at_photos(clean, images, params)
    twins = check_same_photo(clean)
    clean = clean.drop(index=list(twins))

    unlabelled = set(photos) - set(table["file_name"])
    rejected = to_do_list(table, findings | broken | twins, unlabelled)
    write_csv(Path("data/labels/clean.csv"), clean)
    write_csv(Path("data/labels/rejected.csv"), pd.DataFrame(rejected, columns=Rejection._fields))
    write_json(Path("metrics/validate.json"), _counts(table, photos, clean, rejected))
    print(f"validate: {len(clean):,} clean rows, {len(rejected):,} rejected (listed in data/labels/rejected.csv)")
    _stop_if_too_many(rejected, clean, params)


def _why_unsafe(images: Path, photos: list[str]) -> dict[str, str]:
    """Why a photo must not be opened or cannot be kept, by name, for those of which this can be said."""
    strays = find_strays(images, photos)
    # With `cache.type symlink` every photo is a link into DVC's cache. Asking where that is takes a second.
    cache = cache_folder() if strays else None
    strays = [name for name, target in strays.items() if not (cache and target.is_relative_to(cache.resolve()))]
    clashes = find_clashes(photos)
    return {
        **{name: "a link that leaves the photos' folder: put the photo itself there" for name in strays},
        **{name: f"differs from {other} in case or Unicode form only, and some systems cannot keep both: rename one"
           for name, other in clashes.items()},
    }  # fmt: skip


def _look_at_photos(
    table: pd.DataFrame, images: Path, params: ValidateParams
) -> tuple[pd.DataFrame, dict[int, Finding]]:
    """Add the columns `photo` and `perceptual_hash`; return that table and findings for photos that are of no use."""
    look = partial(_look, images, params.min_pixels)
    seen = pd.DataFrame(list(map_photos(look, table["file_name"], "validate photos")), table.index, LOOK)
    broken = {row.Index: Finding(row.rule, row.detail) for row in seen[seen["rule"] != ""].itertuples()}
    return table.join(seen[["photo", "perceptual_hash"]]).drop(index=list(broken)), broken


def _look(images: Path, min_pixels: int, name: str) -> tuple[str, str, str, str]:
    """What LOOK names: why a photo is of no use, or the hashes of its pixels; the others are empty."""
    try:
        pixels = load_photo(images / name)
    except PhotoError as error:
        return "unreadable_photo", f"{error}: replace the file", "", ""
    height, width = pixels.shape[:2]
    if min(height, width) < min_pixels:
        advice = f"{width}x{height} pixels, and its shorter side needs {min_pixels}: replace it by a larger one"
        return "too_small", advice, "", ""
    return "", "", pixel_hash(pixels), perceptual_hash(pixels)


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
