"""What the camera and the website do to a photo: the same as Pillow, TensorFlow and SciPy do, and what a user sees."""

import io

import cv2
import numpy as np
import pytest
import tensorflow as tf
from conftest import recipe
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from realage.network.recipe import AugmentParams
from realage.training.degrade import Degradation, degrade, draw_degradation

OFF = recipe().augment.model_dump()


def photo(height: int = 64, width: int = 48) -> np.ndarray:
    """A smooth colour photo of float32 with some detail, far enough from 0 and 255 that nothing is clipped."""
    random = np.random.default_rng(3)
    smooth = cv2.resize(random.uniform(90, 160, (8, 8, 3)), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.rint(smooth + random.uniform(-10, 10, (height, width, 1))).astype(np.float32)


def pillow(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.astype(np.uint8))


def drawn(seeds: int = 1_000, **keys: float) -> list[Degradation]:
    params = AugmentParams(**{**OFF, **keys})
    return [draw_degradation(params, np.random.default_rng(seed)) for seed in range(seeds)]


def detail(pixels: np.ndarray) -> float:
    return cv2.Laplacian(pixels, cv2.CV_32F).var()


def test_off_is_the_photo_itself():
    assert set(drawn(100)) == {Degradation()}
    assert degrade(photo(), Degradation()).tobytes() == photo().tobytes()


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("key", ["grayscale", "blur", "low_resolution", "jpeg"])
def test_each_comes_as_often_as_it_says(key, probability):
    changed = [degradation != Degradation() for degradation in drawn(**{key: probability})]
    assert np.mean(changed) == pytest.approx(probability, abs=0.05 if probability == 0.3 else 0)


@pytest.mark.parametrize(
    ("keys", "part", "low", "high"),
    [
        ({"contrast_range": 0.2}, "contrast", 0.8, 1.2),
        ({"saturation_range": 0.5}, "saturation", 0.5, 1.5),
        ({"blur": 1.0}, "deviation", 0.1 / 224, 2 / 224),
        ({"low_resolution": 1.0}, "scale", 0.3, 0.9),
        ({"jpeg": 1.0}, "quality", 20, 80),
    ],
)
def test_strengths_are_spread_over_their_whole_range(keys, part, low, high):
    values = np.array([getattr(degradation, part) for degradation in drawn(**keys)])
    assert values.min() >= low and values.max() <= high
    assert np.quantile(values, (0.0, 0.5, 1.0)) == pytest.approx([low, (low + high) / 2, high], abs=0.05 * (high - low))


def test_a_grey_photo_has_equal_channels_and_the_same_brightness():
    grey = degrade(photo(), Degradation(saturation=0))
    assert (grey == grey[..., :1]).all() and grey.dtype == np.float32
    assert grey.mean() == pytest.approx((photo() @ [0.299, 0.587, 0.114]).mean(), abs=0.01)
    assert np.abs(grey[..., 0] - np.asarray(pillow(photo()).convert("L"))).max() <= 1
    np.testing.assert_allclose(grey[..., :1], tf.image.rgb_to_grayscale(photo()), atol=0.1)


def test_a_grey_photo_is_grey_whatever_else_happens_to_it():
    everything = Degradation(contrast=1.3, saturation=0, deviation=0.005, scale=0.5, quality=20)
    grey = degrade(photo(), everything)
    assert (grey == grey[..., :1]).all() and detail(grey) > 0


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.3])
def test_contrast_and_saturation_are_pillows(factor):
    contrast, colour = ImageEnhance.Contrast(pillow(photo())), ImageEnhance.Color(pillow(photo()))
    for ours, theirs in [
        (degrade(photo(), Degradation(contrast=factor)), contrast.enhance(factor)),
        (degrade(photo(), Degradation(saturation=factor)), colour.enhance(factor)),
    ]:
        assert np.abs(ours - np.asarray(theirs, dtype=np.float32)).max() <= 1.5  # Pillow rounds twice
        assert np.abs(ours - photo()).mean() > 1.5


@pytest.mark.parametrize("changes", [{"contrast": 0.6}, {"saturation": 1.4}, {"contrast": 1.4, "saturation": 0.3}])
def test_contrast_and_saturation_keep_the_mean_grey(changes):
    def grey(pixels):
        return (pixels @ [0.299, 0.587, 0.114]).mean()

    assert grey(degrade(photo(), Degradation(**changes))) == pytest.approx(grey(photo()), abs=0.01)


