"""Measures of training photos, and the reasons why another photo is unlike them."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import get_data_path
from PIL import Image
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
from realage.photos.params import PrepareParams

NAN = math.nan
HOPPER = Path(get_data_path()) / "sample_data/grace_hopper.jpg"
CROPPED = PrepareParams(image_size=64, crop="face", margin=0.0, fit="pad")
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
    assert mixed.faceless == 60 > FACELESS * 300
    assert mixed.reasons(USUAL._replace(eye_distance=NAN, face_pixels=NAN)) == ()


def test_few_photos_do_not_show_what_is_usual():
    assert summarize(varied(LEAST_PHOTOS - 1)) is None and summarize([]) is None
    assert summarize(varied(LEAST_PHOTOS)).photos == LEAST_PHOTOS
    mostly_unknown = [seen._replace(face_pixels=NAN) for seen in varied(300)]
    assert "face_pixels" not in summarize(mostly_unknown).measures


def test_the_measures_are_those_of_the_framed_photo():
    grey = np.full((64, 64, 3), 77, np.uint8)
    seen = look_at(grey, CROPPED, 31)
    assert seen[:3] == (77, 0, 0) and seen.face_pixels == 31 and seen.has_face
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    assert look_at(noise, CROPPED, 31).sharpness > 50 and look_at(noise, CROPPED, 31).contrast > 30
    assert not look_at(grey, CROPPED, None).has_face


def test_a_face_is_searched_for_where_photos_are_not_cropped_to_one():
    hopper = np.array(Image.open(HOPPER).convert("RGB").crop((60, 0, 460, 400)).resize((200, 200)))
    seen = look_at(hopper, CROPPED.model_copy(update={"crop": "none"}), None)
    assert 0.1 < seen.eye_distance < 0.3 and math.isnan(seen.face_pixels) and seen.has_face
    assert math.isnan(look_at(hopper, CROPPED, 40).eye_distance)


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
