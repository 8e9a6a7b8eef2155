"""Orders labels by how little they fit what networks that have not seen them say: the least believable first.

The score of a label is its distance from the out-of-fold age, divided by the error that is expected of such an age.
Cross-validated predictions find label errors where residuals in training do not, because a network learns wrong labels
too (Northcutt, Jiang & Chuang 2021, JAIR 70, for classes; Zhou et al. 2023, arXiv:2305.16583, for regression). The
expected error grows with age, so that a child labelled ten years too old comes before an old person of whom ten years
are an ordinary error. It is that of the intervals: `realage.calibration.fit.fit_scale`.
"""

import pandas as pd

from realage.calibration.fit import fit_scale
from realage.core.columns import FILE_NAME, PREDICTED_AGE, REAL_AGE, SPLIT

RULE, DETAIL, SCORE = "rule", "detail", "score"
UNLIKELY, CONFLICTING = "unlikely_age", "conflicting_ages"
MOST_NAMED = 3  # near-duplicates in the detail of a row


def rank_labels(rows: pd.DataFrame, answers: pd.DataFrame, conflicting: pd.DataFrame) -> pd.DataFrame:
    """Return all labels, the least believable first.

    `rows` has columns `file_name`, `real_age` (years) and `split`; `answers` has their out-of-fold `age` and perhaps
    `spread`, years, with the same index; `conflicting` is from `splits.near_duplicates.conflicting_ages`. The result
    has columns `file_name`, `real_age`, `rule`, `detail`, `predicted_age` (years), `score` and `split`.

    Near-duplicates should have one age. So the score of a photo in `conflicting` is at least that of an error as large
    as the years between the two ages.
    """
    expected = fit_scale(rows[REAL_AGE].to_numpy(), answers).of(answers)
    score = (rows[REAL_AGE] - answers["age"]).abs() / expected
    apart = rows[FILE_NAME].map(conflicting.set_index(FILE_NAME)["years_apart"]).fillna(0) / expected
    conflicts = apart > score
    detail = pd.Series([f"looks like {age:.0f} years: look at the photo, and correct real_age if it is wrong"
                        for age in answers["age"]], index=rows.index)
    ranked = pd.DataFrame({
        FILE_NAME: rows[FILE_NAME],
        REAL_AGE: rows[REAL_AGE],
        RULE: conflicts.map({True: CONFLICTING, False: UNLIKELY}),
        DETAIL: detail.mask(conflicts, rows[FILE_NAME].map(_near_duplicates(conflicting))),
        PREDICTED_AGE: answers["age"].round(1),
        SCORE: score.mask(conflicts, apart).round(2),
        SPLIT: rows[SPLIT],
    })  # fmt: skip
    return ranked.sort_values([SCORE, FILE_NAME], ascending=[False, True], ignore_index=True)


def _near_duplicates(conflicting: pd.DataFrame) -> dict[str, str]:
    """What to do with each photo of `conflicting`, by name."""
    details = {}
    for _, group in conflicting.groupby("group"):
        for name in group[FILE_NAME]:
            others = group[group[FILE_NAME] != name].head(MOST_NAMED)
            named = ", ".join(f"{other} (age {age:g})" for other, age in zip(others[FILE_NAME], others[REAL_AGE]))
            details[name] = f"near-duplicate of {named}: find out which age is right"
    return details
