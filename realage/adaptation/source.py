"""The labelled photos of a new source, read by the pipeline's own rules."""

import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from realage.core.columns import FILE_NAME, PHOTO
from realage.core.errors import UserError, printable
from realage.labels.cleaning import clean_labels, reason_to_stop
from realage.labels.lookup import places_of
from realage.labels.matching import with_real_names
from realage.labels.params import ValidateParams
from realage.labels.table import read_labels
from realage.photos.framing import frame_photo
from realage.photos.names import find_photos, find_strays, why_unsafe
from realage.photos.parallel import map_photos
from realage.photos.params import PrepareParams
from realage.photos.scan import COLUMNS, load_validated, scan_photos
from realage.splits.people import people_apart

LISTED = 10  # rejected rows that are printed


class Source(NamedTuple):
    """Usable photos of a source: clean `rows`, as from `clean_labels`, `pixels`, and `people`.

    `pixels`, uint8 RGB (n, size, size, 3), are framed for the model. `people`, int (n,), are equal for photos of one
    `subject` and for near-duplicates. Photos are in the order of their pixel hashes.
    """

    rows: pd.DataFrame
    pixels: np.ndarray
    people: np.ndarray


def read_source(labels: Path, images: Path, prepare: PrepareParams, params: ValidateParams) -> Source:
    """Read the photos in folder `images` that `labels` names, and frame them as `prepare` says.

    Rejected rows are printed on stderr. Raises UserError if the labels are not valid, and for what stops stage
    `validate`. A photo without a row is no error.
    """
    rows = _clean_rows(labels, images, prepare.max_megapixels, params)
    rows = rows.sort_values(PHOTO, ignore_index=True)
    frame = partial(_frame, images, prepare)
    pixels = list(map_photos(frame, zip(rows[FILE_NAME], rows[PHOTO]), "prepare photos"))
    return Source(rows, np.stack(pixels), people_apart(rows))


def _clean_rows(labels: Path, images: Path, max_megapixels: int, params: ValidateParams) -> pd.DataFrame:
    names = pd.Series(find_photos(images), dtype="str")
    if names.empty:
        raise UserError(f"{images}: no photos in this folder")
    table = with_real_names(read_labels(labels), names)
    wanted = names[places_of(names, table[FILE_NAME]) >= 0].tolist()
    unsafe = why_unsafe(wanted, find_strays(images, wanted))
    scan = scan_photos(images, unsafe, wanted, pd.DataFrame(columns=COLUMNS), max_megapixels)
    cleaned = clean_labels(table, scan.astype({FILE_NAME: "str", "rule": "str", "detail": "str"}), names, params)
    _print_rejected(cleaned.rejected)
    reason = reason_to_stop(cleaned, params, listed=str(labels))
    if reason:
        raise UserError(reason)
    return cleaned.clean


def _print_rejected(rejected: pd.DataFrame) -> None:
    for name, rule, detail in rejected[[FILE_NAME, "rule", "detail"]].head(LISTED).itertuples(index=False, name=None):
        print(f"adapt: rejected: {printable(name)}: {rule}: {printable(detail)}", file=sys.stderr)
    if len(rejected) > LISTED:
        print(f"adapt: rejected: {len(rejected) - LISTED:,} more", file=sys.stderr)


def _frame(images: Path, prepare: PrepareParams, photo: tuple[str, str]) -> np.ndarray:
    name, pixel_hash = photo
    return frame_photo(load_validated(images / name, pixel_hash, prepare.max_megapixels), prepare).pixels
