"""`labels.csv`, read as text: one row per photo."""

import re
from collections import Counter
from itertools import takewhile
from pathlib import Path

import pandas as pd

from realage.core.columns import (
    FILE_NAME,
    NEAR_DUPLICATE_OF,
    PERCEPTUAL_HASH,
    PREDICTED_AGE,
    PREDICTED_SPREAD,
    REAL_AGE,
)
from realage.core.errors import UserError

REQUIRED_COLUMNS = [FILE_NAME, REAL_AGE]
OUR_COLUMNS = ["photo", PERCEPTUAL_HASH, NEAR_DUPLICATE_OF, PREDICTED_AGE, PREDICTED_SPREAD]  # added by stages
MAX_LABEL_BYTES = 500_000_000  # about ten million rows; a larger file is not a label file and could exhaust the memory


def read_labels(path: Path) -> pd.DataFrame:
    """Read a label file: one row per photo, every cell a string without surrounding white space.

    The index is the row number in a spreadsheet, where the header is row 1. Empty rows are skipped.
    Raises UserError if it is missing, not a file, empty, too large, not UTF-8, not CSV, or its header is not valid.
    """
    cells = _read_cells(path)
    cells = cells[(cells != "").any(axis="columns")]
    cells = cells.loc[:, (cells != "").any(axis="rows")]
    if cells.empty:
        raise UserError(f"{path}: is empty: add the header 'file_name,real_age' and a row for each photo")
    header = list(cells.iloc[0])
    _require_columns(path, header)
    if len(cells) == 1:
        raise UserError(f"{path}: has a header but no rows: add a row 'file_name,real_age' for each photo")
    return cells.iloc[1:].set_axis(header, axis="columns")


def _read_cells(path: Path) -> pd.DataFrame:
    """Return all cells of the CSV file, header included, as strings without surrounding white space, by row number."""
    if not path.exists():
        raise UserError(f"{path}: no such file: set dataset.labels in params.yaml to your label file")
    if not path.is_file():
        raise UserError(f"{path}: not a file but a folder, pipe or device: set dataset.labels to your label file")
    if path.stat().st_size > MAX_LABEL_BYTES:
        raise UserError(
            f"{path}: {path.stat().st_size:,} bytes, more than the limit of {MAX_LABEL_BYTES:,}: set dataset.labels in "
            "params.yaml to your label file"
        )
    try:
        # pandas counts the columns in the first row, even if it is blank.
        with path.open(encoding="utf-8-sig") as lines:
            blank = sum(1 for _ in takewhile(lambda line: not line.strip(), lines))
        # With header=None pandas neither renames a repeated column nor uses the first one as index.
        cells = pd.read_csv(
            path, dtype=str, header=None, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True,
            skip_blank_lines=False, skiprows=blank,
        )  # fmt: skip
        cells.index += blank + 1
        # A lone carriage return could not be read back after writing.
        return cells.fillna("").map(str.strip).replace("\r\n?", "\n", regex=True)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start}): save it as CSV UTF-8") from None
    except pd.errors.ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise UserError(f"{path}: is not a CSV table: {reason}: correct that line") from None


def _require_columns(path: Path, header: list[str]) -> None:
    missing = [column for column in REQUIRED_COLUMNS if column not in header]
    if missing and len(header) == 1 and re.search(r"[;\t|]", header[0]):
        raise UserError(f"{path}: its columns are not separated by commas: save it as CSV with commas")
    if missing:
        raise UserError(
            f"{path}: column {' and '.join(missing)} is missing: the header needs file_name and real_age, "
            f"it has {', '.join(header)}"
        )
    if "" in header:
        place = header.index("") + 1
        raise UserError(f"{path}: column {place} has cells but no name: name it in the header or delete it")
    repeated = sorted(column for column, count in Counter(header).items() if count > 1)
    if repeated:
        raise UserError(f"{path}: column {' and '.join(map(repr, repeated))} appears twice in the header: delete one")
    taken = [column for column in OUR_COLUMNS if column in header]
    if taken:
        raise UserError(f"{path}: column {' and '.join(taken)} has a name that the pipeline reserves: rename it")
