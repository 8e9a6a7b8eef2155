"""Which label is believed least."""

import numpy as np
import pandas as pd
import pytest

from realage.splits.near_duplicates import conflicting_ages
from realage.suspects.ranking import rank_labels

NONE = conflicting_ages(pd.DataFrame({"file_name": ["a"], "real_age": [1.0], "split": ["val"]}), np.array([0]))


def people() -> tuple[pd.DataFrame, pd.DataFrame]:
    """200 children, on whom the networks err by 1 year, and 200 old people, on whom they err by 8."""
    ages = np.repeat([6.0, 70.0], 200)
    errors = np.tile([1.0, -1.0], 200) * np.repeat([1.0, 8.0], 200)
    names = [f"{i:03}.jpg" for i in range(400)]
    rows = pd.DataFrame({"file_name": names, "real_age": ages + errors, "split": "train"})
    return rows, pd.DataFrame({"age": ages})


def test_an_error_counts_more_where_errors_are_small():
    rows, answers = people()
    rows.loc[0, "real_age"], rows.loc[399, "real_age"] = 16.0, 50.0  # 10 and 20 years away
    ranked = rank_labels(rows, answers, NONE)
    assert ranked["file_name"][:2].tolist() == ["000.jpg", "399.jpg"]
    assert ranked["rule"][0] == "unlikely_age" and ranked["detail"][0].startswith("looks like 6 years: ")
    assert ranked["predicted_age"][0] == 6.0
    # The mean error of children is (199 · 1 + 10) / 200 years, and nearly so with what smoothing mixes in.
    assert 7 < ranked["score"][0] < 10 and 2 < ranked["score"][1] < 3
    assert len(ranked) == 400 and ranked["score"].is_monotonic_decreasing


def test_near_duplicates_of_different_ages_are_on_the_list_though_each_is_believable():
    rows, answers = people()
    rows.loc[200, "real_age"], rows.loc[201, "real_age"] = 58.0, 82.0  # 12 years from 70 each, 24 from each other
    groups = np.arange(400)
    groups[201] = 200
    ranked = rank_labels(rows, answers, conflicting_ages(rows, groups))
    assert ranked["file_name"][:2].tolist() == ["200.jpg", "201.jpg"]
    assert ranked["rule"][:2].tolist() == ["conflicting_ages"] * 2
    assert ranked["detail"][0] == "near-duplicate of 201.jpg (age 82): find out which age is right"
    alone = rank_labels(rows, answers, NONE).set_index("file_name")["score"]
    assert ranked["score"][0] == pytest.approx(2 * alone["200.jpg"], abs=0.02)


def test_near_duplicates_that_hardly_differ_are_judged_by_their_age():
    rows, answers = people()
    rows.loc[200, "real_age"], rows.loc[201, "real_age"] = 78.0, 78.5
    groups = np.arange(400)
    groups[201] = 200
    ranked = rank_labels(rows, answers, conflicting_ages(rows, groups))
    assert (ranked["rule"] == "unlikely_age").all()
