"""Where rows go: to standard output in one of four styles, or to a file that an interrupted run goes on with."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from realage.core.disk import naming, replacing
from realage.core.errors import UserError, printable
from realage.core.formulas import neutralized_cell
from realage.inference.rows import Row

TEXTS = ("photo", "error")  # columns that a file's name can be in


class Printed:
    """Prints rows: `table` and `json` when all of them are there, `csv` and `jsonl` one by one."""

    def __init__(self, style: str, columns: list[str]) -> None:
        """`columns` are those of every row; what a row lacks is empty."""
        self._columns = columns
        self._rows: list[Row] = []
        self._line = LINES.get(style)
        self._whole = {"table": as_table, "json": as_json}.get(style)
        if style == "csv":
            print(csv_line(dict(zip(columns, columns)), columns))

    def write(self, rows: list[Row]) -> None:
        """Print rows, or keep them for the end."""
        if self._line:
            for row in rows:
                print(self._line(row, self._columns))
        else:
            self._rows += rows

    def close(self) -> None:
        """Print what was kept."""
        if self._whole:
            print(self._whole(self._rows, self._columns))


class OutFile:
    """Writes rows to `path`, as csv or jsonl. Until all are there, the file has the suffix `.part`.

    Beside it, `settings` are kept in a file, `.part.json`: rows of another model must not follow.
    """

    def __init__(self, path: Path, style: str, columns: list[str], settings: Row, photos: Sequence[Path]) -> None:
        """Open the file, and find out after how many of `photos` it goes on: `done`, of which `failed` have no age.

        Raises UserError if `path` exists, or if what an interrupted run left there is not the beginning of this one.
        """
        if path.exists():
            raise UserError(f"{path}: exists already: delete it, or name another file")
        self._path, self._columns, self._line = path, columns, LINES[style]
        self._part, self._settings = (path.with_name(f"{path.name}{end}") for end in (".part", ".part.json"))
        self._lock = _lock(path)
        header = f"{csv_line(dict(zip(columns, columns)), columns)}\n".encode() if style == "csv" else b""
        settings = settings | {"style": style, "columns": columns}
        self.done, self.failed, end = 0, 0, len(header)
        if self._part.exists() and self._part.stat().st_size > len(header):
            if _read_settings(self._settings) != settings:
                raise UserError(f"{self._part}: left by a run with another model or other options: delete it")
            self.done, self.failed, end = self._finished(len(header), style, photos)
        else:
            with replacing(self._settings) as part:
                part.write_text(json.dumps(settings), encoding="utf-8")
            self._part.write_bytes(header)
        self._file: BinaryIO = self._part.open("r+b")
        self._file.truncate(end)
        self._file.seek(end)

    def _finished(self, start: int, style: str, photos: Sequence[Path]) -> tuple[int, int, int]:
        """How many photos are finished, how many of these have no age, and where the rows of the last one end.

        The last photo in the file is not counted: it may have more faces than rows.
        """
        done, failed, end, last, place = -1, 0, start, None, start
        has_failed = False
        with self._part.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                row = _read_line(line, style, self._columns, self._part)
                if row["photo"] != last:
                    done, failed, end, last = done + 1, failed + has_failed, place, row["photo"]
                    if done >= len(photos) or _as_written(photos[done], style) != last:
                        raise UserError(f"{self._part}: left by a run with other photos: delete it")
                    has_failed = bool(row["error"])
                place += len(line)
        return max(done, 0), failed, end

    def write(self, rows: list[Row]) -> None:
        """Append the rows of one photo."""
        with naming(self._part):
            self._file.write("".join(f"{self._line(row, self._columns)}\n" for row in rows).encode())

    def close(self) -> None:
        """All rows are there: give the file its name."""
        with naming(self._part):
            self._file.close()
        self._part.replace(self._path)
        self._settings.unlink()
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)


def csv_line(row: Row, columns: list[str]) -> str:
    """A line of CSV; a text that a spreadsheet program would run as a formula begins with a quote."""
    line = io.StringIO()
    cells = [printable(str(row.get(name, ""))) if name in TEXTS else row.get(name) for name in columns]
    csv.writer(line, lineterminator="").writerow([neutralized_cell(cell) for cell in cells])
    return line.getvalue()


def json_line(row: Row, columns: list[str]) -> str:
    """A JSON object in one line."""
    return json.dumps({name: row.get(name) for name in columns})


def as_json(rows: list[Row], columns: list[str]) -> str:
    """One JSON list."""
    return json.dumps([{name: row.get(name) for name in columns} for row in rows], indent=2)


def as_table(rows: list[Row], columns: list[str]) -> str:
    """Columns, aligned to the right."""
    cells = [[printable("" if row.get(name) is None else str(row.get(name))) for name in columns] for row in rows]
    table = [columns, *cells]
    widths = [max(len(line[place]) for line in table) for place in range(len(columns))]
    return "\n".join(" ".join(cell.rjust(width) for cell, width in zip(line, widths)).rstrip() for line in table)


LINES: dict[str, Callable[[Row, list[str]], str]] = {"csv": csv_line, "jsonl": json_line}


def _as_written(photo: Path, style: str) -> str:
    return neutralized_cell(printable(str(photo))) if style == "csv" else str(photo)


def _lock(path: Path) -> FileLock:
    """Take the lock of an output; it is free again when the process has ended, however it did."""
    if not path.parent.is_dir():
        raise UserError(f"{path.parent}: no such folder: create it, or name another file")
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(f"{path}: another run is writing it: wait for its end, or name another file") from None
    return lock


def _read_settings(file: Path) -> object:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # another program's, or damaged: no run here goes on with it


def _read_line(line: bytes, style: str, columns: list[str], part: Path) -> dict[str, str]:
    try:
        text = line.decode().rstrip("\n")
        row = json.loads(text) if style == "jsonl" else dict(zip(columns, next(csv.reader([text])), strict=True))
        if not isinstance(row, dict) or list(row) != columns:
            raise ValueError("a row with other columns")
    except (ValueError, StopIteration, RecursionError, csv.Error) as error:
        raise UserError(f"{part}: damaged ({error}): delete it") from error
    return row
