"""Write corrected ages into the label file: `realage relabel FILE`. All other bytes stay as they are."""

import re
from pathlib import Path

import pandas as pd

from realage.core.columns import FILE_NAME, REAL_AGE
from realage.core.disk import replacing
from realage.core.errors import UserError, printable
from realage.core.files import read_listing
from realage.core.params import load
from realage.labels.dataset import DatasetParams
from realage.labels.params import ValidateParams
from realage.labels.rules import check_rows
from realage.labels.table import read_labels

CELL = re.compile(r' *"(?:[^"]|"")*"[^,\r\n]*|[^,\r\n]*')
LINE_END = re.compile(r"\r\n|\r|\n")


def relabel(reviewed: Path) -> None:
    """Write the ages in `reviewed`, a CSV with columns `file_name` and `real_age`, where they differ as numbers.

    Raises UserError, and writes nothing, if a name is not in the labels or has two ages, and if stage `validate` would
    reject an age.
    """
    dataset, rules = load("dataset", DatasetParams), load("validate", ValidateParams)
    if dataset.is_sample:
        raise UserError(f"{dataset.labels}: drawn by stage 'sample': set dataset.labels to labels of your own")
    labels = Path(dataset.labels)
    rows, ages = read_labels(labels), _reviewed_ages(reviewed, rules)
    if unknown := sorted(set(ages.index) - set(rows[FILE_NAME])):
        raise UserError(f"{reviewed}: {unknown[0]}: not in {labels}: write file_name as there")
    corrected = rows[FILE_NAME].map(ages).dropna()
    before = pd.to_numeric(rows.loc[corrected.index, REAL_AGE], errors="coerce")
    corrected = corrected[before != corrected.astype(float)]
    if len(corrected):
        _write(labels, rows, corrected)
    print(printable(f"relabel: {len(corrected):,} of {len(rows):,} ages changed in {labels}")
          + (": put the new version under DVC ('dvc add'), then run 'dvc repro'" if len(corrected) else ""))


def _reviewed_ages(reviewed: Path, rules: ValidateParams) -> pd.Series:
    """The ages in `reviewed`, as texts, by file name."""
    if not reviewed.is_file():
        raise UserError(f"{reviewed}: no such file: name a CSV file with columns file_name and real_age")
    try:
        table = read_listing(reviewed)[[FILE_NAME, REAL_AGE]].apply(lambda cells: cells.str.strip()).drop_duplicates()
    except (KeyError, ValueError) as error:
        raise UserError(f"{reviewed}: not a CSV table with columns file_name and real_age ({error}): save it as such"
                        ) from error
    findings = check_rows(table, table[FILE_NAME], rules)
    for row, detail in findings["detail"].items():
        raise UserError(f"{reviewed}: {table.at[row, FILE_NAME]}: age '{table.at[row, REAL_AGE]}': {detail}")
    return table.set_index(FILE_NAME)[REAL_AGE]


def _write(labels: Path, rows: pd.DataFrame, corrected: pd.Series) -> None:
    """Replace the ages of the rows in the index of `corrected`, which has row numbers as `read_labels` gives them."""
    text = labels.read_bytes().decode()
    spans, column, parts, end = _spans(text), rows.columns.get_loc(REAL_AGE), [], 0
    for row, age in corrected.sort_index().items():
        start, stop = spans[row - 1][column]
        parts += [text[end:start], age]
        end = stop
    with replacing(labels) as part:
        part.write_bytes("".join([*parts, text[end:]]).encode())
        expected = rows.assign(**{REAL_AGE: rows[REAL_AGE].mask(rows.index.isin(corrected.index), corrected)})
        if not read_labels(part).equals(expected):
            raise UserError(f"{labels}: written in a way that cannot be changed cell by cell: correct the ages by hand")


def _spans(text: str) -> list[list[tuple[int, int]]]:
    """Where the cells of each row begin and end in a CSV file's `text`."""
    rows: list[list[tuple[int, int]]] = [[]]
    place = 0
    while True:
        start, end = CELL.match(text, place).span()  # type: ignore[union-attr]  # it matches the empty text too
        rows[-1].append((start, end))
        if end == len(text):
            return rows
        if line_end := LINE_END.match(text, end):
            rows.append([])
            place = line_end.end()
        else:
            place = end + 1
