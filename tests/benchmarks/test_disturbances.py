"""What each disturbance does to a photo, and which of them invent a border."""

import numpy as np
import pytest

from benchmarks.disturbances import (
    NONE,
    add_border,
    central_square,
    disturbances,
    letterbox,
    paste_on_background,
)

NOISE = np.random.default_rng(1).integers(0, 256, (140, 140, 3), dtype=np.uint8)
WHITE = np.full((140, 140, 3), 255, np.uint8)
CENTRAL, WHOLE = ({one.name: one for one in disturbances(home)} for home in ("central", "whole"))


def photo_of(height: int, width: int) -> np.ndarray:
    """A photo without structure finer than a few pixels."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * y / height, 255 * x / width, 128 + 60 * np.sin(x / 9)], axis=-1).astype("uint8")


@pytest.mark.parametrize("home", ["central", "whole"])
def test_all_have_names_of_their_own_and_return_another_uint8_picture(home):
    found = disturbances(home)
    assert found[0].name == NONE and len({one.name for one in found}) == len(found) == 15
    before = NOISE.copy()
    pictures = [one.apply(NOISE) for one in found]
    assert all(picture.dtype == np.uint8 and picture.ndim == 3 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert all(np.array_equal(picture, one.apply(NOISE)) for picture, one in zip(pictures, found))
    assert np.array_equal(NOISE, before)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (31, 64), (90, 40)])
@pytest.mark.parametrize("home", ["central", "whole"])
def test_photos_of_any_size_pass(size, home):
    for one in disturbances(home):
        assert min(one.apply(photo_of(*size)).shape) >= 1


def test_home_is_the_middle_or_the_whole_photo():
    assert np.array_equal(WHOLE[NONE].apply(NOISE), NOISE)
    assert np.array_equal(CENTRAL[NONE].apply(NOISE), NOISE[20:120, 20:120])
    wide = photo_of(140, 200)
    assert np.array_equal(CENTRAL[NONE].apply(wide), wide[20:120, 50:150])


def test_margins_of_the_middle_are_the_photos_own_pixels_up_to_the_whole_photo():
    assert np.array_equal(CENTRAL["margin +0.1"].apply(NOISE), NOISE[10:130, 10:130])
    assert np.array_equal(CENTRAL["margin +0.2"].apply(NOISE), NOISE)
    wider = CENTRAL["margin +0.3"].apply(NOISE)
    assert wider.shape == (160, 160, 3) and np.array_equal(wider[10:150, 10:150], NOISE)
    wider[10:150, 10:150] = 0
    assert not wider.any()


def test_margins_of_the_whole_photo_are_black():
    wider = WHOLE["margin +0.2"].apply(photo_of(50, 100))
    assert wider.shape == (70, 140, 3)
    assert np.array_equal(wider[10:60, 20:120], photo_of(50, 100)) and not wider[:10].any() and not wider[:, :20].any()


def test_what_is_invented_is_said():
    borders = {"black bars", "pasted on a background"}
    assert {name for name, one in CENTRAL.items() if one.invented} == {"margin +0.3", *borders}
    needs_more = {name for name in WHOLE if name.startswith(("margin", "rotation"))}
    assert {name for name, one in WHOLE.items() if one.invented} == needs_more | borders


@pytest.mark.parametrize("name", [name for name, one in CENTRAL.items() if not one.invented and "bright" not in name])
def test_no_border_comes_into_what_is_not_invented(name):
    for height, width in [(140, 140), (141, 141), (200, 200), (64, 64), (33, 33), (140, 260), (251, 117), (999, 1000)]:
        assert CENTRAL[name].apply(np.full((height, width, 3), 255, np.uint8)).min() == 255


def test_a_rotation_of_the_whole_photo_has_black_corners():
    assert WHOLE["rotation 30°"].apply(WHITE).min() == 0


def test_bars_are_black_and_leave_the_photo():
    framed = letterbox(WHITE[:60, :60])
    assert framed.shape == (80, 60, 3) and (framed[10:70] == 255).all()
    assert not framed[:10].any() and not framed[70:].any()


def test_the_photo_is_pasted_unchanged_on_a_coloured_background():
    framed = paste_on_background(NOISE)
    assert framed.shape == (280, 280, 3) and np.array_equal(framed[70:210, 70:210], NOISE)
    assert framed[:70].std() > 20 and framed[:70, :, 0].mean() != framed[:70, :, 1].mean()


def test_squares_and_borders_may_be_used_alone():
    assert np.array_equal(central_square(NOISE, 0.5), NOISE[35:105, 35:105])
    assert add_border(NOISE, 0.5).shape == (280, 280, 3)
