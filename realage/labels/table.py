"""`labels.csv`: read as text, then checked row by row; every rejected row gets one rule and a reason to act on."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice, takewhile
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple, Self
from unicodedata import category

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from pydantic import Field, model_validator

from realage.core.columns import (
    FILE_NAME,
    NEAR_DUPLICATE_OF,
    PERCEPTUAL_HASH,
    PREDICTED_AGE,
    PREDICTED_SPREAD,
    REAL_AGE,
)
from realage.core.errors import UserError
from realage.core.params import Section
from realage.photos.names import fold

REQUIRED_COLUMNS = [FILE_NAME, REAL_AGE]
OUR_COLUMNS = ["photo", PERCEPTUAL_HASH, NEAR_DUPLICATE_OF, PREDICTED_AGE, PREDICTED_SPREAD]  # stages add
MAX_LABEL_BYTES = 500_000_000  # some ten million rows: what is larger is no label file, and would fill the memory
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # Unicode's categories
MAX_LISTED = 5  # other rows that one row's advice names
AGE = re.compile(r"[-+]?(\d{1,9}(\.\d{0,30})?|\.\d{1,30})", re.ASCII)
RULES = (
    "missing_photo",
    "unlabelled_photo",
    "repeated_row",
    "conflicting_label",
    "not_a_number",
    "out_of_range",
    "unreadable_photo",
    "too_small",
    "duplicate_photo",
    "unsafe_path",
)


class ValidateParams(Section):
    """Section `validate`: what counts as a usable label and photo, and what happens to the rest."""

    min_age: float = Field(ge=0, le=150)  # years
    max_age: float = Field(ge=0, le=150)  # years
    min_pixels: int = Field(ge=1, le=10_000)  # shorter side of a photo
    on_reject: Literal["quarantine", "fail"]
    max_rejected: float = Field(ge=0, le=1)  # share of rows and unlabelled photos

    @model_validator(mode="after")
    def _leaves_a_range(self) -> Self:
        if self.min_age >= self.max_age:
            raise ValueError("min_age must be less than max_age")
        return self


class Finding(NamedTuple):
    """The rule that a row or photo breaks, and what is to be done about it."""

    rule: str
    detail: str


class Rejection(NamedTuple):
    """One line of `rejected.csv`: what the label file said, the rule that it broke, and what is to be done."""

    file_name: str
    real_age: str
    rule: str
    detail: str


def read_labels(path: Path) -> pd.DataFrame:
    """Read a label file: one row a photo, every cell a string with its white space stripped.

    The index is the row's number in a spreadsheet, in which the header is row 1; empty rows are passed over.
    Raises UserError where it is missing, no file, empty, too large, not UTF-8, no table, or without the two columns.
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


def check_rows(table: pd.DataFrame, photos: Collection[str], params: ValidateParams) -> dict[int, Finding]:
    """Findings by row number, for the rules that a row's text and the list of photos can show.

    `photos` names the files in the photos' folder. A row is rejected once, for the first rule that it breaks.
    """
    findings = _check_cells(table, params)
    findings |= _check_repeats(table.drop(index=list(findings)))
    return _check_presence(table, photos) | findings


def check_unsafe_photos(table: pd.DataFrame, photos: pd.DataFrame) -> dict[int, Finding]:
    """Findings by row number, for rows whose photo must not be opened; `photos` is the scan, indexed by file name."""
    unsafe = photos[photos["rule"] == "unsafe_path"]
    named = table[FILE_NAME][table[FILE_NAME].isin(unsafe.index)]
    return {row: Finding("unsafe_path", unsafe.at[name, "detail"]) for row, name in named.items()}


def check_photos(table: pd.DataFrame, photos: pd.DataFrame, params: ValidateParams) -> dict[int, Finding]:
    """Findings by row number, for rows whose photo cannot be decoded or is too small.

    `photos` is the scan of the folder, indexed by file name; it has the photo of each row of `table`.
    """
    looks = table[[FILE_NAME]].join(photos[["rule", "detail", "width", "height"]], on=FILE_NAME)
    findings = {row.Index: Finding(row.rule, row.detail) for row in looks[looks["rule"] != ""].itertuples()}
    small = (looks["rule"] == "") & (looks[["width", "height"]].min(axis="columns") < params.min_pixels)
    for row in looks[small].itertuples():
        findings[row.Index] = Finding(
            "too_small",
            f"{row.width}x{row.height} pixels, and its shorter side needs {params.min_pixels}: replace it by a larger "
            "one",
        )
    return findings