def test_more_contrast_spreads_greys_and_more_saturation_spreads_colours():
    spread = [degrade(photo(), Degradation(contrast=factor)).std() for factor in (0.5, 1, 1.5)]
    assert spread == pytest.approx([spread[1] / 2, spread[1], 1.5 * spread[1]], rel=0.1)
    colour = [np.ptp(degrade(photo(), Degradation(saturation=factor)), axis=2).mean() for factor in (0, 0.5, 1, 1.5)]
    assert colour == pytest.approx([0, colour[2] / 2, colour[2], 1.5 * colour[2]], abs=0.1)


@pytest.mark.parametrize("size", [(64, 48), (128, 128)])
def test_blur_is_a_gaussian_and_relative_to_the_longer_side(size):
    share = 0.008
    ours = degrade(photo(*size), Degradation(deviation=share))
    sigma = share * max(size)
    theirs = gaussian_filter(photo(*size), (sigma, sigma, 0), mode="nearest")
    np.testing.assert_allclose(ours, theirs, atol=0.1)
    assert detail(ours) < 0.9 * detail(photo(*size))
    assert ours.mean() == pytest.approx(photo(*size).mean(), abs=0.3)


@pytest.mark.parametrize("size", [(64, 64), (33, 50), (1, 1)])
def test_low_resolution_keeps_size_and_brightness_and_loses_detail(size):
    small, smaller = (degrade(photo(*size), Degradation(scale=scale)) for scale in (0.7, 0.3))
    assert small.shape == smaller.shape == (*size, 3) and smaller.dtype == np.float32
    if size != (1, 1):
        assert small.mean() == pytest.approx(photo(*size).mean(), abs=0.5)
        assert detail(smaller) < 0.5 * detail(small) < 0.5 * detail(photo(*size))


def test_low_resolution_is_what_pillow_makes_of_it():
    ours = degrade(photo(64, 64), Degradation(scale=0.5))
    theirs = pillow(photo(64, 64)).resize((32, 32), Image.Resampling.BOX).resize((64, 64), Image.Resampling.BICUBIC)
    assert np.abs(ours - np.asarray(theirs)).mean() < 1


@pytest.mark.parametrize("quality", [20, 50, 80])
def test_jpeg_is_pillows_and_tensorflows(quality):
    ours = degrade(photo(), Degradation(quality=quality))
    contents = io.BytesIO()
    pillow(photo()).save(contents, "JPEG", quality=quality)
    theirs = np.asarray(Image.open(contents), dtype=np.float32)
    assert np.abs(ours - theirs).mean() < 0.1
    also = np.asarray(tf.image.adjust_jpeg_quality(photo() / 255, quality)) * 255
    assert np.abs(ours - also).mean() < 1.5  # TensorFlow decodes with a faster, rougher DCT
    assert ours.dtype == np.float32 and 0 < np.abs(ours - photo()).mean() < 8


def test_jpeg_of_lower_quality_is_further_from_the_photo():
    errors = [np.abs(degrade(photo(), Degradation(quality=quality)) - photo()).mean() for quality in (80, 50, 20)]
    assert errors == sorted(errors) and errors[2] > 1.3 * errors[0]


def test_colours_stay_in_their_channels():
    red = np.zeros((32, 32, 3), np.float32)
    red[..., 0] = 200
    for degradation in (Degradation(quality=80), Degradation(deviation=0.01), Degradation(scale=0.5)):
        assert degrade(red, degradation).mean(axis=(0, 1)) == pytest.approx([200, 0, 0], abs=3)


def test_the_number_of_opencvs_threads_changes_no_byte():
    everything = Degradation(contrast=1.3, saturation=0.7, deviation=0.009, scale=0.5, quality=50)
    before, results = cv2.getNumThreads(), set()
    try:
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            results.add(degrade(photo(512, 512), everything).tobytes())
    finally:
        cv2.setNumThreads(before)
    assert len(results) == 1


@pytest.mark.parametrize("change", [{"contrast": 1.2}, {"deviation": 0.01}, {"scale": 0.5}, {"quality": 50}])
def test_a_mirrored_view_is_degraded_as_its_copy_is_and_stays_unchanged(change):
    view = photo()[:, ::-1]
    before = view.copy()
    np.testing.assert_array_equal(degrade(view, Degradation(**change)), degrade(before, Degradation(**change)))
    np.testing.assert_array_equal(view, before)
