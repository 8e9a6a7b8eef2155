"""Weights of training photos: a rare age counts as much more as its smoothed frequency says."""

import numpy as np
import pytest
from conftest import recipe
from hypothesis import given
from hypothesis import strategies as st

from realage.photos.prepared import to_png, write_prepared
from realage.training.augment import PhotoAugmenter
from realage.training.balance import balance_weights
from realage.training.photo_dataset import PhotoDataset

AGES = st.lists(st.floats(0, 120), min_size=1, max_size=60)


@given(AGES)
def test_power_zero_weighs_all_alike(ages):
    weights = balance_weights(ages, 0)
    assert weights.dtype == np.float32 and weights.tolist() == [1.0] * len(ages)


@given(AGES, st.floats(0, 1))
def test_weights_are_positive_and_one_on_average(ages, power):
    weights = balance_weights(ages, power)
    assert weights.shape == (len(ages),) and weights.min() > 0 and weights.mean() == pytest.approx(1, abs=1e-5)


@given(AGES)
def test_half_the_power_is_the_square_root(ages):
    whole, half = balance_weights(ages, 1.0), balance_weights(ages, 0.5)
    np.testing.assert_allclose(half, np.sqrt(whole) / np.sqrt(whole).mean(), rtol=1e-5)


@given(AGES, st.randoms(use_true_random=False))
def test_a_weight_goes_by_the_age_whatever_the_order(ages, random):
    order = list(range(len(ages)))
    random.shuffle(order)
    shuffled = balance_weights([ages[i] for i in order], 1.0)
    np.testing.assert_allclose(shuffled, balance_weights(ages, 1.0)[order], rtol=1e-6)


def test_rarer_ages_weigh_more():
    ages = [20] * 50 + [40] * 10 + [60] * 2 + [80]
    weights = balance_weights(ages, 1.0)
    assert weights[0] < weights[50] < weights[60] < weights[62]
    # Too far apart to be smoothed into one another, they weigh as their numbers alone say.
    assert weights[62] / weights[0] == pytest.approx(50, rel=1e-5)
    assert weights[62] / weights[60] == pytest.approx(2, rel=1e-5)


def test_frequencies_are_smoothed_by_a_gaussian_of_two_years_over_four_to_either_side():
    ages = np.random.default_rng(1).integers(5, 60, 200)
    kernel = {offset: np.exp(-(offset**2) / 8) for offset in range(-4, 5)}
    frequency = np.array([sum(kernel.get(int(other - age), 0.0) for other in ages) for age in ages])
    expected = frequency**-1.0 / np.mean(frequency**-1.0)
    np.testing.assert_allclose(balance_weights(ages, 1.0), expected, rtol=1e-5)


def test_the_youngest_and_the_oldest_are_no_neighbours():
    ages = [0] * 9 + [110] * 3
    np.testing.assert_allclose(balance_weights(ages, 1.0), [2 / 3] * 9 + [2.0] * 3, rtol=1e-6)


def test_parts_of_years_count_as_the_nearest_year():
    np.testing.assert_array_equal(balance_weights([0.2, 29.6, 30.4, 63.1], 0.5), balance_weights([0, 30, 30, 63], 0.5))


def test_batches_hold_the_weights_of_their_photos_in_whatever_order(tmp_path):
    ages = list(range(10))
    for age in ages:
        write_prepared(tmp_path, f"hash{age}", to_png(np.full((32, 32, 3), age, np.uint8)))
    weights = np.array(ages, "float32") / 4
    photos = PhotoDataset(tmp_path, [f"hash{age}" for age in ages], ages, 4, weights=weights)
    batches = [photos[i] for i in range(len(photos))]
    assert [len(part) for part in batches[-1]] == [2, 2, 2]
    assert np.concatenate([batch[2] for batch in batches]).tolist() == weights.tolist()

    shuffled = PhotoDataset(
        tmp_path, [f"hash{age}" for age in ages], ages, 4, PhotoAugmenter(recipe().augment), 1, weights
    )
    orders = []
    for _ in range(2):
        for pixels, years, of_photo in (shuffled[i] for i in range(len(shuffled))):
            np.testing.assert_array_equal(of_photo, years / 4)
            np.testing.assert_array_equal(pixels[:, 0, 0, 0], years)
            orders.extend(years.tolist())
        shuffled.on_epoch_end()
    assert orders[:10] != orders[10:] and orders[:10] != ages
