"""Files with reproducible bytes: no time stamps, fixed order, fixed formats."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from realage.core.columns import (
    FILE_NAME,
    PHOTO,
    PREDICTED_AGE,
    PREDICTED_HI,
    PREDICTED_LO,
    PREDICTED_SPREAD,
    REAL_AGE,
)
from realage.core.disk import replacing
from realage.core.errors import UserError
from realage.core.formulas import FORMULA, neutralized_cell


def write_json(path: Path, contents: dict[str, Any]) -> None:
    """Write `contents` as indented JSON, floats rounded to 6 decimals; raises ValueError for NaN or infinity."""
    with replacing(path) as part:
        part.write_text(json.dumps(_rounded(contents), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that `write_json` wrote. Raises UserError if it is not valid JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: damaged or edited ({error}): run 'dvc repro'") from error


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write `table` without its index: UTF-8, `\\n` line ends, floats with 6 significant digits.

    For data that a stage or a command reads. Use `write_listing` for a table that people open.
    """
    with replacing(path) as part:
        table.to_csv(part, index=False, lineterminator="\n", float_format="%.6g", encoding="utf-8")


def read_rows(path: Path) -> pd.DataFrame:
    """Read rows that an earlier stage wrote with `write_csv`: years are float64, all other columns are strings.

    Raises UserError if it is not valid CSV, has no rows, or lacks `file_name`, `real_age` or `photo`.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        years = table.columns.intersection([REAL_AGE, PREDICTED_AGE, PREDICTED_SPREAD, PREDICTED_LO, PREDICTED_HI])
        if table.empty or not {FILE_NAME, REAL_AGE, PHOTO} <= set(table.columns):
            raise ValueError("no rows with file_name, real_age and photo")
        return table.astype(dict.fromkeys(years, "float64"))
    except ValueError as error:
        raise UserError(f"{path}: damaged or edited ({error}): run 'dvc repro'") from error


def write_listing(path: Path, table: pd.DataFrame) -> None:
    """Write a table that people open in a spreadsheet program: like `write_csv`, but `neutralized`."""
    write_csv(path, neutralized(table))


def read_listing(path: Path) -> pd.DataFrame:
    """Read a table that `write_listing` wrote, every cell as the string that it was before."""
    cells = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    return cells.map(lambda cell: cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell)


def neutralized(table: pd.DataFrame) -> pd.DataFrame:
    """Return `table` with a single quote before each text that a spreadsheet program would run as a formula.

    Source: OWASP, "CSV Injection". Numbers, such as -1.5, stay as they are.
    """
    texts = table.select_dtypes(["object", "string"])
    return table.assign(**{str(name): column.map(neutralized_cell) for name, column in texts.items()})


# pyarrow is imported late: it takes as long to load as pandas, and few stages need it.


def to_parquet(table: pd.DataFrame) -> bytes:
    """Return `table`, without its index, as a Parquet file: the same bytes for the same values and library versions."""
    import pyarrow
    from pyarrow import parquet

    contents = BytesIO()
    columns = pyarrow.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    parquet.write_table(columns, contents, compression="zstd")
    return contents.getvalue()


def from_parquet(contents: bytes, name: str) -> pd.DataFrame:
    """Return the table that `to_parquet` encoded. Raises UserError that names `name` if it is not valid Parquet."""
    from pyarrow import parquet

    try:
        return parquet.read_table(BytesIO(contents)).to_pandas()
    except (ValueError, OSError) as error:  # pyarrow's errors are of these kinds
        raise UserError(f"{name}: damaged or edited ({error}): run 'dvc repro'") from error


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
