"""Markdown for a pull request. Another author's branch may contain anything: cells are escaped and bounded."""

from collections.abc import Sequence

from realage.core.errors import printable

NOTHING = "-"  # shown where a version has no such figure
LONGEST_CELL = 120  # characters of a key or value


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table. A cell cannot end early, but may contain Markdown: see `code`."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def code(text: str) -> str:
    """Return `text` as Markdown code, shortened, in which nothing is interpreted; NOTHING stays as it is."""
    return text if text == NOTHING else f"`{shorten(printable(text).replace('`', chr(39)))}`"


def shorten(text: str) -> str:
    """Return `text` cut at LONGEST_CELL characters, with a count of those left out."""
    left_out = len(text) - LONGEST_CELL
    return f"{text[:LONGEST_CELL]} ... ({left_out:,} more characters)" if left_out > 0 else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
