"""`realage relabel`: only the ages that differ change, byte for byte."""

from pathlib import Path

import pytest
from conftest import assert_one_line_error, call_realage, small_params, write_params

LABELS = Path("data/faces/labels.csv")
# A byte-order mark, Windows line ends, quotes, a line break in a cell, spaces, a blank row, and no line end at the end.
TEXT = (
    '\ufeff"file_name",note,real_age\r\n'
    '"a, b.jpg","said ""30""\r\nby phone", 30 \r\n'
    "\r\n"
    'c.jpg,,"41.50"\n'
    "=d.jpg,x,7"
)


@pytest.fixture
def faces(workspace: Path) -> Path:
    params = small_params()
    params["dataset"] |= {"labels": str(LABELS), "images": "data/faces/final_files"}
    write_params(workspace, params)
    LABELS.parent.mkdir(parents=True)
    LABELS.write_bytes(TEXT.encode())
    return workspace


def review(*rows: str) -> str:
    Path("reviewed.csv").write_text("\n".join(["file_name,real_age,rule", *rows]) + "\n")
    return "reviewed.csv"


def test_only_ages_that_differ_are_written_and_every_other_byte_stays(faces):
    done = call_realage(faces, "relabel", review('"a, b.jpg",30.0,x', "c.jpg,14.5,x", "'=d.jpg,70,x"))
    assert done.returncode == 0, done.stderr
    assert "2 of 3 ages changed in data/faces/labels.csv" in done.stdout and "dvc add" in done.stdout
    assert LABELS.read_bytes().decode() == TEXT.replace('"41.50"', "14.5").replace("x,7", "x,70")


def test_a_list_without_a_correction_changes_nothing(faces):
    done = call_realage(faces, "relabel", review("c.jpg,41.5,x"))
    assert done.returncode == 0 and "0 of 3 ages changed" in done.stdout
    assert LABELS.read_bytes().decode() == TEXT


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["c.jpg,14,x", "e.jpg,20,x"], ["reviewed.csv", "e.jpg", "not in data/faces/labels.csv"]),
        (["c.jpg,140,x"], ["c.jpg", "'140'", "not from 0 to 120 years"]),
        (['c.jpg,"14,5",x'], ["c.jpg", "write the age in years"]),
        (["c.jpg,14,x", "c.jpg,15,x"], ["c.jpg", "'14'"]),
    ],
)
def test_a_correction_that_cannot_be_right_changes_nothing(faces, rows, words):
    assert_one_line_error(call_realage(faces, "relabel", review("'=d.jpg,70,x", *rows)), *words)
    assert LABELS.read_bytes().decode() == TEXT


def test_a_file_that_is_no_list(faces):
    Path("reviewed.csv").write_text("file_name;real_age\nc.jpg;14\n")
    assert_one_line_error(call_realage(faces, "relabel", "reviewed.csv"), "reviewed.csv", "file_name and real_age")
    assert_one_line_error(call_realage(faces, "relabel", "nowhere.csv"), "nowhere.csv")


def test_the_sample_is_not_relabelled(workspace):
    write_params(workspace, small_params())
    assert_one_line_error(call_realage(workspace, "relabel", "reviewed.csv"), "stage 'sample'", "dataset.labels")
