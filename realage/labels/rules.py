"""The rules for rows of the label file. Each rejected row gets one rule and a detail: how to fix it.

Findings are a table with row numbers as index and the columns `rule` and `detail`, one line a row. Everything is
computed on whole columns, in time and memory that are linear in the number of rows.
"""

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from realage.core.columns import FILE_NAME, REAL_AGE
from realage.labels.invisible import invisible_in
from realage.labels.lookup import counts_of, places_of
from realage.labels.matching import MEANT, NAME
from realage.labels.params import ValidateParams
from realage.labels.table import AGE

OUTSIDE = r"^/|\\|:|(?:^|/)\.\.(?:/|$)"  # a path that may leave the folder of photos
MAX_LISTED = 5  # other rows named in the detail of a row
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


REJECTION = [FILE_NAME, REAL_AGE, "rule", "detail"]  # columns of rejected.csv
NO_PHOTO = "no such photo (.jpg, .png, ...) in the folder"


def check_rows(table: pd.DataFrame, photos: pd.Series, params: ValidateParams) -> pd.DataFrame:
    """Return findings for the rules that need only a row's text and the list of photos.

    `photos`, dtype str, are the names of the files in the photos' folder. A row gets one finding, for the first rule it
    breaks.
    """
    cells = _check_cells(table, params)
    repeats = _check_repeats(without(table, cells))
    missing = _check_presence(table[FILE_NAME], photos)
    return overrule(missing, first_of(cells, repeats))


def point_to_photos(findings: pd.DataFrame, table: pd.DataFrame, meant: pd.DataFrame) -> pd.DataFrame:
    """Return `findings` with the name to write where a row's name is almost that of a photo.

    `meant` is from `matching.photos_meant`.
    """
    of_name = findings.index[findings["rule"].isin(["missing_photo", "unsafe_path"])]
    places = places_of(table.loc[of_name, FILE_NAME], meant[NAME])
    rows, photos = of_name[places >= 0], meant[MEANT].array[places[places >= 0]]
    advice = NO_PHOTO + ", but there is " + pd.Series(photos, index=rows, dtype="str") + ": write it so"
    return findings.assign(detail=findings["detail"].mask(findings.index.isin(rows), advice))


def check_unsafe_photos(table: pd.DataFrame, photos: pd.DataFrame) -> pd.DataFrame:
    """Return findings for rows whose photo must not be opened; `photos` is the scan."""
    return _break_photo_rules(_looks(table, photos[photos["rule"] == "unsafe_path"]))


def check_photos(table: pd.DataFrame, photos: pd.DataFrame, params: ValidateParams) -> pd.DataFrame:
    """Return findings for rows whose photo cannot be decoded or is too small.

    `photos` is the scan. It contains the photo of each row of `table`.
    """
    looks = _looks(table, photos)
    sound = looks[looks["rule"] == ""]
    small = sound[sound[["width", "height"]].min(axis="columns") < params.min_pixels]
    sizes = small["width"].astype("str") + "x" + small["height"].astype("str")
    detail = sizes + f" pixels, the shorter side needs {params.min_pixels}: use a larger photo"
    return first_of(_break_photo_rules(looks), _findings(small.index, "too_small", detail))


def check_same_photo(table: pd.DataFrame) -> pd.DataFrame:
    """Return findings for rows of `table` (`file_name`, `real_age`, `photo`) with identical pixels.

    If their ages are equal, the first row is kept. If not, the right age is unknown, and none is kept.
    """
    rows = _sharing(table, "photo")
    return _keep_one_age(
        rows,
        rule="duplicate_photo",
        if_repeated="same pixels and age as " + rows[FILE_NAME] + ", which is kept: delete this row and photo",
        as_other=rows[FILE_NAME] + " (age " + _as_text(rows[REAL_AGE]) + ")",
        if_conflicting=("same pixels as ", ": find out which age is right"),
    )


