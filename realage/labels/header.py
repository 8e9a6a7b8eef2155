"""The beginning of a label file, judged before the table is parsed: its format, encoding, separator and header."""

import re
from pathlib import Path
from typing import NamedTuple

from realage.core.columns import FILE_NAME, REAL_AGE
from realage.core.errors import UserError
from realage.photos.kinds import kind_of

HEAD = 1_000_000  # bytes that are judged
MAX_HEADER = 65_536  # characters
MAX_ABOVE = 20  # lines above a header that are told
FORMATS = {
    b"PK\x03\x04": "a workbook or zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed (gzip)",
    b"BZh": "compressed (bzip2)",
    b"\xfd7zXZ": "compressed (xz)",
    b"\x28\xb5\x2f\xfd": "compressed (Zstandard)",
    b"7z\xbc\xaf": "compressed (7z)",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a database (SQLite)",
    b"%PDF": "a PDF document",
    b"{\\rtf": "an RTF document",
    b"\xff\xfe\0\0": "UTF-32 text",
    b"\0\0\xfe\xff": "UTF-32 text",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
TEXT_FORMATS = {"<": "HTML or XML", "{": "JSON", "[": "JSON"}  # if the first line has no required columns
LFS_POINTER = "version https://git-lfs"
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# Common in words, so they count only between the required columns. The last three are commas of other scripts.
RARE_SEPARATORS = {" ": "spaces", ":": "colons", "\uff0c": "'\uff0c'", "\u3001": "'\u3001'", "\u060c": "'\u060c'"}
QUOTED_LINE = re.compile(r'"[^"]*,[^"]*"')
EXCEL_HINT = re.compile(r'"?sep=.?"?[,;\s]*', re.IGNORECASE)  # a first line for Excel, which shows it to nobody
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+", re.ASCII)


class Header(NamedTuple):
    """Where the header is and how wide."""

    blank: int  # lines before it
    columns: int  # at most


def judge_header(path: Path) -> Header:
    """Return where the header of a CSV file is and how many columns it has at most.

    Raises UserError with the cure if the file has another format, encoding or separator, a hint for Excel above its
    header, or a header that is too long. A file without any line is accepted.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    _require_text(path, head)
    lines = re.split(r"\r\n?|\n", head.decode("utf-8-sig", "replace"))
    blank = next((place for place, line in enumerate(lines) if line.strip()), len(lines))
    header = lines[blank] if blank < len(lines) else ""
    if len(header) > MAX_HEADER or (not header and len(head) == HEAD):
        raise UserError(f"{path}: its header is not in the first {MAX_HEADER:,} characters: is it your label file? "
                        "The first line must be short, such as 'file_name,real_age'")
    _require_table(path, header)
    _require_commas(path, lines[blank:], blank + 1)
    return Header(blank, 1 + header.count(","))


def _require_text(path: Path, head: bytes) -> None:
    formats = [name for mark, name in FORMATS.items() if head.startswith(mark)]
    if kind := kind_of(head):
        formats.append(f"a photo ({kind})")
    if b"\0" in head[:4]:
        formats.append("UTF-16 text")
    if formats:
        raise UserError(f"{path}: is {formats[0]}, not UTF-8 text: save it as 'CSV UTF-8 (comma delimited)'")


def _require_table(path: Path, header: str) -> None:
    if header.startswith(LFS_POINTER):
        raise UserError(f"{path}: is a pointer of Git LFS, not the file itself: run 'git lfs pull'")
    format = TEXT_FORMATS.get(header.lstrip()[:1])
    if format and not _separator(header):
        raise UserError(f"{path}: is {format}, not CSV: save it as 'CSV UTF-8 (comma delimited)'")


def _require_commas(path: Path, lines: list[str], number: int) -> None:
    """Raise UserError if the header is not the first of `lines` or not separated by commas; `number` is its line's."""
    faults, cures = [], []
    if lines and EXCEL_HINT.fullmatch(lines[0]):
        faults.append(f"line {number} is '{lines[0].strip()}', a hint for Excel and not the header")
        cures.append("delete that line")
        lines, number = lines[1:], number + 1
    above = next((place for place, line in enumerate(lines[:MAX_ABOVE]) if _separator(line)), 0)
    if above:
        faults.append(f"the header is in line {number + above}")
        cures.append("delete the lines above it")
    lines, number = lines[above:], number + above
    separator = (_separator(lines[0]) or _likely_separator(lines[0])) if lines else ","
    if separator != ",":
        faults.append(f"its columns are separated by {(SEPARATORS | RARE_SEPARATORS)[separator]}")
        cures.append("separate them by commas")
        ages = (map(DECIMAL_COMMA.fullmatch, _cells(line, separator)) for line in lines[1:])
        row, age = next(((row, age[0]) for row, cells in enumerate(ages, number + 1) for age in cells if age), (0, ""))
        if row:
            faults.append(f"row {row} has a decimal comma ({age})")
            cures.append(f"write a point ({age.replace(',', '.')})")
    elif QUOTED_LINE.fullmatch(lines[0].strip() if lines else ""):
        faults.append("quotation marks stand around whole lines, which makes each one cell")
        cures.append("delete them")
    if faults:
        raise UserError(f"{path}: {' and '.join(faults)}: {' and '.join(cures)} "
                        "(docs/data.md, section 'Files from a spreadsheet', has the command)")


def _separator(header: str) -> str:
    """Return the separator between the required columns, a comma or a key of the tables; '' if they are not there."""
    marks = (",", *SEPARATORS, *RARE_SEPARATORS)
    return next((mark for mark in marks if {FILE_NAME, REAL_AGE} <= set(_cells(header, mark))), "")


def _likely_separator(header: str) -> str:
    return max((",", *SEPARATORS), key=header.count)


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip(' "') for cell in line.split(separator)]
