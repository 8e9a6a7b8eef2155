"""Groups of photos by a column of the labels, such as gender."""

import pandas as pd

from realage.core.errors import UserError

NO_GROUP = "(none)"  # for an empty cell


def groups_of(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return each row's group by `column`, NO_GROUP for an empty cell. Raises UserError if there is no such column."""
    if column not in rows.columns:
        raise UserError(f"evaluate.groups: the labels have no column '{column}': they have {', '.join(rows.columns)}")
    return rows[column].astype(str).replace("", NO_GROUP).rename("group")
