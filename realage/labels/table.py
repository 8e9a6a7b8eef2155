"""`labels.csv`, read as text: one row per photo."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from realage.core.columns import (
    FILE_NAME,
    INTERVAL_PART,
    NEAR_DUPLICATE_OF,
    PERCEPTUAL_HASH,
    PREDICTED_AGE,
    PREDICTED_HI,
    PREDICTED_LO,
    PREDICTED_SPREAD,
    REAL_AGE,
)
from realage.core.errors import UserError
from realage.core.params import CONFLICT
from realage.labels.header import judge_header
from realage.labels.invisible import invisible_in
from realage.photos.names import PHOTO_SUFFIXES

REQUIRED_COLUMNS = [FILE_NAME, REAL_AGE]
OUR_COLUMNS = [
    *("photo", PERCEPTUAL_HASH, NEAR_DUPLICATE_OF),
    *(PREDICTED_AGE, PREDICTED_SPREAD, PREDICTED_LO, PREDICTED_HI, INTERVAL_PART),
]  # added by stages
MAX_LABEL_BYTES = 500_000_000  # about ten million rows; a larger file is not a label file and could exhaust the memory
MAX_LINE = 1_000_000  # bytes
CELLS_AT_ONCE = 1_000_000  # read and tidied together
AGE = re.compile(r"[-+]?(\d{1,9}(\.\d{0,30})?|\.\d{1,30})", re.ASCII)  # as a row must write it
DECIMAL_COMMA = re.compile(r"(?<=,)\d{1,3},\d+(?=,|$)", re.ASCII | re.MULTILINE)  # in a row of cells
PHOTO_NAME = re.compile(rf"\S({'|'.join(map(re.escape, sorted(PHOTO_SUFFIXES)))})$", re.IGNORECASE)


def read_labels(path: Path) -> pd.DataFrame:
    """Read a label file: one row per photo, every cell a string without surrounding white space.

    The index is the row number in a spreadsheet, where the header is row 1. Empty rows are skipped. Time and memory
    are linear in the size of the file. Raises UserError if it is missing, not a file, empty, too large, not UTF-8, not
    CSV with commas, if its header is not valid, or if a stray quotation mark has joined rows into one cell.
    """
    cells = _read_cells(path)
    cells = cells.loc[:, (cells != "").any(axis="rows")]
    if cells.empty:
        raise UserError(f"{path}: is empty: add the header 'file_name,real_age' and a row for each photo")
    header = list(cells.iloc[0])
    _require_columns(path, header)
    if len(cells) == 1:
        raise UserError(f"{path}: has a header but no rows: add a row 'file_name,real_age' for each photo")
    table = cells.iloc[1:].set_axis(header, axis="columns")
    _require_merged(path, table[FILE_NAME])
    _require_one_row_each(path, table)
    return table


def _read_cells(path: Path) -> pd.DataFrame:
    """Return all cells of the CSV file, header included, as strings without surrounding white space, by row number.

    Rows without any text are left out.
    """
    _require_label_file(path)
    blank, columns = judge_header(path)
    try:
        parts = [_tidy(part) for part in _parts(path, blank, max(1, CELLS_AT_ONCE // columns))]
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except UnicodeDecodeError:
        raise UserError(f"{path}: line {_first_line_not_utf8(path)} is not UTF-8 text: save it as CSV UTF-8") from None
    except pd.errors.ParserError as error:
        raise UserError(f"{path}: is not a CSV table: {_explain(error, path, blank)}") from None
    cells = pd.concat(parts)
    cells.index += blank + 1
    return cells


def _require_label_file(path: Path) -> None:
    if not path.exists():
        raise UserError(f"{path}: no such file: set dataset.labels in params.yaml to your label file")
    if not path.is_file():
        raise UserError(f"{path}: not a file but a folder, pipe or device: set dataset.labels to your label file")
    if path.stat().st_size > MAX_LABEL_BYTES:
        raise UserError(
            f"{path}: {path.stat().st_size:,} bytes, more than the limit of {MAX_LABEL_BYTES:,}: set dataset.labels in "
            "params.yaml to your label file"
        )
    with path.open("rb") as file:
        while block := file.read(MAX_LINE):
            if len(block) == MAX_LINE and not (b"\n" in block or b"\r" in block):
                raise UserError(f"{path}: has a line of more than {MAX_LINE:,} bytes: set dataset.labels in "
                                "params.yaml to your label file")


def _parts(path: Path, blank: int, rows: int) -> Iterator[pd.DataFrame]:
    """Yield `rows` rows at a time, from the header on, which follows `blank` lines. Shows the progress."""
    cells = 0
    bar = tqdm(total=path.stat().st_size, desc="read labels", unit="B", unit_scale=True, disable=None)
    # With header=None pandas neither renames a repeated column nor uses the first one as index.
    # It counts the columns in the first row, even if that is blank.
    with path.open("rb") as file, bar, pd.read_csv(
        file, dtype=str, header=None, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True,
        skip_blank_lines=False, skiprows=blank, chunksize=rows,
    ) as parts:  # fmt: skip
        for part in parts:
            cells += part.size
            if cells > MAX_LABEL_BYTES:
                raise UserError(f"{path}: its header has more columns than its rows have cells: correct the header")
            yield part
            bar.update(file.tell() - bar.n)


def _tidy(cells: pd.DataFrame) -> pd.DataFrame:
    """Return `cells` without surrounding white space and without rows that have no text."""
    # A lone carriage return could not be read back after writing.
    cells = cells.fillna("").apply(lambda column: column.str.strip().str.replace("\r\n?", "\n", regex=True))
    return cells[(cells != "").any(axis="columns")]


def _first_line_not_utf8(path: Path) -> int:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


def _explain(error: pd.errors.ParserError, path: Path, blank: int) -> str:
    """Return what pandas found wrong, and what to do."""
    reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
    if wide := re.fullmatch(r"Expected (\d+) fields in line (\d+), saw (\d+)", reason):
        columns, line, cells = map(int, wide.groups())
        text = _line(path, line).strip()
        if cells - columns == len(text) - len(text.rstrip(",")):
            return f"line {line} has {cells} cells, the header {columns}: delete the commas at the end of the lines"
        comma = DECIMAL_COMMA.search(text)
        cure = f"write {comma[0].replace(',', '.')} if {comma[0]} is an age, and put" if comma else "put"
        return f"line {line} has {cells} cells, the header {columns}: {cure} quotation marks around a text with a comma"
    if still_open := re.fullmatch(r"EOF inside string starting at row (\d+)", reason):
        return f"row {int(still_open[1]) + blank + 1} has a quotation mark that is never closed: delete or close it"
    return f"{reason}: correct that line"


def _line(path: Path, number: int) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        return next(islice(lines, number - 1, None), "")


def _require_merged(path: Path, names: pd.Series) -> None:
    for row in names.index[names.str.match(CONFLICT)][:1]:
        raise UserError(f"{path}: row {row} is a mark of a merge conflict: keep one of the two versions of the rows")


def _require_one_row_each(path: Path, table: pd.DataFrame) -> None:
    """Raise UserError if a cell has line breaks followed by what looks like rows, due to a stray quotation mark."""
    place, age = (table.columns.get_loc(column) for column in REQUIRED_COLUMNS)
    for column in table.columns:
        cells = table[column]
        for row, text in cells[cells.str.contains("\n", regex=False)].items():
            lines = text.split("\n")[1:]
            alike = _shape(table.at[row, FILE_NAME])
            swallowed = sum(_is_row(line.split(","), place, age, alike) for line in lines)
            if swallowed:
                raise UserError(
                    f"{path}: row {row}, column {column}: the cell contains {swallowed:,} of the next rows, from "
                    f"'{lines[0][:40]}' on: delete the stray quotation mark in it, and its partner"
                )


def _is_row(cells: list[str], place: int, age: int, alike: str) -> bool:
    """Whether `cells` have an age, and the name of a photo or one of shape `alike`, which may have no suffix."""
    if len(cells) <= max(place, age) or not AGE.fullmatch(cells[age].strip()):
        return False
    return bool(PHOTO_NAME.search(cells[place])) or _shape(cells[place].strip()) == alike


def _shape(name: str) -> str:
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "0", name))


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.casefold())


def _require_columns(path: Path, header: list[str]) -> None:
    missing = [column for column in REQUIRED_COLUMNS if column not in header]
    unseen = {place: hidden for place, name in enumerate(header, start=1) if (hidden := invisible_in(name))}
    if missing and unseen:
        place, hidden = next(iter(unseen.items()))
        raise UserError(f"{path}: the name of column {place} holds an invisible character ({hidden[0]}): delete it "
                        "(enter the name again)")
    if missing and any(map(PHOTO_NAME.search, header)):
        raise UserError(f"{path}: its first line is a row ({', '.join(header)}) and not the header: put a line above "
                        "it that names the columns, such as 'file_name,real_age'")
    almost = {_plain(name): name for name in header}
    for column in missing:
        if column in almost:
            raise UserError(f"{path}: the header has '{almost[column]}': write {column}")
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
