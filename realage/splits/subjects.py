"""The column `subject`: which words mean that nobody knows the person."""

import pandas as pd

from realage.core.columns import PHOTO, SUBJECT
from realage.core.digests import short_digest

# In lower case. Texts without any letter or digit, such as '-', '?' and '...', mean the same.
NOT_KNOWN = {
    "unknown", "unk", "unknown person", "unknown subject", "not known", "not available", "not applicable", "anonymous",
    "anon", "missing", "n/a", "#n/a", "na", "n.a.", "nan", "nil", "none", "null", "<na>", "undefined", "unspecified",
}  # fmt: skip


def known_subjects(table: pd.DataFrame) -> pd.Series:
    """Return the subject of each row of `table`, '' if it is empty or one of the usual words for 'not known'.

    A table without column `subject` gives '' for each row.
    """
    if SUBJECT not in table.columns:
        return pd.Series("", index=table.index, dtype="str")
    return table[SUBJECT].mask(~table[SUBJECT].map(is_known).astype(bool), "")


def identities(rows: pd.DataFrame) -> pd.Series:
    """Return who is in each row: `subject:NAME`, or the pixel hash of a photo without a known subject.

    `rows` has a column `photo`, and optionally `subject`.
    """
    subjects = known_subjects(rows)
    return ("subject:" + subjects).where(subjects != "", rows[PHOTO])


def is_known(subject: str) -> bool:
    """Return whether `subject` can be the name of one person."""
    return subject.strip().casefold() not in NOT_KNOWN and any(letter.isalnum() for letter in subject)


def position_of(identity: str) -> float:
    """Return a number from 0 to 1 that a digest of `identity` draws: uniform over identities, the same for each."""
    return int(short_digest(identity), 16) / 2**64
