"""Folds: who is in which, whatever the order of the photos."""

import numpy as np
import pandas as pd
import pytest

from realage.core.errors import UserError
from realage.suspects.folds import assign_folds


def photos(number: int, subjects: list[str] | None = None) -> pd.DataFrame:
    random = np.random.default_rng(1)
    rows = pd.DataFrame({
        "photo": [f"{i:064x}" for i in range(number)],
        "perceptual_hash": [random.bytes(32).hex() for _ in range(number)],
    })  # fmt: skip
    return rows if subjects is None else rows.assign(subject=subjects)


def test_one_person_is_in_one_fold_and_folds_have_equal_numbers_of_people():
    rows = photos(120, [f"person {i % 40}" for i in range(120)])
    rows["fold"] = assign_folds(rows, 4)
    people = rows.groupby("subject")["fold"]
    assert (people.nunique() == 1).all() and people.first().value_counts().tolist() == [10] * 4


def test_near_duplicates_are_in_one_fold_whoever_they_are_said_to_show():
    rows = photos(60)
    rows.loc[30:, "perceptual_hash"] = rows.loc[:29, "perceptual_hash"].to_numpy()
    found = assign_folds(rows, 3)
    assert (found[:30] == found[30:]).all() and set(found) == {0, 1, 2}


def test_the_order_of_the_photos_does_not_matter():
    rows = photos(50)
    turned = rows.iloc[::-1].reset_index(drop=True)
    assert (assign_folds(rows, 3) == assign_folds(turned, 3)[::-1]).all()


def test_fewer_people_than_folds():
    with pytest.raises(UserError, match="--folds 3: the photos show only 2 people"):
        assign_folds(photos(10, ["anna", "bert"] * 5), 3)