def to_do_list(table: pd.DataFrame, findings: pd.DataFrame, unlabelled: pd.Series) -> pd.DataFrame:
    """Return all rejections with the columns REJECTION, sorted by rule. `table` is from `read_labels`.

    `unlabelled`, dtype str, are the names of photos without a row.
    """
    cells = table.loc[findings.index, [FILE_NAME, REAL_AGE]]
    numbers = "row " + pd.Series(findings.index, index=findings.index).astype("str") + ": "
    rejections = pd.concat([
        cells.assign(rule=findings["rule"], detail=numbers + findings["detail"]),
        pd.DataFrame({
            FILE_NAME: unlabelled.sort_values(),
            REAL_AGE: "",
            "rule": "unlabelled_photo",
            "detail": "no row names this photo: add its age or delete it",
        }),
    ])  # fmt: skip
    return rejections.sort_values("rule", key=lambda rules: rules.map(RULES.index), kind="stable")[REJECTION]


def without(table: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `table` that have no finding."""
    return table[~table.index.isin(findings.index)]


def first_of(*findings: pd.DataFrame) -> pd.DataFrame:
    """Return all findings as one table, of each row the first."""
    together = pd.concat(findings)
    return together[~together.index.duplicated()]


def overrule(findings: pd.DataFrame, stronger: pd.DataFrame) -> pd.DataFrame:
    """Return all findings as one table, in this order; of a row that has two, the `stronger`."""
    return first_of(stronger, findings).loc[first_of(findings, stronger).index]


def _findings(rows: pd.Index, rule: str | pd.Series, detail: str | pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"rule": rule, "detail": detail}, index=rows, dtype="str")


def _check_cells(table: pd.DataFrame, params: ValidateParams) -> pd.DataFrame:
    """Return findings for the rules that need only a single cell."""
    found = [_findings(table.index[:0], "", "")]
    try:
        _cell_rules(params).validate(table, lazy=True)
    except SchemaErrors as broken:
        for error in broken.schema_errors:
            cells = table.loc[error.failure_cases["index"], error.schema.name]
            details = [error.check.error.format(hidden=", ".join(invisible_in(cell))) for cell in cells]
            found.append(_findings(cells.index, error.check.name, details))
    return first_of(*found)


def _cell_rules(params: ValidateParams) -> pa.DataFrameSchema:
    """Return one check per rule, named after it, in order of precedence.

    `error` says how to fix the cell; `{hidden}` in it stands for the cell's invisible characters.
    """

    def within_limits(ages: pd.Series) -> pd.Series:
        years = pd.to_numeric(ages, errors="coerce")
        return years.between(params.min_age, params.max_age) | years.isna()

    name_checks = [
        pa.Check(lambda names: names != "", name="unsafe_path", error="the file name is empty: enter it"),
        pa.Check(_are_visible, name="unsafe_path",
                 error="contains an invisible character ({hidden}): rename the photo and correct the row"),
        pa.Check(lambda names: ~names.str.contains(OUTSIDE), name="unsafe_path",
                 error="not a relative path inside the photos' folder: move the photo there and correct the row"),
    ]  # fmt: skip
    age_checks = [
        pa.Check(_are_visible, name="not_a_number",
                 error="holds an invisible character ({hidden}): delete it (enter the age again)"),
        pa.Check(lambda ages: ages.str.fullmatch(AGE), name="not_a_number",
                 error="write the age in years, like 25 or 25.5"),
        pa.Check(within_limits, name="out_of_range",
                 error=f"not from {params.min_age:g} to {params.max_age:g} years: correct the age"),
    ]  # fmt: skip
    return pa.DataFrameSchema({FILE_NAME: pa.Column(checks=name_checks), REAL_AGE: pa.Column(checks=age_checks)})


def _are_visible(cells: pd.Series) -> pd.Series:
    others = cells[~cells.str.fullmatch(r"[ -~]*")]  # ASCII needs no closer look
    hidden = [row for row, cell in others.items() if invisible_in(cell)]
    return pd.Series(~cells.index.isin(hidden), index=cells.index)


def _check_presence(names: pd.Series, photos: pd.Series) -> pd.DataFrame:
    """Return findings for rows whose photo is missing."""
    missing = names.index[places_of(names, photos) < 0]
    return _findings(missing, "missing_photo", f"{NO_PHOTO}: add it or delete the row")


def _looks(table: pd.DataFrame, photos: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `photos`, a scan, that rows of `table` name, with the row numbers of `table`."""
    places = places_of(table[FILE_NAME], photos[FILE_NAME])
    return photos.take(places[places >= 0]).set_axis(table.index[places >= 0])


def _break_photo_rules(looks: pd.DataFrame) -> pd.DataFrame:
    broken = looks[looks["rule"] != ""]
    return _findings(broken.index, broken["rule"], broken["detail"])


def _check_repeats(table: pd.DataFrame) -> pd.DataFrame:
    """Return findings for file names that appear in several rows of `table`."""
    rows = _sharing(table, FILE_NAME).astype({REAL_AGE: float})
    number = pd.Series(rows.index, index=rows.index).astype("str")
    return _keep_one_age(
        rows,
        rule="repeated_row",
        if_repeated="same file and age as row " + number + ": delete this one",
        as_other=_as_text(rows[REAL_AGE]) + " in row " + number,
        if_conflicting=("the same file also has age ", ": keep the row with the right age"),
    )


def _sharing(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows that share a value of `column` with another row, with a column `group`.

    Rows of a group follow one another, in the order of `table`. Groups are sorted by their first row.
    """
    rows = table[counts_of(table[column]) > 1]
    # Codes are numbered in the order of appearance.
    return rows.assign(group=pd.factorize(rows[column])[0]).sort_values("group", kind="stable")


def _keep_one_age(
    rows: pd.DataFrame, rule: str, if_repeated: pd.Series, as_other: pd.Series, if_conflicting: tuple[str, str]
) -> pd.DataFrame:
    """Return findings for `rows`, which are from `_sharing` and have ages as numbers.

    If the ages of a group are equal, its first row is kept and the others break `rule`; their detail is the first row's
    `if_repeated`. If not, none is kept. Their detail is the other rows' `as_other` between the texts `if_conflicting`.
    """
    if rows.empty:
        return _findings(rows.index, rule, "")
    ages = rows.groupby("group")[REAL_AGE]
    agree = ages.transform("min") == ages.transform("max")
    first = (~rows["group"].duplicated()).to_numpy()
    start = np.flatnonzero(first)[rows["group"]]  # place of the group's first row
    repeated = (agree & ~first).to_numpy()
    before, after = if_conflicting
    conflicts = _findings(rows.index[~agree], "conflicting_label", before + _others(as_other, start)[~agree] + after)
    return first_of(_findings(rows.index[repeated], rule, if_repeated.array[start[repeated]]), conflicts)


def _others(texts: pd.Series, start: np.ndarray) -> pd.Series:
    """Return for each row the `texts` of the first MAX_LISTED other rows of its group, as a list.

    Rows of a group follow one another; `start`, int (n,), is the place of the first.
    """
    place = np.arange(len(texts))
    size = np.bincount(start)[start]
    listed = pd.Series("", index=texts.index, dtype="str")
    for step in range(MAX_LISTED):
        other = start + step
        other += other >= place  # not the row itself
        there = step < size - 1
        text = texts.array[np.where(there, other, 0)]
        listed += pd.Series(text, index=texts.index).radd(", " if step else "").where(there, "")
    return listed + np.where(size - 1 > MAX_LISTED, " and more", "").astype(object)


def _as_text(ages: pd.Series) -> pd.Series:
    return ages.map({age: f"{age:g}" for age in ages.unique()}).astype("str")
