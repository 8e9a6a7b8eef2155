"""Cells of CSV files that a spreadsheet program would run as a formula (OWASP, "CSV Injection")."""

import re
from typing import Any

# The start of a cell that a spreadsheet program takes for a formula, unless it is a number. Quotes may stand before it,
# so that a quote of `neutralized_cell` can be told from one of the cell's own.
FORMULA = re.compile(r"(?![-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\Z)'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]", re.ASCII)


def neutralized_cell(cell: Any) -> Any:
    """Return the cell, with a single quote before it if it is such a text."""
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell
