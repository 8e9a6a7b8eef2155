"""Label files as people write them, and the rule that each wrong row breaks."""

import csv

import pandas as pd
import pytest
from conftest import (
    assert_one_line_error,
    call_stages,
    commands,
    run_tool,
    write_params,
    write_photo,
)
from hypothesis import given
from hypothesis import strategies as st

from realage.core.errors import UserError
from realage.core.files import read_rows
from realage.labels.params import ValidateParams
from realage.labels.rules import RULES, check_rows
from realage.labels.table import read_labels

# What a cell can hold: the reader strips white space about it, and a line end within it stays what it is.
CHARACTERS = st.characters(exclude_categories=["Cc", "Cs", "Z"]) | st.sampled_from(' ,"\n;')
TEXT = st.text(CHARACTERS, max_size=6).map(str.strip)
PARAMS = ValidateParams(min_age=0, max_age=120, min_pixels=32, on_reject="quarantine", max_rejected=1)


def rules(rows: list[tuple[str, str]], photos: set[str]) -> dict[int, str]:
    table = pd.DataFrame(rows, columns=["file_name", "real_age"], dtype=str)
    return check_rows(table, pd.Series(sorted(photos), dtype="str"), PARAMS)["rule"].to_dict()


@pytest.mark.parametrize(
    ("name", "age", "rule"),
    [
        ("a.jpg", "25", None),
        ("a.jpg", "25.0", None),
        ("a.jpg", "25.5", None),
        ("a.jpg", "33.300000000000004", None),
        ("a.jpg", "25.", None),
        ("a.jpg", ".5", None),
        ("a.jpg", ".", "not_a_number"),
        ("a.jpg", "1234567890", "not_a_number"),
        ("sub/a.jpg", "0", None),
        ("a.jpg", "120", None),
        ("a.jpg", "120.1", "out_of_range"),
        ("a.jpg", "-1", "out_of_range"),
        ("a.jpg", "", "not_a_number"),
        ("a.jpg", "25,5", "not_a_number"),
        ("a.jpg", "NaN", "not_a_number"),
        ("a.jpg", "inf", "not_a_number"),
        ("a.jpg", "1e3", "not_a_number"),
        ("a.jpg", "25 years", "not_a_number"),
        ("a.jpg", "0x19", "not_a_number"),
        ("a.jpg", "1_0", "not_a_number"),
        ("a.jpg", "٢٥", "not_a_number"),
        ("b.jpg", "25", "missing_photo"),
        ("../a.jpg", "25", "unsafe_path"),
        ("sub/../../a.jpg", "25", "unsafe_path"),
        ("/etc/passwd", "25", "unsafe_path"),
        ("C:/a.jpg", "25", "unsafe_path"),
        ("sub\\a.jpg", "25", "unsafe_path"),
        ("a\0.jpg", "25", "unsafe_path"),
        ("", "25", "unsafe_path"),
    ],
)
def test_one_row_one_rule(name, age, rule):
    assert rules([(name, age)], {"a.jpg", "sub/a.jpg"}).get(0) == rule


def test_a_repeated_row_keeps_its_first_and_a_contradiction_keeps_none():
    rows = [("a.jpg", "20"), ("a.jpg", "20"), ("b.jpg", "30"), ("b.jpg", "31"), ("c.jpg", "40")]
    found = rules(rows, {"a.jpg", "b.jpg", "c.jpg"})
    assert found == {1: "repeated_row", 2: "conflicting_label", 3: "conflicting_label"}


def test_one_age_written_in_two_ways_is_no_contradiction():
    assert rules([("a.jpg", "25"), ("a.jpg", "25.0")], {"a.jpg"}) == {1: "repeated_row"}


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=6)), min_size=1, max_size=8))
def test_any_text_is_judged_by_a_known_rule_and_never_crashes(rows):
    found = rules(rows, {name for name, _ in rows})
    assert set(found.values()) <= set(RULES)
    for row, (_, age) in enumerate(rows):
        if row not in found:
            assert 0 <= float(age) <= 120


def test_reads_what_spreadsheets_write(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"\xef\xbb\xbffile_name,real_age,gender\r\n \"a, b.jpg\", 25 ,f\r\n")
    table = read_labels(tmp_path / "labels.csv")
    assert table.to_dict("records") == [{"file_name": "a, b.jpg", "real_age": "25", "gender": "f"}]


