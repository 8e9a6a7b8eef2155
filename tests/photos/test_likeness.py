"""Measures of training photos, and the reasons why another photo is unlike them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from realage.photos.likeness import (
    DIGITS,
    FACELESS,
    LEAST_PHOTOS,
    LEVELS,
    Distribution,
    Seen,
    TrainingSummary,
    look_at,
    summarize,
)

NAN = math.nan
USUAL = Seen(brightness=120, contrast=55, sharpness=12, eye_distance=0.35, face_pixels=60)


def varied(count: int, seed: int = 1) -> list[Seen]:
    """Measures of as many photos, which vary around USUAL."""
    factors = np.random.default_rng(seed).normal(1, 0.1, (count, len(USUAL)))
    return [Seen(*row) for row in (np.array(USUAL) * factors).tolist()]


TRAINED = summarize(varied(2_000))


@pytest.mark.parametrize("change, reason", [
    ({"brightness": 20}, "dark"), ({"brightness": 220}, "bright"),
    ({"contrast": 10}, "low_contrast"), ({"contrast": 110}, "high_contrast"),
    ({"sharpness": 2}, "blurred"), ({"sharpness": 30}, "grainy"),
    ({"eye_distance": 0.15}, "face_too_far"), ({"eye_distance": 0.6}, "face_too_close"),
    ({"face_pixels": 8}, "few_pixels"), ({"eye_distance": NAN, "face_pixels": NAN}, "no_face"),
])  # fmt: skip
def test_each_kind_of_unlike_photo_has_its_word(change, reason):
    assert TRAINED.reasons(USUAL) == () and TRAINED.reasons(USUAL._replace(**change)) == (reason,)


def test_more_pixels_than_in_training_are_no_reason():
    assert TRAINED.reasons(USUAL._replace(face_pixels=5_000)) == ()


def test_few_of_the_photos_of_the_same_kind_have_a_reason():
    others = [TRAINED.reasons(seen) for seen in varied(2_000, seed=2)]
    assert sum(map(bool, others)) / len(others) < 2 * len(USUAL) * LEVELS[0] * 2


def test_photos_without_faces_are_no_news_to_a_model_that_learnt_from_some():
    faceless = [seen._replace(eye_distance=NAN, face_pixels=NAN) for seen in varied(60)]
    mixed = summarize([*varied(240), *faceless])
    assert mixed.faceless == 60 > FACELESS * 300 and mixed.reasons(USUAL._replace(eye_distance=NAN)) == ()


def test_few_photos_do_not_show_what_is_usual():
    assert summarize(varied(LEAST_PHOTOS - 1)) is None and summarize([]) is None
    assert summarize(varied(LEAST_PHOTOS)).photos == LEAST_PHOTOS
    mostly_unknown = [seen._replace(face_pixels=NAN) for seen in varied(300)]
    assert "face_pixels" not in summarize(mostly_unknown).measures


def test_the_measures_are_those_of_the_framed_photo():
    grey = np.full((64, 64, 3), 77, np.uint8)
    seen = look_at(grey, 31)
    assert (seen.brightness, seen.contrast, seen.sharpness, seen.face_pixels) == (77, 0, 0, 31)
    assert math.isnan(seen.eye_distance) and math.isnan(look_at(grey, None).face_pixels)


@given(st.permutations(range(150)))
def test_the_order_of_the_photos_does_not_matter(order):
    photos = varied(150)
    assert summarize([photos[place] for place in order]) == summarize(photos)


def test_a_distribution_counts_every_photo_also_where_many_are_equal():
    values = np.array([5.0] * 150 + [7.0] * 40 + [np.nan] * 30 + list(range(10)))
    found = Distribution.of(values)
    assert found.photos == 200 and (found.count(values[~np.isnan(values)]) == found.counts).all()
    assert found.edges[0] < 5 < found.edges[-1] and len(set(found.edges)) == len(found.edges)


@given(st.lists(st.floats(-1e6, 1e6), min_size=LEAST_PHOTOS, max_size=300))
def test_whatever_the_values_each_is_in_one_part(values):
    found = Distribution.of(np.array(values))
    assert found.photos == len(values)
    assert (found.count(np.array(values).round(DIGITS)) >= 0).all() and found.count(np.array([])).sum() == 0


@pytest.mark.parametrize("damage", [
    {"photos": 0}, {"faceless": 10_000}, {"measures": {"size": {"edges": [1.0], "counts": [1, 1]}}}, {"more": 1},
    {"measures": {"brightness": {"edges": [1.0, 1.0], "counts": [1, 1, 1]}}},
    {"measures": {"brightness": {"edges": [NAN], "counts": [1, 1]}}},
    {"measures": {"brightness": {"edges": [1.0], "counts": [1]}}},
    {"measures": {"brightness": {"edges": [1.0], "counts": [-1, 3]}}},
    {"measures": {"brightness": {"edges": [], "counts": [3]}}},
])  # fmt: skip
def test_a_summary_that_was_tampered_with_is_refused(damage):
    contents = TRAINED.model_dump(mode="json")
    assert TrainingSummary.model_validate(contents) == TRAINED
    with pytest.raises(ValidationError):
        TrainingSummary.model_validate(contents | damage)
