"""Which validation photos calibrate: a person and a picture are in one part, and other photos do not matter."""

import numpy as np
import pandas as pd
import pytest

from realage.splits.calibration import JUDGING, QUANTILE, SCALE, calibration_parts


def table(count: int) -> pd.DataFrame:
    """Photos of noise, two of each subject but for every third, which has no name."""
    random = np.random.default_rng(1)
    return pd.DataFrame({
        "photo": [f"{number:032x}" for number in range(count)],
        "perceptual_hash": [random.bytes(32).hex() for _ in range(count)],
        "subject": ["" if number % 3 == 0 else f"person {number // 2}" for number in range(count)],
    })  # fmt: skip


def test_half_of_the_photos_calibrate_a_third_of_them_the_scale():
    parts = calibration_parts(table(3_000))["part"].value_counts(normalize=True)
    assert parts[[JUDGING, QUANTILE, SCALE]].tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=0.04)


def test_photos_of_a_person_and_near_duplicates_are_in_one_part_with_one_number():
    rows = table(600)
    rows.loc[rows.index[1::50], "perceptual_hash"] = rows.loc[rows.index[0::50], "perceptual_hash"].to_numpy()
    parts = calibration_parts(rows)
    assert (parts["part"][1::50].to_numpy() == parts["part"][0::50].to_numpy()).all()
    assert (parts["person"][1::50].to_numpy() == parts["person"][0::50].to_numpy()).all()
    named = rows["subject"] != ""
    assert (parts[named].groupby(rows["subject"][named]).nunique() == 1).all(axis=None)
    assert (parts.groupby("person")["part"].nunique() == 1).all()


def test_other_photos_and_their_order_move_no_photo():
    rows = table(600)
    whole = calibration_parts(rows).set_index(rows["photo"])["part"]
    some = rows.sample(frac=0.5, random_state=1)
    assert (calibration_parts(some)["part"].to_numpy() == whole[some["photo"]].to_numpy()).all()


def test_a_split_without_photos_and_one_without_subjects():
    assert calibration_parts(table(0)).empty
    alone = calibration_parts(table(1).drop(columns="subject"))
    assert alone["person"].tolist() == [1] and len(alone) == 1
