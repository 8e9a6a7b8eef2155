"""What each synthetic change does to a photo."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from realage.evaluation.disturbances import SAME_FRAME, blur, brighten, compress, grey, halve, rotate

NOISE = np.random.default_rng(1).integers(0, 256, (140, 140, 3), dtype=np.uint8)


def photo_of(height: int, width: int) -> np.ndarray:
    """A photo without structure finer than a few pixels."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * y / height, 255 * x / width, 128 + 60 * np.sin(x / 9)], axis=-1).astype("uint8")


def test_rotates_by_the_angle():
    photo = np.zeros((101, 101, 3), np.uint8)
    photo[49:52, 88:91] = 255  # 39 pixels right of the middle
    y, x = np.argwhere(rotate(photo, 30)[..., 0] > 128).mean(axis=0)
    assert (x - 50, 50 - y) == pytest.approx((39 * np.cos(np.pi / 6), 39 * np.sin(np.pi / 6)), abs=0.7)


def test_half_resolution_has_half_the_sides_and_the_same_picture():
    photo = photo_of(80, 60)
    half = halve(photo)
    assert half.shape == (40, 30, 3)
    assert np.abs(half - photo.reshape(40, 2, 30, 2, 3).mean(axis=(1, 3))).mean() < 2


def test_blur_removes_detail_and_depends_on_the_size_of_the_photo():
    assert blur(NOISE).std() < 0.5 * NOISE.std() and blur(NOISE).mean() == pytest.approx(NOISE.mean(), abs=1)
    large = np.kron(NOISE, np.ones((4, 4, 1), np.uint8))
    assert blur(large).std() == pytest.approx(blur(NOISE).std(), rel=0.1)


def test_jpeg_has_the_tables_of_its_quality():
    contents = BytesIO()
    Image.fromarray(NOISE).save(contents, "JPEG", quality=40)
    assert np.array_equal(compress(NOISE), np.array(Image.open(contents)))


def test_grey_keeps_the_luma():
    one = np.array([[[200, 100, 50]]], np.uint8)
    assert grey(one).tolist() == [[[round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)] * 3]]


def test_brightness_is_a_factor_that_ends_at_white():
    one = np.array([[[0, 100, 200]]], np.uint8)
    assert brighten(one, 1.4).tolist() == [[[0, 140, 255]]]
    assert SAME_FRAME["brightness -40%"](one).tolist() == [[[0, 60, 120]]]
