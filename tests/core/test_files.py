"""Tables that people open run no formulas; data files, numbers and what a stage reads back are unchanged."""

from pathlib import Path

import pandas as pd
import pytest

from realage.core.files import neutralized, read_listing, write_csv, write_listing

FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\n=1", '=A1&"x,y"', "-", "\uff1d1+1", "'=1", "-1\n"]
PLAIN = ["a.jpg", "-1.5", "+2", "-1e-5", "-.5", "", "a=1", "'quoted'", "'", " =1"]


@pytest.fixture
def table() -> pd.DataFrame:
    cells = [*FORMULAS, *PLAIN]
    return pd.DataFrame({"name": cells, "years": [-1.5] * len(cells), "count": [-1] * len(cells)})


def cells_of(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_a_formula_in_a_table_that_people_open_is_text(table, tmp_path):
    write_listing(tmp_path / "list.csv", table)
    cells = cells_of(tmp_path / "list.csv")
    assert list(cells["name"]) == [f"'{cell}" for cell in FORMULAS] + PLAIN
    assert set(cells["years"]) == {"-1.5"} and set(cells["count"]) == {"-1"}


def test_a_carriage_return_begins_a_formula_too():
    assert list(neutralized(pd.DataFrame({"name": ["\r=1", None]}))["name"].dropna()) == ["'\r=1"]


def test_a_stage_that_reads_such_a_table_sees_the_cells_as_they_were(table, tmp_path):
    write_listing(tmp_path / "list.csv", table)
    assert list(read_listing(tmp_path / "list.csv")["name"]) == list(table["name"])


def test_a_data_file_has_the_cells_as_they_are(table, tmp_path):
    write_csv(tmp_path / "data.csv", table)
    assert list(cells_of(tmp_path / "data.csv")["name"]) == list(table["name"])
