"""Paired errors of two models, and the verdict on them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realage.evaluation.intervals import MIN_PEOPLE
from realage.history.paired import compare_errors, same_photos


def scored(errors, ages=30.0, photos_each=1) -> pd.DataFrame:
    """The predictions of a model that errs by `errors` years on photos 0, 1, 2, ..."""
    table = pd.DataFrame({"real_age": ages, "predicted_age": ages + np.asarray(errors, dtype=float)})
    return table.assign(photo=[f"{index:02}" for index in table.index], person=table.index // photos_each + 1)


def compared(before, after, **people):
    return compare_errors(same_photos(scored(before, **people), scored(after, **people)))


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


def test_a_gain_on_many_photos_of_few_people_is_less_sure_than_on_as_many_people():
    gains = np.random.default_rng(3).normal(0.2, 1, 60).repeat(10)
    photos, people = (compared(np.full(600, 20.0), 20.0 - gains, photos_each=each) for each in (1, 10))
    assert photos.verdict == "better" and people.verdict == "cannot tell"
    assert (photos.people, people.people) == (600, 60) and photos.difference == people.difference


def test_people_are_those_of_the_version_that_knows_more_of_them():
    before, after = scored(np.zeros(90)), scored(np.ones(90), photos_each=2)
    for pair in ((before, after), (after, before)):
        assert compare_errors(same_photos(*pair)).people == 45


def test_the_same_predictions_are_called_the_same():
    assert compared(np.arange(30), np.arange(30)).verdict == "the same"


def test_a_photo_that_one_did_not_score_or_that_got_another_age_is_left_out():
    before, after = scored(np.arange(40)), scored(np.arange(45))
    after.loc[3, "real_age"] = 31.0
    kept = same_photos(before, after)
    assert set(kept["photo"]) == set(before["photo"]) - {"03"}


@pytest.mark.parametrize("photos", [0, 1, MIN_PEOPLE - 1])
def test_few_photos_give_no_verdict(photos):
    assert compared(np.zeros(photos), np.ones(photos)) is None


@given(st.lists(st.tuples(*[st.floats(-50, 50)] * 2), min_size=MIN_PEOPLE, max_size=50), st.randoms())
def test_neither_order_nor_run_changes_the_answer(errors, random):
    before, after = map(scored, zip(*errors))
    shuffled = after.sample(frac=1, random_state=random.randrange(1000))
    paired = compare_errors(same_photos(before, after))
    assert paired == compare_errors(same_photos(before, shuffled)) == compare_errors(same_photos(before[::-1], after))
    assert paired.low <= paired.difference + 1e-9 and paired.difference - 1e-9 <= paired.high
    back = compare_errors(same_photos(after, before))
    assert back.difference == pytest.approx(-paired.difference)