@given(
    st.lists(st.tuples(TEXT, TEXT, TEXT).filter(any), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
)
def test_whatever_a_csv_file_holds_is_read_as_it_stands_there(tmp_path_factory, rows, line_end, quoting, mark):
    path = tmp_path_factory.getbasetemp() / "labels.csv"
    with path.open("w", encoding="utf-8-sig" if mark else "utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=line_end, quoting=quoting)
        writer.writerows([("file_name", "real_age", "note"), *rows])
    table = read_labels(path)
    assert [tuple(row) for row in table.itertuples(index=False)] == rows
    assert list(table.index) == list(range(2, len(rows) + 2))


def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path):
    (tmp_path / "labels.csv").write_text('\n\nfile_name,real_age,\na.jpg,25,\n\n,,\n"b\n.jpg",26,\nc.jpg,27,\n')
    assert read_labels(tmp_path / "labels.csv")["real_age"].to_dict() == {4: "25", 7: "26", 8: "27"}
    assert list(read_labels(tmp_path / "labels.csv").columns) == ["file_name", "real_age"]


def test_a_lone_carriage_return_in_a_cell_comes_through_the_stages(workspace, params):
    for number in range(40):
        write_photo(workspace / f"faces/{number}.png", number)
    rows = "".join(f'{number}.png,30,"x\ry",7\n' for number in range(40))
    (workspace / "labels.csv").write_bytes(b"file_name,real_age,note,number\n" + rows.encode())
    params["dataset"] = {"labels": "labels.csv", "images": "faces"}
    params["split"] |= {"val_fraction": 0.4, "test_fraction": 0}
    write_params(workspace, params)
    assert call_stages(workspace, "scan", "validate", "split").returncode == 0
    assert (read_rows(workspace / "data/labels/splits.csv")["note"] == "x\ny").all()


def test_a_row_with_too_few_cells_is_rejected_and_not_guessed(tmp_path):
    (tmp_path / "labels.csv").write_text("file_name,real_age\na.jpg\n")
    table = read_labels(tmp_path / "labels.csv")
    assert check_rows(table, pd.Series(["a.jpg"]), PARAMS)["rule"][2] == "not_a_number"


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (None, "no such file"),
        (b"", "is empty"),
        (b"file_name,real_age\n", "no rows"),
        (b"name,age\na.jpg,3\n", "file_name and real_age"),
        (b"\n\n", "is empty"),
        (b"file_name,real_age,\na.jpg,3,x\n", "column 3 has cells but no name"),
        (b"labels of 2019\nfile_name,real_age\na.jpg,3\n", "header is in line 2: delete the line"),
        ("file_name,real_age\u200b\na.jpg,3\n".encode(), r"column 2 .*U\+200B"),
        (b"file_name;real_age\na.jpg;3\n", "separated by semicolons: separate them by commas"),
        (b"file_name;real_age;note\na.jpg;3;x, y\n", "separated by semicolons: separate them by commas"),
        (b"file;age\na.jpg;3\n", "separated by semicolons"),
        (b"file_name\treal_age\na.jpg\t3\n", "separated by tabs: separate them by commas"),
        (b"file_name\treal_age\tnote\na.jpg\t3\tx, y\n", "separated by tabs"),
        (b"\xef\xbb\xbffile_name|real_age\r\na.jpg|3\r\n", "separated by vertical bars"),
        (b"file_name;real_age\na.jpg;3\nb.jpg;3,5\n", r"row 3 has a decimal comma \(3,5\).*write a point \(3\.5\)"),
        (b"file_name,real_age\na.jpg,3\nb.jpg,3,5\n", r"line 3 has 3 cells, the header 2: write 3\.5 if 3,5 is an age"),
        (b"sep=,\r\nfile_name,real_age\r\na.jpg,3\r\n", "line 1 is 'sep=,', a hint for Excel.*delete that line"),
        (b'"sep=;"\nfile_name;real_age\na.jpg;3\n', "hint for Excel.*semicolons: delete that line and separate"),
        (b"sep=\t\nfile_name\treal_age\na.jpg\t3\n", "hint for Excel.*tabs: delete that line and separate"),
        ("file_name,real_age\na.jpg,3\n".encode("utf-16"), "UTF-16 text.*save it as 'CSV UTF-8"),
        ("file_name,real_age\na.jpg,3\n".encode("utf-16-be"), "UTF-16 text.*save it as 'CSV UTF-8"),
        (b"PK\x03\x04 and so on", "workbook.*save it as 'CSV UTF-8"),
        (b"SQLite format 3\0\x10", "is a database"),
        (b"PAR1\x15\x04", "is a Parquet file"),
        (b"%PDF-1.4\n%\xe2\xe3", "is a PDF document"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", r"is a photo \(PNG\)"),
        ("file_name,real_age\na.jpg,3\n".encode("utf-32"), "UTF-32 text.*save it as 'CSV UTF-8"),
        (b'[{"file_name": "a.jpg", "real_age": 3}]', "is JSON, not CSV"),
        (b"<html><td>file_name</td></html>", "is HTML or XML, not CSV"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "pointer of Git LFS.*run 'git lfs pull'"),
        (b"file_name real_age\na.jpg 3\n", "separated by spaces: separate them by commas"),
        (b"file_name:real_age\na.jpg:3\n", "separated by colons: separate them by commas"),
        ("file_name\uff0creal_age\na.jpg\uff0c3\n".encode(), "separated by '\uff0c': separate them by commas"),
        (b'"file_name,real_age"\n"a.jpg,3"\n', "quotation marks stand around whole lines.*: delete them"),
        (b"a.jpg,3\nb.jpg,4\n", r"first line is a row \(a\.jpg, 3\) and not the header: put a line above it"),
        (b"File Name,real_age\na.jpg,3\n", "the header has 'File Name': write file_name"),
        (b"file_name,real_age\na.jpg,3,,\n", "line 2 has 4 cells, the header 2: delete the commas at the end"),
        (b"file_name,real_age\na.jpg,3\n<<<<<<< HEAD\nb.jpg,4\n=======\nb.jpg,5\n>>>>>>> x\n", "row 3 .*conflict"),
        (b'file_name,real_age,note\n0001,3,"x\n0002,4,y\n0003,5,"z\n', "row 2, column note: the cell contains 2 of"),
        (b'file_name,real_age\nb.jpg,3\n"a.jpg,3\n', "row 3 has a quotation mark that is never closed"),
        (b'file_name,real_age,note\na.jpg,3,"x\nb.jpg,4,y\nc.jpg,5,"z\n',
         "row 2, column note: the cell contains 2 of the next rows, from 'b.jpg,4,y' on: delete the stray"),
        (b'file_name,real_age,note\n"a.jpg,3,x\nb.jpg,4,y",5,z\n', "column file_name: .* 1 of the next rows"),
        (b"file_name,real_age\na.jpg,4\n\xff\xfe,3\n", "line 3 is not UTF-8 text"),
        (b"file_name,real_age\na.jpg,3,4,5\n", "line 2 has 4 cells, the header 2: write"),
        (b"file_name,real_age,real_age\na.jpg,3,4\n", "twice"),
        (b"file_name,real_age,photo\na.jpg,3,x\n", "photo.*rename"),
        (b"file_name,real_age,perceptual_hash\na.jpg,3,x\n", "perceptual_hash.*rename"),
        (b"file_name,real_age,predicted_age\na.jpg,3,old\n", "predicted_age.*rename"),
        (b"file_name,real_age,predicted_spread\na.jpg,3,old\n", "predicted_spread.*rename"),
    ],
)
def test_a_file_that_is_no_label_table_is_named_with_the_remedy(tmp_path, contents, words):
    if contents is not None:
        (tmp_path / "labels.csv").write_bytes(contents)
    with pytest.raises(UserError, match=words) as error:
        read_labels(tmp_path / "labels.csv")
    assert "labels.csv" in str(error.value)


