"""Labels of a million rows: memory and what is said of each row."""

import pandas as pd
import pytest

from benchmarks.labels import STAGE, measure, write_case
from realage.labels.params import ValidateParams
from realage.labels.rules import check_rows, check_same_photo

PARAMS = ValidateParams(min_age=0, max_age=120, min_pixels=32, on_reject="quarantine", max_rejected=1)


def test_each_of_many_conflicts_lists_its_rivals_and_no_more_than_five():
    table = pd.DataFrame({"file_name": ["a.jpg"] * 8 + ["b.jpg"] * 2, "real_age": list("1234567812")}, dtype="str")
    found = check_rows(table, pd.Series(["a.jpg", "b.jpg"]), PARAMS)["detail"]
    assert "age 2 in row 1, 3 in row 2, 4 in row 3, 5 in row 4, 6 in row 5 and more:" in found[0]
    assert "age 1 in row 0, 2 in row 1, 3 in row 2, 4 in row 3, 5 in row 4 and more:" in found[7]
    assert "age 1 in row 0, 2 in row 1, 4 in row 3, 5 in row 4, 6 in row 5 and more:" in found[2]
    assert "age 2 in row 9: keep" in found[8] and "age 1 in row 8: keep" in found[9]


def test_copies_of_one_age_keep_the_first_and_conflicts_keep_none():
    rows = [("a", 1.0, "p"), ("b", 2.0, "q"), ("c", 1.0, "p"), ("d", 3.0, "q"), ("e", 1.0, "r"), ("f", 1.0, "p")]
    found = check_same_photo(pd.DataFrame(rows, columns=["file_name", "real_age", "photo"]))
    assert found["rule"].to_dict() == {
        2: "duplicate_photo", 5: "duplicate_photo", 1: "conflicting_label", 3: "conflicting_label",
    }  # fmt: skip
    assert found["detail"][1] == "same pixels as d (age 3): find out which age is right"


@pytest.mark.slow
@pytest.mark.parametrize("case", ["sound", "conflicts", "suffix"])
def test_a_million_rows_take_less_than_1_500_megabytes(tmp_path, case):
    write_case(tmp_path, case, 1_000_000)
    assert measure(str(tmp_path), STAGE)[1] < 1_500
