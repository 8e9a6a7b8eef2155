"""Splits: they stay put as the data grow, and never part one person."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realage.errors import UserError
from realage.splits import SplitParams, assign_splits

STABLE = SplitParams(strategy="stable", val_fraction=0.2, test_fraction=0.2, salt="realage")


def table(count: int, **columns: list[str]) -> pd.DataFrame:
    names = [f"{i}.jpg" for i in range(count)]
    return pd.DataFrame({"file_name": names, "real_age": 30.0, "photo": [f"hash{i}" for i in range(count)], **columns})


@given(st.sets(st.integers(0, 299)), st.randoms())
def test_no_photo_moves_when_others_come_go_or_change_order(removed, random):
    whole = table(300)
    before = dict(zip(whole["photo"], assign_splits(whole, STABLE)))
    fewer = whole.drop(index=list(removed)).sample(frac=1, random_state=random.randrange(2**31))
    fewer = pd.concat([fewer, table(400).tail(100)]).assign(file_name="renamed.jpg", real_age=50.0)
    after = dict(zip(fewer["photo"], assign_splits(fewer, STABLE)))
    assert {photo: after[photo] for photo in after if photo in before} == {
        photo: before[photo] for photo in before if photo in after
    }


@given(st.lists(st.sampled_from(["ann", "bob", "cy", "di", "ed", ""]), min_size=60, max_size=60))
def test_one_subject_is_in_one_split(subjects):
    rows = table(600, subject=subjects * 5 + [""] * 300)
    rows["split"] = assign_splits(rows, STABLE)
    named = rows[rows["subject"] != ""]
    assert named.empty or (named.groupby("subject")["split"].nunique() == 1).all()


def test_shares_are_about_as_asked_and_another_salt_draws_another_split():
    rows = table(5000)
    first = assign_splits(rows, STABLE)
    shares = first.value_counts(normalize=True)
    assert abs(shares["val"] - 0.2) < 0.03 and abs(shares["test"] - 0.2) < 0.03
    assert (assign_splits(rows, STABLE.model_copy(update={"salt": "other"})) != first).mean() > 0.3


def test_leading_takes_the_first_rows_as_keras_does():
    rows = table(7591)
    splits = assign_splits(rows, SplitParams(strategy="leading", val_fraction=0.25, test_fraction=0, salt=""))
    assert list(splits[:1897].unique()) == ["val"] and list(splits[1897:].unique()) == ["train"]


def test_column_takes_official_splits_and_names_a_wrong_one():
    official = SplitParams(strategy="column", val_fraction=0.1, test_fraction=0, salt="")
    assert list(assign_splits(table(3, split=["train", "val", "test"]), official)) == ["train", "val", "test"]
    with pytest.raises(UserError, match=r"1\.jpg.*'valid'"):
        assign_splits(table(2, split=["train", "valid"]), official)
    with pytest.raises(UserError, match="no column 'split'"):
        assign_splits(table(2), official)


@pytest.mark.parametrize("strategy", ["leading", "column"])
def test_a_subject_in_two_splits_is_refused(strategy):
    rows = table(8, subject=["", "", "ann", "bob", "cy", "ann", "", ""], split=["val", "val", "val", *["train"] * 5])
    params = SplitParams(strategy=strategy, val_fraction=0.375, test_fraction=0, salt="")
    with pytest.raises(UserError, match="subject 'ann' is in train and val"):
        assign_splits(rows, params)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_split_without_photos_is_an_error(count):
    with pytest.raises(UserError, match="has no photos"):
        assign_splits(table(count), STABLE.model_copy(update={"val_fraction": 0.001, "test_fraction": 0.0}))
