"""The beginning of a label file, judged before the table is parsed: its format, encoding, separator and header."""

import re
from pathlib import Path
from typing import NamedTuple

from realage.core.columns import FILE_NAME, REAL_AGE
from realage.core.errors import UserError

HEAD = 1_000_000  # bytes that are judged
MAX_HEADER = 65_536  # characters
MAX_ABOVE = 20  # lines above a header that are told
FORMATS = {
    b"PK\x03\x04": "a workbook or zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed (gzip)",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
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
    _require_commas(path, lines[blank:], blank + 1)
    return Header(blank, 1 + header.count(","))


def _require_text(path: Path, head: bytes) -> None:
    formats = [name for mark, name in FORMATS.items() if head.startswith(mark)]
    if b"\0" in head[:4]:
        formats.append("UTF-16 text")
    if formats:
        raise UserError(f"{path}: is {formats[0]}, not UTF-8 text: save it as 'CSV UTF-8 (comma delimited)'")


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
        faults.append(f"its columns are separated by {SEPARATORS[separator]}")
        cures.append("separate them by commas")
        ages = (map(DECIMAL_COMMA.fullmatch, _cells(line, separator)) for line in lines[1:])
        row, age = next(((row, age[0]) for row, cells in enumerate(ages, number + 1) for age in cells if age), (0, ""))
        if row:
            faults.append(f"row {row} has a decimal comma ({age})")
            cures.append(f"write a point ({age.replace(',', '.')})")
    if faults:
        raise UserError(f"{path}: {' and '.join(faults)}: {' and '.join(cures)} "
                        "(docs/data.md, section 'Files from a spreadsheet', has the command)")


def _separator(header: str) -> str:
    """Return the separator between the required columns, one of SEPARATORS or a comma; '' if they are not there."""
    return next((mark for mark in (",", *SEPARATORS) if {FILE_NAME, REAL_AGE} <= set(_cells(header, mark))), "")


def _likely_separator(header: str) -> str:
    return max((",", *SEPARATORS), key=header.count)


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip(' "') for cell in line.split(separator)]
