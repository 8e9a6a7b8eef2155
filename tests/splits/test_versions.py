"""Versions of the data: they change with what a model is judged on, and with nothing else."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realage.splits.versions import data_version, held_out_versions, split_version

PHOTOS, AGES = st.text("abc", min_size=1), st.integers(0, 100).map(float)
ROWS = st.lists(st.tuples(PHOTOS, AGES), min_size=1, max_size=8, unique_by=lambda row: row[0])


def table(rows, **columns) -> pd.DataFrame:
    photos = pd.DataFrame(rows, columns=["photo", "real_age"])
    return photos.assign(file_name=photos["photo"] + ".jpg", **columns)


@given(ROWS, st.randoms())
def test_the_order_of_rows_is_no_matter_and_for_a_split_names_are_none(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert data_version(table(rows)) == data_version(table(shuffled))
    assert split_version(table(rows)) == split_version(table(shuffled).assign(file_name="x.jpg"))


@given(ROWS)
def test_another_age_photo_or_name_is_another_version(rows):
    (photo, age), *rest = rows
    for other in ([(photo, age + 1), *rest], [(f"{photo}d", age), *rest], rest):
        assert split_version(table(other)) != split_version(table(rows))
        assert data_version(table(other)) != data_version(table(rows))
    renamed = table(rows).assign(file_name="x.jpg")
    assert data_version(renamed) != data_version(table(rows))


def test_only_splits_that_exist_have_a_version():
    rows = table([("a", 1.0), ("b", 2.0), ("c", 3.0)], split=["train", "val", "excluded"])
    assert list(held_out_versions(rows)) == ["val_version"]
    assert list(held_out_versions(rows.assign(split=["train", "val", "test"]))) == ["val_version", "test_version"]


@pytest.mark.parametrize("change", [{"split": "test"}, {"split": "excluded"}])
def test_a_photo_that_leaves_validation_changes_its_version(change):
    rows = table([("a", 1.0), ("b", 2.0), ("c", 3.0)], split=["train", "val", "val"])
    moved = rows.copy()
    moved.loc[2, "split"] = change["split"]
    assert held_out_versions(moved)["val_version"] != held_out_versions(rows)["val_version"]
    assert data_version(moved) == data_version(rows)
