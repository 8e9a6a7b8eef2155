"""The rules for rows of the label file. Each rejected row gets one rule and a detail: how to fix it."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple, Self

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors
from pydantic import Field, model_validator

from realage.core.columns import FILE_NAME, REAL_AGE
from realage.core.errors import is_visible
from realage.core.params import Section
from realage.photos.names import fold

MAX_LISTED = 5  # other rows named in the detail of a row
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
    """Section `validate`: which labels and photos are usable, and what to do with the others."""

    min_age: float = Field(ge=0, le=150)  # years
    max_age: float = Field(ge=0, le=150)  # years
    min_pixels: int = Field(ge=1, le=10_000)  # shorter side of a photo
    on_reject: Literal["quarantine", "fail"]
    max_rejected: float = Field(ge=0, le=1)  # share of rows and unlabelled photos

    @model_validator(mode="after")
    def _check_age_range(self) -> Self:
        if self.min_age >= self.max_age:
            raise ValueError("min_age must be less than max_age")
        return self


class Finding(NamedTuple):
    """The rule that a row or photo breaks, and how to fix it."""

    rule: str
    detail: str


class Rejection(NamedTuple):
    """One line of `rejected.csv`: cells of the label file, the rule that they break, and how to fix it."""

    file_name: str
    real_age: str
    rule: str
    detail: str


def check_rows(table: pd.DataFrame, photos: Collection[str], params: ValidateParams) -> dict[int, Finding]:
    """Return findings by row number, for the rules that need only a row's text and the list of photos.

    `photos` are the names of the files in the photos' folder. A row gets one finding, for the first rule it breaks.
    """
    findings = _check_cells(table, params)
    findings |= _check_repeats(table.drop(index=list(findings)))
    return _check_presence(table, photos) | findings


def check_unsafe_photos(table: pd.DataFrame, photos: pd.DataFrame) -> dict[int, Finding]:
    """Return findings by row number, for rows whose photo must not be opened; `photos` is the scan by file name."""
    unsafe = photos[photos["rule"] == "unsafe_path"]
    named = table[FILE_NAME][table[FILE_NAME].isin(unsafe.index)]
    return {row: Finding("unsafe_path", unsafe.at[name, "detail"]) for row, name in named.items()}


def check_photos(table: pd.DataFrame, photos: pd.DataFrame, params: ValidateParams) -> dict[int, Finding]:
    """Return findings by row number, for rows whose photo cannot be decoded or is too small.

    `photos` is the scan, indexed by file name. It contains the photo of each row of `table`.
    """
    looks = table[[FILE_NAME]].join(photos[["rule", "detail", "width", "height"]], on=FILE_NAME)
    findings = {row.Index: Finding(row.rule, row.detail) for row in looks[looks["rule"] != ""].itertuples()}
    small = (looks["rule"] == "") & (looks[["width", "height"]].min(axis="columns") < params.min_pixels)
    for row in looks[small].itertuples():
        findings[row.Index] = Finding(
            "too_small",
            f"{row.width}x{row.height} pixels, the shorter side needs {params.min_pixels}: use a larger photo",
        )
    return findings


def check_same_photo(table: pd.DataFrame) -> dict[int, Finding]:
    """Return findings by row number, for rows of `table` (`file_name`, `real_age`, `photo`) with identical pixels.

    If their ages are equal, the first row is kept. If not, the right age is unknown, and none is kept.
    """
    return _keep_one_age(
        table,
        "photo",
        rule="duplicate_photo",
        if_repeated=lambda first: f"same pixels and age as {first.file_name}, which is kept: delete this row and photo",
        describe_row=lambda row: f"{row.file_name} (age {row.real_age:g})",
        if_conflicting="same pixels as {}: find out which age is right",
    )


def to_do_list(table: pd.DataFrame, findings: Mapping[int, Finding], unlabelled: Collection[str]) -> list[Rejection]:
    """Return all rejections, sorted by rule. `table` is from `read_labels`.

    `unlabelled` are the names of photos without a row.
    """
    rejections = [
        Rejection(table.at[row, FILE_NAME], table.at[row, REAL_AGE], rule, f"row {row}: {detail}")
        for row, (rule, detail) in findings.items()
    ]
    advice = "no row names this photo: add its age or delete it"
    rejections += [Rejection(name, "", "unlabelled_photo", advice) for name in sorted(unlabelled)]
    return sorted(rejections, key=lambda rejection: RULES.index(rejection.rule))


def _check_cells(table: pd.DataFrame, params: ValidateParams) -> dict[int, Finding]:
    """Return findings by row number, for the rules that need only a single cell."""
    findings: dict[int, Finding] = {}
    try:
        _cell_rules(params).validate(table, lazy=True)
    except SchemaErrors as broken:
        for error in broken.schema_errors:
            for row in error.failure_cases["index"]:
                findings.setdefault(row, Finding(error.check.name, error.check.error))
    return findings


def _cell_rules(params: ValidateParams) -> pa.DataFrameSchema:
    """Return one check per rule, named after it, in order of precedence. `error` says how to fix the cell."""

    def within_limits(ages: pd.Series) -> pd.Series:
        years = pd.to_numeric(ages, errors="coerce")
        return years.between(params.min_age, params.max_age) | years.isna()

    name_checks = [
        pa.Check(lambda names: names != "", name="unsafe_path", error="the file name is empty: enter it"),
        pa.Check(is_visible, element_wise=True, name="unsafe_path",
                 error="contains an invisible character: rename the photo and correct the row"),
        pa.Check(_is_plain_path, element_wise=True, name="unsafe_path",
                 error="not a relative path inside the photos' folder: move the photo there and correct the row"),
    ]  # fmt: skip
    age_checks = [
        pa.Check(lambda ages: ages.str.fullmatch(AGE), name="not_a_number",
                 error="write the age in years, like 25 or 25.5"),
        pa.Check(within_limits, name="out_of_range",
                 error=f"not from {params.min_age:g} to {params.max_age:g} years: correct the age"),
    ]  # fmt: skip
    return pa.DataFrameSchema({FILE_NAME: pa.Column(checks=name_checks), REAL_AGE: pa.Column(checks=age_checks)})


def _is_plain_path(name: str) -> bool:
    path = PurePosixPath(name)
    return not (path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name)


def _check_presence(table: pd.DataFrame, photos: Collection[str]) -> dict[int, Finding]:
    """Return findings by row number, for rows whose photo is missing."""
    missing = table[FILE_NAME][~table[FILE_NAME].isin(photos)]
    alike = {fold(name): name for name in photos} if len(missing) else {}
    findings = {}
    for row, name in missing.items():
        other = alike.get(fold(PurePosixPath(name).as_posix()))
        hint = f"there is {other}: use that spelling" if other else "add it or delete the row"
        findings[row] = Finding("missing_photo", f"no such photo (.jpg, .png, ...) in the folder: {hint}")
    return findings


def _check_repeats(table: pd.DataFrame) -> dict[int, Finding]:
    """Return findings by row number, for file names that appear in several rows of `table`."""
    return _keep_one_age(
        table.astype({REAL_AGE: float}),
        FILE_NAME,
        rule="repeated_row",
        if_repeated=lambda first: f"same file and age as row {first.Index}: delete this one",
        describe_row=lambda row: f"{row.real_age:g} in row {row.Index}",
        if_conflicting="the same file also has age {}: keep the row with the right age",
    )


def _keep_one_age(
    table: pd.DataFrame,
    column: str,
    rule: str,
    if_repeated: Callable[[Any], str],
    describe_row: Callable[[Any], str],
    if_conflicting: str,
) -> dict[int, Finding]:
    """Return findings by row number, for rows that share a value of `column`.

    If their ages are equal, the first row is kept and the others break `rule`; `if_repeated` gets the kept row and
    returns their detail. If not, none is kept. Their detail is `if_conflicting`, whose placeholder lists the other
    rows, each formatted by `describe_row`.
    """
    findings: dict[int, Finding] = {}
    for rows in _groups_of(table, column):
        if len({row.real_age for row in rows}) == 1:
            first, *rest = rows
            findings |= dict.fromkeys((row.Index for row in rest), Finding(rule, if_repeated(first)))
        else:
            for row in rows:
                others = _join_some(describe_row(other) for other in rows if other != row)
                findings[row.Index] = Finding("conflicting_label", if_conflicting.format(others))
    return findings


def _groups_of(table: pd.DataFrame, column: str) -> list[list]:
    """Return the rows that share a value of `column` with another row: for each value a list of named tuples."""
    groups = defaultdict(list)
    for row in table[table.duplicated(column, keep=False)].itertuples():
        groups[getattr(row, column)].append(row)
    return list(groups.values())


def _join_some(texts: Iterable[str]) -> str:
    some = list(islice(texts, MAX_LISTED + 1))
    return ", ".join(some[:MAX_LISTED]) + (" and more" if len(some) > MAX_LISTED else "")