def check_same_photo(table: pd.DataFrame) -> dict[int, Finding]:
    """Findings by row number, for rows of `table` (`file_name`, `real_age`, `photo`) that share all pixels.

    Of one age, the first row stays. Of several ages nobody knows which is right, so none stays.
    """
    return _keep_one_age(
        table,
        "photo",
        rule="duplicate_photo",
        if_repeated=lambda first: f"same pixels and age as {first.file_name}, which stays: delete this row and photo",
        told_as=lambda row: f"{row.file_name} (age {row.real_age:g})",
        if_conflicting="same pixels as {}: find out which age is right",
    )


def to_do_list(table: pd.DataFrame, findings: Mapping[int, Finding], unlabelled: Collection[str]) -> list[Rejection]:
    """All rejections, sorted by rule, so that one kind of work comes after another; `table` is from `read_labels`.

    `unlabelled` are the names of photos that no row names.
    """
    rejections = [
        Rejection(table.at[row, FILE_NAME], table.at[row, REAL_AGE], rule, f"row {row}: {detail}")
        for row, (rule, detail) in findings.items()
    ]
    advice = "no row names this photo: add its age or delete it"
    rejections += [Rejection(name, "", "unlabelled_photo", advice) for name in sorted(unlabelled)]
    return sorted(rejections, key=lambda rejection: RULES.index(rejection.rule))


def _read_cells(path: Path) -> pd.DataFrame:
    """All cells of the CSV file, header included, as strings without white space about them, by row number."""
    if not path.exists():
        raise UserError(f"{path}: no such file: set dataset.labels in params.yaml to your label file")
    if not path.is_file():
        raise UserError(f"{path}: is no file, but a folder, pipe or device: set dataset.labels to your label file")
    if path.stat().st_size > MAX_LABEL_BYTES:
        raise UserError(f"{path}: {path.stat().st_size:,} bytes, more than a label file can have: is it one?")
    try:
        # pandas counts the columns in the first row, be it blank.
        with path.open(encoding="utf-8-sig") as lines:
            blank = sum(1 for _ in takewhile(lambda line: not line.strip(), lines))
        # Without a header of its own, pandas cannot rename a repeated column or take a first one for an index.
        cells = pd.read_csv(
            path, dtype=str, header=None, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True,
            skip_blank_lines=False, skiprows=blank,
        )  # fmt: skip
        cells.index += blank + 1
        # A table that holds a lone carriage return could not be read again once it is written.
        return cells.fillna("").map(str.strip).replace("\r\n?", "\n", regex=True)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start}): save it as CSV UTF-8") from None
    except pd.errors.ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise UserError(f"{path}: is not a CSV table: {reason}: mend that line") from None


def _require_columns(path: Path, header: list[str]) -> None:
    missing = [column for column in REQUIRED_COLUMNS if column not in header]
    if missing and len(header) == 1 and re.search(r"[;\t|]", header[0]):
        raise UserError(f"{path}: its columns are not separated by commas: save it as CSV with commas")
    if missing:
        raise UserError(
            f"{path}: column {' and '.join(missing)} is missing: the header must name file_name and real_age, "
            f"it names {', '.join(header)}"
        )
    if "" in header:
        place = header.index("") + 1
        raise UserError(f"{path}: column {place} has cells but no name: name it in the header or delete it")
    repeated = sorted(column for column, count in Counter(header).items() if count > 1)
    if repeated:
        raise UserError(f"{path}: column {' and '.join(map(repr, repeated))} stands twice in the header: delete one")
    taken = [column for column in OUR_COLUMNS if column in header]
    if taken:
        raise UserError(f"{path}: column {' and '.join(taken)} bears a name that the pipeline itself uses: rename it")


def _check_cells(table: pd.DataFrame, params: ValidateParams) -> dict[int, Finding]:
    """Findings by row number, for what a single cell can show."""
    findings: dict[int, Finding] = {}
    try:
        _cell_rules(params).validate(table, lazy=True)
    except SchemaErrors as broken:
        for error in broken.schema_errors:
            for row in error.failure_cases["index"]:
                findings.setdefault(row, Finding(error.check.name, error.check.error))
    return findings


