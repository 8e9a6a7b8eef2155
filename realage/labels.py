"""`labels.csv`: read as text, then checked row by row; every rejected row gets one rule and a reason to act on."""

import re
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, Self

import pandas as pd
from pydantic import Field, model_validator

from realage.errors import UserError
from realage.params import Section

REQUIRED_COLUMNS = ["file_name", "real_age"]
OUR_COLUMNS = ["photo", "predicted_age"]  # that later stages add
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


class Rejection(NamedTuple):
    """One line of `rejected.csv`: what the label file said, the rule that it broke, and what to look at."""

    file_name: str
    real_age: str
    rule: str
    detail: str


def read_labels(path: Path) -> pd.DataFrame:
    """Read a label file: one row a photo, every cell a string with its white space stripped.

    Raises UserError where it is missing, empty, not UTF-8, no table, or without the two columns.
    """
    try:
        # Without a header of its own, pandas cannot rename a repeated column or take a first one for an index.
        cells = pd.read_csv(
            path, dtype=str, header=None, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True
        )
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: set dataset.labels in params.yaml to your label file") from None
    except pd.errors.EmptyDataError:
        raise UserError(f"{path}: is empty: add the header 'file_name,real_age' and a row for each photo") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start}): save it as CSV UTF-8") from None
    except pd.errors.ParserError as error:
        raise UserError(f"{path}: is not a CSV table: {error}") from None
    cells = cells.fillna("").map(str.strip)
    header = list(cells.iloc[0])
    table = cells.iloc[1:].set_axis(header, axis="columns").reset_index(drop=True)
    missing = [column for column in REQUIRED_COLUMNS if column not in header]
    if missing:
        raise UserError(
            f"{path}: column {' and '.join(missing)} is missing: the header must name file_name and real_age, "
            f"it names {', '.join(header)}"
        )
    repeated = sorted({column for column in header if header.count(column) > 1})
    if repeated:
        raise UserError(f"{path}: column {' and '.join(repeated)} stands twice in the header: delete one")
    taken = [column for column in OUR_COLUMNS if column in header]
    if taken:
        raise UserError(f"{path}: column {' and '.join(taken)} bears a name that the pipeline itself uses: rename it")
    if table.empty:
        raise UserError(f"{path}: has a header but no rows: add a row 'file_name,real_age' for each photo")
    return table


def check_rows(table: pd.DataFrame, photos: set[str], params: ValidateParams) -> dict[int, Rejection]:
    """Rejections by row index, for the rules that a row's text and the list of photos can show.

    `photos` names the files in the photos' folder. A row is rejected once, for the first rule that it breaks.
    """
    rejections = {}
    for index, name, age in table[REQUIRED_COLUMNS].itertuples():
        broken = _unsafe_path(name) or _not_a_number(age) or _out_of_range(float(age), params)
        if broken:
            rejections[index] = Rejection(name, age, *broken)
    sound = table.drop(index=list(rejections))
    ages_of = sound["real_age"].astype(float).groupby(sound["file_name"]).unique()
    seen: set[str] = set()
    for index, name, age in sound[REQUIRED_COLUMNS].itertuples():
        broken = _said_twice(name, ages_of[name], name in seen) or _missing_photo(name, photos)
        seen.add(name)
        if broken:
            rejections[index] = Rejection(name, age, *broken)
    return rejections


def check_same_photo(table: pd.DataFrame) -> dict[int, Rejection]:
    """Rejections by row index, for rows of `table` (`file_name`, `real_age`, `photo`) that share all pixels.

    Of one age, the first row stays. Of several ages nobody knows which is right, so none stays.
    """
    rejections = {}
    for _, twins in table[table.duplicated("photo", keep=False)].groupby("photo"):
        if twins["real_age"].nunique() == 1:
            first, *rest = twins.itertuples()
            for row in rest:
                detail = f"same pixels and age as {first.file_name}, which stays: delete this row and photo"
                rejections[row.Index] = Rejection(row.file_name, f"{row.real_age:g}", "duplicate_photo", detail)
        else:
            for row in twins.itertuples():
                others = ", ".join(f"{o.file_name} (age {o.real_age:g})" for o in twins.drop(row.Index).itertuples())
                detail = f"same pixels as {others}: find out which age is right"
                rejections[row.Index] = Rejection(row.file_name, f"{row.real_age:g}", "conflicting_label", detail)
    return rejections


def _unsafe_path(name: str) -> tuple[str, str] | None:
    path = PurePosixPath(name)
    if name.isprintable() and not (path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name):
        return None if name else ("unsafe_path", "no file name: name the photo")
    return "unsafe_path", "must be a plain path below the photos' folder: rename the photo"


def _not_a_number(age: str) -> tuple[str, str] | None:
    if re.fullmatch(r"[-+]?\d{1,9}(\.\d{1,9})?", age, re.ASCII):
        return None
    return "not_a_number", "age must be written like 25 or 25.5"


def _out_of_range(age: float, params: ValidateParams) -> tuple[str, str] | None:
    if params.min_age <= age <= params.max_age:
        return None
    return "out_of_range", f"age must be from {params.min_age:g} to {params.max_age:g} years"


def _said_twice(name: str, ages: Collection[float], seen: bool) -> tuple[str, str] | None:
    if len(ages) > 1:
        return "conflicting_label", f"labelled {' and '.join(f'{a:g}' for a in ages)}: keep the row with the right age"
    return ("repeated_row", "same file and age as an earlier row: delete this one") if seen else None


def _missing_photo(name: str, photos: set[str]) -> tuple[str, str] | None:
    if name in photos:
        return None
    return "missing_photo", "no such photo (.jpg, .png, ...) in the folder: add it or delete the row"
