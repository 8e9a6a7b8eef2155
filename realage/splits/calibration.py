"""Which validation photos calibrate the intervals of a model, and which judge them.

The part follows from a hash of the person, or of the photo where nobody is named. So it depends on no other photo, but
for near-duplicates: they stay together. No person and no picture is in two parts.
"""

import pandas as pd

from realage.core.columns import PERSON
from realage.splits.people import people_apart
from realage.splits.subjects import identities, position_of

PART = "part"  # the column of the parts below
SCALE = "scale"  # these photos show how the error grows with the predicted age and spread
QUANTILE = "quantile"  # these show how many times as large an error must be allowed for
JUDGING, CALIBRATING = "judging", "calibrating"
SHARES = {SCALE: 1 / 6, QUANTILE: 1 / 3}  # of the validation photos; the others judge


def calibration_parts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `person` and `part` of each row of the validation split, in a table with the index of `rows`.

    `rows` has columns `photo` and `perceptual_hash`, and optionally `subject`. `person`, int, counts from 1 by first
    appearance, and is equal for photos that a chain of subjects and near-duplicates joins. `part` is SCALE, QUANTILE or
    JUDGING.
    """
    if rows.empty:
        return pd.DataFrame({PERSON: [], PART: []}, index=rows.index)
    person = pd.Series(pd.factorize(people_apart(rows))[0] + 1, index=rows.index)
    return pd.DataFrame({PERSON: person, PART: identities(rows).groupby(person).transform("min").map(_part)})


def _part(identity: str) -> str:
    position = position_of(f"calibration:{identity}")
    if position < SHARES[SCALE]:
        return SCALE
    return QUANTILE if position < SHARES[SCALE] + SHARES[QUANTILE] else JUDGING