def _cell_rules(params: ValidateParams) -> pa.DataFrameSchema:
    """One check for each rule, named after it, in the order of precedence; `error` says what is to be done."""

    def within_limits(ages: pd.Series) -> pd.Series:
        years = pd.to_numeric(ages, errors="coerce")
        return years.between(params.min_age, params.max_age) | years.isna()

    name_checks = [
        pa.Check(lambda names: names != "", name="unsafe_path", error="no file name: name the photo"),
        pa.Check(_is_visible, element_wise=True, name="unsafe_path",
                 error="holds a character that cannot be seen: rename the photo and correct the row"),
        pa.Check(_is_plain_path, element_wise=True, name="unsafe_path",
                 error="not a plain path below the photos' folder: put the photo there and correct the row"),
    ]  # fmt: skip
    age_checks = [
        pa.Check(lambda ages: ages.str.fullmatch(AGE), name="not_a_number",
                 error="write the age in years, like 25 or 25.5"),
        pa.Check(within_limits, name="out_of_range",
                 error=f"not from {params.min_age:g} to {params.max_age:g} years: correct the age"),
    ]  # fmt: skip
    return pa.DataFrameSchema({FILE_NAME: pa.Column(checks=name_checks), REAL_AGE: pa.Column(checks=age_checks)})


def _is_visible(name: str) -> bool:
    # Python calls all spaces but one unprintable, such as those in the names of screenshots.
    return name.isprintable() or not any(category(letter) in INVISIBLE for letter in name)


def _is_plain_path(name: str) -> bool:
    path = PurePosixPath(name)
    return not (path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name)


def _check_presence(table: pd.DataFrame, photos: Collection[str]) -> dict[int, Finding]:
    """Findings by row number, for rows whose photo is not there."""
    missing = table[FILE_NAME][~table[FILE_NAME].isin(photos)]
    alike = {fold(name): name for name in photos} if len(missing) else {}
    findings = {}
    for row, name in missing.items():
        other = alike.get(fold(PurePosixPath(name).as_posix()))
        hint = f"but there is {other}: write it so" if other else "add it or delete the row"
        findings[row] = Finding("missing_photo", f"no such photo (.jpg, .png, ...) in the folder: {hint}")
    return findings


def _check_repeats(table: pd.DataFrame) -> dict[int, Finding]:
    """Findings by row number, for file names that stand in several rows of `table`."""
    return _keep_one_age(
        table.astype({REAL_AGE: float}),
        FILE_NAME,
        rule="repeated_row",
        if_repeated=lambda first: f"same file and age as row {first.Index}: delete this one",
        told_as=lambda row: f"{row.real_age:g} in row {row.Index}",
        if_conflicting="the same file has age {}: keep the row with the right age",
    )


def _keep_one_age(
    table: pd.DataFrame,
    column: str,
    rule: str,
    if_repeated: Callable[[Any], str],
    told_as: Callable[[Any], str],
    if_conflicting: str,
) -> dict[int, Finding]:
    """Findings by row number, for rows that share a value of `column`: of one age the first stays, of several none.

    `rule` rejects the repetitions; `if_repeated` says what to do about them, given the row that stays. `if_conflicting`
    is the advice to the others, with a place for the rows that a row contradicts, each `told_as` its words.
    """
    findings: dict[int, Finding] = {}
    for rows in _groups_of(table, column):
        if len({row.real_age for row in rows}) == 1:
            first, *rest = rows
            findings |= dict.fromkeys((row.Index for row in rest), Finding(rule, if_repeated(first)))
        else:
            for row in rows:
                others = _list_some(told_as(other) for other in rows if other != row)
                findings[row.Index] = Finding("conflicting_label", if_conflicting.format(others))
    return findings


def _groups_of(table: pd.DataFrame, column: str) -> list[list]:
    """The rows that share a value of `column` with another row, as named tuples, one list a value."""
    groups = defaultdict(list)
    for row in table[table.duplicated(column, keep=False)].itertuples():
        groups[getattr(row, column)].append(row)
    return list(groups.values())


def _list_some(texts: Iterable[str]) -> str:
    some = list(islice(texts, MAX_LISTED + 1))
    return ", ".join(some[:MAX_LISTED]) + (" and more" if len(some) > MAX_LISTED else "")