def test_the_command_of_the_docs_separates_by_commas(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"\xef\xbb\xbffile_name;real_age;note\r\n01;3,5;x, y\r\nNA;4;\r\n")
    command = commands("docs/data.md", "### Files from a spreadsheet")
    run_tool(tmp_path, "bash", "-c", command)
    rows = [("01", "3.5", "x, y"), ("NA", "4", "")]
    assert [tuple(row) for row in read_labels(tmp_path / "labels.csv").itertuples(index=False)] == rows


@pytest.mark.parametrize("contents", [
    b"file_name,real_age" + 70_000 * b"," + b"\na.jpg,3\n",
    b"file_name,real_age" + 3_000_000 * b"x",
    3_000_000 * b" ",
    b"file_name,real_age\na.jpg,3\n" + 3_000_000 * b",",
])  # fmt: skip
def test_an_endless_line_is_refused_before_it_is_parsed(tmp_path, monkeypatch, contents):
    (tmp_path / "labels.csv").write_bytes(contents)
    monkeypatch.setattr(pd, "read_csv", None)
    with pytest.raises(UserError, match=r"labels\.csv.*(line of more|header is not in the first)"):
        read_labels(tmp_path / "labels.csv")


def test_a_header_of_many_columns_over_short_rows_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("realage.labels.table.MAX_LABEL_BYTES", 100_000)
    monkeypatch.setattr("realage.labels.table.CELLS_AT_ONCE", 10_000)
    (tmp_path / "labels.csv").write_bytes(b"file_name,real_age" + 1_000 * b"," + b"\n" + 1_000 * b"a\n")
    with pytest.raises(UserError, match="more columns than its rows have cells"):
        read_labels(tmp_path / "labels.csv")


def test_a_file_read_in_parts_is_the_same_table(tmp_path, monkeypatch):
    rows = [f'"a{n}\n.jpg", {n} ,"x, {n}\r"' if n % 3 else "" for n in range(50)]
    (tmp_path / "labels.csv").write_text("\n\nfile_name,real_age,note\n" + "\n".join(rows) + "\n", newline="")
    whole = read_labels(tmp_path / "labels.csv")
    monkeypatch.setattr("realage.labels.table.CELLS_AT_ONCE", 12)
    pd.testing.assert_frame_equal(read_labels(tmp_path / "labels.csv"), whole)
    assert len(whole) == 33 and whole.index[-1] == 53


def test_text_with_line_breaks_that_is_no_row_stays(tmp_path):
    note = "first line\nsecond, third, 25\n.jpg, 4"
    (tmp_path / "labels.csv").write_text(f'file_name,real_age,note\na.jpg,3,"{note}"\n')
    assert list(read_labels(tmp_path / "labels.csv")["note"]) == [note]


@pytest.mark.parametrize(("cell", "hidden"), [("2\u200b5", "U+200B"), ("\u200e25", "U+200E"), ("25\u2060", "U+2060")])
def test_an_invisible_character_in_an_age_is_named(cell, hidden):
    table = pd.DataFrame([("a.jpg", cell)], columns=["file_name", "real_age"], dtype="str")
    finding = check_rows(table, pd.Series(["a.jpg"]), PARAMS).loc[0]
    assert finding["rule"] == "not_a_number" and f"invisible character ({hidden})" in finding["detail"]


def test_a_table_as_large_as_a_disk_is_refused_unread(tmp_path):
    with (tmp_path / "labels.csv").open("wb") as file:
        file.truncate(600_000_000)
    with pytest.raises(UserError, match=r"labels\.csv.*bytes, more than the limit of 500,000,000"):
        read_labels(tmp_path / "labels.csv")


def test_no_row_left_stops_with_the_list_written(workspace, params):
    write_photo(workspace / "faces/a.jpg", 1)
    (workspace / "labels.csv").write_text("file_name,real_age\na.jpg,old\n")
    params["dataset"] = {"labels": "labels.csv", "images": "faces"}
    write_params(workspace, params)
    failed = call_stages(workspace, "scan", "validate")
    assert_one_line_error(failed, "rejected.csv", "every row", "not_a_number (1)", "a.jpg: row 2: write the age")
    assert "a.jpg,old,not_a_number" in (workspace / "data/labels/rejected.csv").read_text()


def test_a_folder_without_photos_is_named(workspace, params):
    (workspace / "faces").mkdir()
    (workspace / "labels.csv").write_text("file_name,real_age\na.jpg,30\n")
    params["dataset"] = {"labels": "labels.csv", "images": "faces"}
    write_params(workspace, params)
    assert_one_line_error(call_stages(workspace, "scan", "validate"), "faces", "no photos")


@pytest.mark.parametrize(("key", "value"), [("on_reject", "fail"), ("max_rejected", 0.1)])
def test_too_many_rejections_stop_the_run(workspace, params, key, value):
    write_photo(workspace / "faces/a.jpg", 1)
    write_photo(workspace / "faces/b.jpg", 2)
    (workspace / "labels.csv").write_text("file_name,real_age\na.jpg,30\nb.jpg,-1\n")
    params["dataset"] = {"labels": "labels.csv", "images": "faces"}
    params["validate"] |= {"max_rejected": 1.0, key: value}
    write_params(workspace, params)
    assert_one_line_error(call_stages(workspace, "scan", "validate"), "rejected.csv", f"validate.{key}")
