"""Paired errors of two models, and the verdict on them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realage.history.paired import MIN_PHOTOS, compare_errors, same_photos


def scored(errors, ages=30.0) -> pd.DataFrame:
    """The predictions of a model that errs by `errors` years on photos 0, 1, 2, ..."""
    table = pd.DataFrame({"real_age": ages, "predicted_age": ages + np.asarray(errors, dtype=float)})
    return table.assign(photo=[f"{index:02}" for index in table.index])


def compared(before, after):
    return compare_errors(same_photos(scored(before), scored(after)))


def test_a_model_that_errs_less_on_every_photo_is_better_and_the_other_way_round_worse():
    errors = np.linspace(-10, 10, 50)
    assert compared(errors, errors * 0.8).verdict == "better"
    assert compared(errors * 0.8, errors).verdict == "worse"


def test_a_small_gain_that_holds_photo_by_photo_shows_although_the_two_intervals_of_the_mae_overlap():
    errors = np.random.default_rng(1).normal(0, 10, 200)
    paired = compared(errors, errors - 0.2 * np.sign(errors))
    assert paired.verdict == "better" and paired.difference == pytest.approx(-0.2, abs=0.02)


def test_errors_that_only_change_places_cannot_be_told_apart():
    errors = np.random.default_rng(1).normal(0, 5, 200)
    paired = compared(errors, errors[::-1])
    assert paired.verdict == "cannot tell" and paired.low < 0 < paired.high


def test_the_interval_holds_the_true_change_about_as_often_as_it_says():
    """Of 200 draws in which the second model errs 0.5 years less on average, 19 in 20 intervals should hold that."""
    random = np.random.default_rng(1)
    before = np.full(100, 10.0)
    held = [
        paired.low <= -0.5 <= paired.high
        for paired in (compared(before, before - random.normal(0.5, 2, 100)) for _ in range(200))
    ]
    assert 0.90 <= np.mean(held) <= 0.98


def test_the_same_predictions_are_called_the_same():
    assert compared(np.arange(30), np.arange(30)).verdict == "the same"


def test_a_photo_that_one_did_not_score_or_that_got_another_age_is_left_out():
    before, after = scored(np.arange(40)), scored(np.arange(45))
    after.loc[3, "real_age"] = 31.0
    kept = same_photos(before, after)
    assert set(kept["photo"]) == set(before["photo"]) - {"03"}


@pytest.mark.parametrize("photos", [0, 1, MIN_PHOTOS - 1])
def test_few_photos_give_no_verdict(photos):
    assert compared(np.zeros(photos), np.ones(photos)) is None


@given(st.lists(st.tuples(*[st.floats(-50, 50)] * 2), min_size=MIN_PHOTOS, max_size=40), st.randoms())
def test_neither_order_nor_run_changes_the_answer(errors, random):
    before, after = map(scored, zip(*errors))
    shuffled = after.sample(frac=1, random_state=random.randrange(1000))
    paired = compare_errors(same_photos(before, after))
    assert paired == compare_errors(same_photos(before, shuffled)) == compare_errors(same_photos(before[::-1], after))
    assert paired.low <= paired.difference + 1e-9 and paired.difference - 1e-9 <= paired.high
    back = compare_errors(same_photos(after, before))
    assert back.difference == pytest.approx(-paired.difference)
