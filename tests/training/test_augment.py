"""Our augmentation is ImageDataGenerator's, drawn from a seed for each photo and warped in one go."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from realage.network.quiet_keras import ImageDataGenerator
from realage.network.recipe import AugmentParams
from realage.photos.prepared import to_png, write_prepared
from realage.training.augment import PhotoAugmenter
from realage.training.degrade import Degradation
from realage.training.photo_dataset import PhotoDataset

OFF = {
    "rotation_range": 0.0,
    "width_shift_range": 0.0,
    "height_shift_range": 0.0,
    "shear_range": 0.0,
    "zoom_range": 0.0,
    "brightness_range": 0.0,
    "horizontal_flip": False,
    "interpolation_order": 1,
    "random_erasing": 0.0,
}
ALL = {
    "rotation_range": 20.0,
    "width_shift_range": 0.1,
    "height_shift_range": 0.15,
    "shear_range": 10.0,
    "zoom_range": 0.2,
    "brightness_range": 0.3,
    "horizontal_flip": True,
}
# Keys that the stock class lacks, and the part of the transform that each one draws.
ADDED = {
    "framing_range": 0.3,
    "contrast_range": 0.4,
    "saturation_range": 0.4,
    "grayscale": 0.4,
    "blur": 0.5,
    "low_resolution": 0.5,
    "jpeg": 0.5,
}
CHANGED = {
    "framing_range": "framing",
    "contrast_range": "contrast",
    "saturation_range": "saturation",
    "grayscale": "saturation",
    "blur": "deviation",
    "low_resolution": "scale",
    "jpeg": "quality",
}
ALONE = [{name: ALL[name]} for name in ALL]
# Where cubic interpolation overshoots, the stock brightness stretches all of the photo.
CUBIC = {**ALL, "brightness_range": 0.0, "interpolation_order": 3}


def stock(options: dict) -> ImageDataGenerator:
    brightness = options.get("brightness_range", 0)
    span = (1 - brightness, 1 + brightness) if brightness else None
    return ImageDataGenerator(**{**options, "brightness_range": span})


def photo() -> np.ndarray:
    """A smooth photo: interpolation differs by little, a wrong warp by much."""
    noise = np.random.default_rng(3).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return cv2.resize(noise, (64, 64), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("options", [*ALONE, ALL], ids=[*ALL, "all"])
@pytest.mark.parametrize("seed", range(4))
def test_same_seed_same_transform_as_the_stock_generator(options, seed):
    ours = PhotoAugmenter(AugmentParams(**{**OFF, **options})).get_random_transform((64, 48, 3), seed)
    theirs = stock(options).get_random_transform((64, 48, 3), seed)
    added = [ours.pop(name) for name in ("erased", "framing", "degradation")]
    assert added == [None, 1, Degradation()]
    assert ours == pytest.approx({name: theirs[name] for name in ours})


@pytest.mark.parametrize("options", [*ALONE, ALL, CUBIC], ids=[*ALL, "all", "cubic"])
def test_same_picture_as_the_stock_generator(options):
    for seed in range(6):
        ours = PhotoAugmenter(AugmentParams(**{**OFF, **options})).random_transform(photo(), seed)
        theirs = stock(options).random_transform(photo().astype("float32"), seed)
        # OpenCV interpolates on a grid of 1/32 pixel, and the stock brightness rounds to whole levels.
        assert np.abs(ours - theirs).mean() < 1.0 and np.abs(ours - photo()).mean() < 120
        assert ours.dtype == np.float32 and ours.min() >= 0 and ours.max() <= 255


def test_cubic_interpolation_keeps_detail_that_linear_blurs():
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)

    def detail(order: int) -> float:
        augmenter = PhotoAugmenter(AugmentParams(**{**OFF, "width_shift_range": 0.1, "interpolation_order": order}))
        warped = [augmenter.random_transform(noise, seed) for seed in range(20)]
        return np.mean([cv2.Laplacian(picture[8:-8, 8:-8], cv2.CV_32F).var() for picture in warped])

    assert detail(3) > 1.2 * detail(1)


def test_all_off_changes_nothing():
    np.testing.assert_array_equal(PhotoAugmenter(AugmentParams(**OFF)).random_transform(photo(), 1), photo())


def erasing(probability: float, **changes) -> PhotoAugmenter:
    return PhotoAugmenter(AugmentParams(**{**OFF, **changes, "random_erasing": probability}))


def test_erasing_paints_a_rectangle_of_one_colour_over_a_part_of_the_photo():
    black, shares, corners = np.zeros((64, 48, 3), np.uint8), [], set()
    for seed in range(300):
        painted = erasing(1.0).random_transform(black, seed)
        assert painted.dtype == np.float32 and painted.shape == black.shape and painted.max() <= 255
        changed = painted.any(axis=2)
        if changed.any():
            rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
            patch = painted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert (patch == patch[0, 0]).all() and changed.sum() == patch.shape[0] * patch.shape[1]
            # Sides are rounded to whole pixels, and so by up to half of one.
            low, high = ((patch.shape[0] + half) * (patch.shape[1] + half) for half in (-0.5, 0.5))
            assert low <= 0.25 * changed.size and high >= 0.02 * changed.size
            shares.append(changed.mean())
            corners |= {(side, at) for side, at in enumerate((rows[0], 63 - rows[-1], columns[0], 47 - columns[-1]))}
    assert len(shares) == 300 and min(shares) < 0.04 and max(shares) > 0.23
    assert np.mean(shares) == pytest.approx(0.135, abs=0.02)
    assert {(side, 0) for side in range(4)} <= corners  # it gets to every edge


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_erasing_comes_as_often_as_it_says(probability):
    drawn = [erasing(probability).get_random_transform((64, 48, 3), seed)["erased"] for seed in range(1_000)]
    assert np.mean([patch is not None for patch in drawn]) == pytest.approx(probability, abs=0.05 * (probability > 0))


def test_the_same_seed_erases_the_same_and_another_something_else():
    augmenter = erasing(1.0)
    first, again, other = (augmenter.random_transform(photo(), seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_erasing_changes_no_other_transform_and_no_pixel_outside():
    with_it, without = erasing(1.0, **ALL), erasing(0.0, **ALL)
    for seed in range(20):
        transform, expected = (a.get_random_transform((64, 64, 3), seed) for a in (with_it, without))
        erased = transform.pop("erased")
        assert expected.pop("erased") is None and transform == expected and erased is not None
        rows, columns, colour = erased
        picture = without.random_transform(photo(), seed)
        picture[rows, columns] = colour
        np.testing.assert_array_equal(with_it.random_transform(photo(), seed), picture)


def test_the_photo_itself_is_never_painted():
    original = photo().astype("float32")
    erasing(1.0, **ADDED).random_transform(original, 1)
    np.testing.assert_array_equal(original, photo())


def framing(x: float) -> PhotoAugmenter:
    return PhotoAugmenter(AugmentParams(**{**OFF, "framing_range": x, "interpolation_order": 3}))


def test_framing_is_a_crop_with_another_margin():
    """A wide photo of which the centre is what a tight crop shows: framing turns the one into the other."""
    noise = np.random.default_rng(4).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    wide = cv2.resize(noise, (120, 120), interpolation=cv2.INTER_CUBIC)
    augmenter, found = framing(0.4), []
    for seed in range(40):
        factor = augmenter.get_random_transform(wide.shape, seed)["framing"]
        side = round(120 * factor)
        if factor < 1 and side % 2 == 0:  # a whole number of pixels is cut from each side
            edge = (120 - side) // 2
            tight = cv2.resize(wide[edge : edge + side, edge : edge + side], (120, 120), interpolation=cv2.INTER_CUBIC)
            difference = np.abs(augmenter.random_transform(wide, seed) - tight)[8:-8, 8:-8]
            found.append((difference.mean(), np.abs(tight.astype("float32") - wide).mean()))
    assert len(found) >= 5 and all(difference < 2 for difference, _ in found)
    assert np.mean([change for _, change in found]) > 10


def test_framing_widens_as_often_as_it_tightens_and_keeps_proportions():
    factors = np.array([framing(0.25).get_random_transform((64, 64, 3), seed)["framing"] for seed in range(1_000)])
    assert 0.8 <= factors.min() < 0.81 and 1.24 < factors.max() <= 1.25
    assert np.mean(factors > 1) == pytest.approx(0.5, abs=0.05)
    assert np.log(factors).std() == pytest.approx(2 * np.log(1.25) / np.sqrt(12), rel=0.05)
    # A disc in the centre stays round, and gets smaller where the framing is wider.
    disc = cv2.circle(np.zeros((65, 65, 3), np.uint8), (32, 32), 20, (255, 255, 255), -1)
    for seed in range(10):
        seen = framing(0.25).random_transform(disc, seed)[..., 0]
        height, width = seen[:, 32].sum() / 255, seen[32].sum() / 255
        assert height == pytest.approx(width, abs=0.1)
        assert height == pytest.approx(41 / factors[seed], abs=0.5)


@pytest.mark.parametrize("name", ADDED)
def test_a_key_that_is_added_changes_no_other_transform(name):
    def transform(options: dict, seed: int) -> dict:
        drawn = PhotoAugmenter(AugmentParams(**{**OFF, **ALL, "random_erasing": 1.0, **options}))
        drawn = drawn.get_random_transform((64, 48, 3), seed)
        return {**drawn, "erased": str(drawn["erased"]), "degradation": None, **drawn["degradation"]._asdict()}

    touched = set()
    for seed in range(20):
        for others in ({}, {other: ADDED[other] for other in ADDED if other != name}):
            with_it, without = transform({**others, name: ADDED[name]}, seed), transform(others, seed)
            touched |= {key for key in with_it if with_it[key] != without[key]}
    assert touched == {CHANGED[name]}


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_degraded_photo_is_that_of_the_warped_one(mirrored):
    """First the warp and the mirror, then the camera: blocks of JPEG are not mirrored."""
    camera = PhotoAugmenter(AugmentParams(**{**OFF, "jpeg": 1.0}))
    both = PhotoAugmenter(AugmentParams(**{**OFF, "horizontal_flip": True, "jpeg": 1.0}))
    small = photo()[:60, :60]
    seeds = [s for s in range(20) if both.get_random_transform(small.shape, s)["flip_horizontal"] == mirrored]
    for seed in seeds:
        expected = camera.random_transform(small[:, ::-1] if mirrored else small, seed)
        np.testing.assert_array_equal(both.random_transform(small, seed), expected)


def test_the_same_seed_gives_the_same_photo_in_threads_and_another_seed_another():
    augmenter = PhotoAugmenter(AugmentParams(**{**OFF, **ALL, **ADDED, "random_erasing": 0.5}))
    alone = [augmenter.random_transform(photo(), seed) for seed in range(16)]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda seed: augmenter.random_transform(photo(), seed), range(16)))
    np.testing.assert_array_equal(alone, together)
    assert len({picture.tobytes() for picture in alone}) == 16
    assert all(picture.dtype == np.float32 and picture.min() >= 0 and picture.max() <= 255 for picture in alone)


def test_global_randomness_is_neither_read_nor_changed():
    augmenter = PhotoAugmenter(AugmentParams(**{**OFF, **ALL, **ADDED}))
    np.random.seed(1)
    first = augmenter.random_transform(photo(), 5)
    state = np.random.get_state()[1].tolist()
    np.testing.assert_array_equal(augmenter.random_transform(photo(), 5), first)
    assert np.random.get_state()[1].tolist() == state


@pytest.fixture
def prepared(tmp_path):
    for i in range(10):
        write_prepared(tmp_path, f"hash{i}", to_png(np.full((32, 32, 3), i, np.uint8)))
    return tmp_path


def epochs(folder, workers: str, monkeypatch, first_epoch: int = 0) -> list[list]:
    monkeypatch.setenv("REALAGE_WORKERS", workers)
    photos = PhotoDataset(
        folder, [f"hash{i}" for i in range(10)], range(10), 4, PhotoAugmenter(AugmentParams(**{**OFF, **ALL})), seed=1
    )
    photos.start_epoch(first_epoch)
    result = []
    for _ in range(2):
        result.append([photos[i] for i in range(len(photos))])
        photos.on_epoch_end()
    return result


def test_batches_hold_every_photo_once_in_another_order_each_epoch(prepared, monkeypatch):
    first, second = epochs(prepared, "1", monkeypatch)
    ages = [np.concatenate([batch[1] for batch in epoch]).tolist() for epoch in (first, second)]
    assert sorted(ages[0]) == sorted(ages[1]) == list(range(10)) and ages[0] != ages[1]
    assert [len(batch[1]) for batch in first] == [4, 4, 2] and first[0][0].shape == (4, 32, 32, 3)


def test_an_epoch_is_the_same_whether_or_not_others_ran_before_it(prepared, monkeypatch):
    _, second = epochs(prepared, "1", monkeypatch)
    again, _ = epochs(prepared, "4", monkeypatch, first_epoch=1)
    for (photos, ages), (photos_again, ages_again) in zip(second, again):
        np.testing.assert_array_equal(photos, photos_again)
        np.testing.assert_array_equal(ages, ages_again)


def test_validation_photos_keep_their_order_and_pixels(prepared):
    photos = PhotoDataset(prepared, ["hash3", "hash1"], [30, 10], batch_size=8)
    pixels, ages = photos[0]
    assert pixels[:, 0, 0, 0].tolist() == [3, 1] and ages.tolist() == [30, 10]
