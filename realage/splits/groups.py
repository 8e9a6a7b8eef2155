"""Groups of photos by a column of the labels, such as gender."""

import pandas as pd

from realage.core.errors import UserError, printable

NO_GROUP = "(none)"  # for an empty cell
LONGEST = 200  # characters of a name, so that sentences and tables stay legible


def groups_of(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return each row's group by `column`, NO_GROUP for an empty cell; invisible characters are escaped.

    Raises UserError if there is no such column, and if a name is longer than LONGEST.
    """
    if column not in rows.columns:
        raise UserError(f"evaluate.groups: the labels have no column '{column}': they have {', '.join(rows.columns)}")
    names = rows[column].astype(str).replace("", NO_GROUP).map(printable).rename("group")
    longest = max(names, key=len, default="")
    if len(longest) > LONGEST:
        raise UserError(f"evaluate.groups: {column}: '{longest[:LONGEST]}...' has {len(longest):,} characters: shorten "
                        f"it in the labels to at most {LONGEST}, or leave the column out")
    return names
