"""Rows in a file: what an interrupted run left there is gone on with, and rows of two kinds never meet."""

import json
from pathlib import Path

import pytest

from realage.core.errors import UserError
from realage.inference.outputs import OutFile, Printed

COLUMNS, SETTINGS = ["photo", "age", "error"], {"model": "one"}
PHOTOS = [Path(f"{name}.png") for name in ("a", "=b", "c", "d")]
ROWS = [[{"photo": str(photo), "age": 20.5 + n, "error": ""}] for n, photo in enumerate(PHOTOS)]
ROWS[2] = [{"photo": "c.png", "error": "no photo, but\na text"}]
ROWS[3] = [{"photo": "d.png", "age": 1.0, "error": ""}, {"photo": "d.png", "age": 2.0, "error": ""}]
both_styles = pytest.mark.parametrize("style", ["csv", "jsonl"])


def open_file(style: str, photos: list[Path] = PHOTOS, **changes: object) -> OutFile:
    return OutFile(Path("ages"), style, COLUMNS, SETTINGS | changes, photos)


def killed(file: OutFile) -> None:
    """What the end of its process does to a file."""
    file._file.close()
    file._lock.release()


def write_all(style: str, start: int = 0) -> bytes:
    file = open_file(style)
    for rows in ROWS[file.done :]:
        file.write(rows)
    file.close()
    return Path("ages").read_bytes()


@both_styles
def test_a_run_that_broke_off_anywhere_ends_in_the_same_file(workspace, style):
    whole = write_all(style)
    start = whole.index(b"\n") + 1 if style == "csv" else 0
    Path("ages").unlink()
    for end in range(start, len(whole) + 1):
        killed(open_file(style))
        Path("ages.part").write_bytes(whole[:end])
        assert write_all(style) == whole
        assert sorted(path.name for path in Path().iterdir()) == ["ages"]
        Path("ages").unlink()


@both_styles
def test_it_counts_what_is_done_and_what_failed(workspace, style):
    file = open_file(style)
    assert (file.done, file.failed) == (0, 0)
    for rows in ROWS[:3]:
        file.write(rows)
    killed(file)
    again = open_file(style)
    assert (again.done, again.failed) == (2, 0)  # of the third there could be more rows
    for rows in ROWS[2:]:
        again.write(rows)
    killed(again)
    last = open_file(style)
    assert (last.done, last.failed) == (3, 1)


@both_styles
def test_rows_of_another_run_are_not_gone_on_with(workspace, style):
    file = open_file(style)
    for rows in ROWS[:2]:
        file.write(rows)
    killed(file)
    before = Path("ages.part").read_bytes()
    with pytest.raises(UserError, match=r"ages\.part: left by a run with another model or other options: delete it"):
        open_file(style, model="two")
    with pytest.raises(UserError, match=r"ages\.part: left by a run with other photos: delete it"):
        open_file(style, PHOTOS[1:])
    Path("ages.part").write_bytes(b"\xff\xfe\n" + before)
    with pytest.raises(UserError, match=r"ages\.part: (damaged|left by)"):
        open_file(style)


@both_styles
@pytest.mark.parametrize("damage", [
    b"{}\n", b"[]\n", b"null\n", b"[" * 100_000 + b"\n", b'"' + b"a" * 200_000 + b'",1,\n', b"\xff\xfe\n",
])  # fmt: skip
def test_what_is_damaged_is_one_line(workspace, style, damage):
    file = open_file(style)
    file.write(ROWS[0])
    killed(file)
    Path("ages.part").write_bytes(Path("ages.part").read_bytes() + damage)
    with pytest.raises(UserError, match=r"ages\.part: (damaged|left by)"):
        open_file(style)


@both_styles
@pytest.mark.parametrize("damage", [b"{nojson", b"\xff\xfe", b"null"])
def test_settings_that_are_damaged_are_those_of_another_run(workspace, style, damage):
    file = open_file(style)
    file.write(ROWS[0])
    killed(file)
    Path("ages.part.json").write_bytes(damage)
    with pytest.raises(UserError, match=r"ages\.part: left by a run with another model"):
        open_file(style)


def test_a_second_run_does_not_write_into_the_file_of_a_first(workspace):
    first = open_file("csv")
    with pytest.raises(UserError, match="ages: another run is writing it"):
        open_file("csv", model="two")
    for rows in ROWS:
        first.write(rows)
    first.close()
    assert [path.name for path in Path().iterdir()] == ["ages"]
    with pytest.raises(UserError, match="nowhere: no such folder"):
        OutFile(Path("nowhere/ages"), "csv", COLUMNS, SETTINGS, PHOTOS)


def test_a_file_that_exists_is_not_overwritten(workspace):
    Path("ages").write_text("precious")
    with pytest.raises(UserError, match="ages: exists already: delete it, or name another file"):
        open_file("csv")
    assert Path("ages").read_text() == "precious"


def test_what_is_printed_is_what_a_file_gets(workspace, capsys):
    for style in ("csv", "jsonl"):
        printed = Printed(style, COLUMNS)
        for rows in ROWS:
            printed.write(rows)
        printed.close()
        assert capsys.readouterr().out == write_all(style).decode()
        Path("ages").unlink()
    printed = Printed("json", COLUMNS)
    printed.write(ROWS[2])
    printed.close()
    assert json.loads(capsys.readouterr().out) == [{"photo": "c.png", "age": None, "error": "no photo, but\na text"}]
