"""Copies of a picture are found however they were treated, other pictures are not, and not all pairs are compared."""

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter

from realage.photos.decode import load_photo
from realage.photos.hashes import perceptual_hash
from realage.splits.near_duplicates import BANDS, MAX_DISTANCE, _candidates, conflicting_ages, group_near_duplicates

BITS = 256


def picture(seed: int, side: int = 200) -> Image.Image:
    """A smooth random picture: like a photo, most of it is in its low frequencies."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def recompressed(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=30)
    return Image.open(stream)


TREATMENTS = {
    "enlarged": lambda image: image.resize((611, 611)),
    "reduced": lambda image: image.resize((70, 70)),
    "re-compressed": recompressed,
    "cropped by 1%": lambda image: image.crop((1, 1, 199, 199)),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "darkened": lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
}


def hash_of(image: Image.Image) -> str:
    return perceptual_hash(np.array(image))


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def flip(hash_: str, places) -> str:
    return f"{int(hash_, 16) ^ sum(1 << place for place in places):064x}"


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_a_treated_copy_is_a_near_duplicate_and_other_pictures_are_not(treatment):
    pictures = [picture(seed) for seed in range(30)]
    copies = [TREATMENTS[treatment](image) for image in pictures]
    groups = group_near_duplicates([hash_of(image) for image in [*pictures, *copies]])
    assert (groups[:30] == groups[30:]).all()
    assert len(set(groups)) == 30


@given(st.sets(st.integers(0, BITS - 1), max_size=BANDS - 1))
def test_hashes_up_to_fifteen_bits_apart_are_always_found(places):
    start = "3a" * 32
    first, second, third = group_near_duplicates([start, "c5" * 32, flip(start, places)])
    assert first == third != second


@given(st.sets(st.integers(0, BITS - 1), min_size=MAX_DISTANCE + 1, max_size=MAX_DISTANCE + 1))
def test_hashes_too_far_apart_are_in_two_groups(places):
    assert len(set(group_near_duplicates(["0f" * 32, flip("0f" * 32, places)]))) == 2


@given(st.lists(st.integers(0, 7), min_size=1, max_size=30), st.randoms())
def test_groups_do_not_depend_on_the_order_of_photos(steps, random):
    hashes = [flip("00" * 32, range(10 * step)) for step in steps]
    order = list(range(len(hashes)))
    random.shuffle(order)
    straight = group_near_duplicates(hashes)
    shuffled = group_near_duplicates([hashes[place] for place in order])
    for one in range(len(order)):
        for other in range(one):
            together = shuffled[one] == shuffled[other]
            assert together == (straight[order[one]] == straight[order[other]])


def test_a_chain_of_near_duplicates_is_one_group():
    ends = ["00" * 32, flip("00" * 32, range(12)), flip("00" * 32, range(24)), flip("00" * 32, range(96))]
    groups = group_near_duplicates(ends)
    assert groups[0] == groups[1] == groups[2] != groups[3]


@given(st.lists(st.tuples(st.integers(0, 19), st.sets(st.integers(0, BITS - 1), max_size=BANDS - 1)), max_size=20))
def test_copies_of_copies_are_one_group_and_strangers_are_not(copies):
    strangers = np.random.default_rng(5).integers(0, 256, (5, BITS // 8), dtype=np.uint8)
    hashes, origins = [stranger.tobytes().hex() for stranger in strangers], list(range(5))
    for place, flipped in copies:
        origins.append(origins[place % len(hashes)])
        hashes.append(flip(hashes[place % len(hashes)], flipped))
    groups = group_near_duplicates(hashes)
    assert len(set(zip(groups, origins))) == len(set(groups)) == 5


def test_pictures_as_far_apart_as_different_faces_are_kept_apart():
    assert len(set(group_near_duplicates(["3c" * 32, flip("3c" * 32, range(0, 250, 5))]))) == 2


def test_few_of_all_pairs_are_compared():
    hashes = np.random.default_rng(1).integers(0, 256, (2_000, 32), dtype=np.uint8)
    compared = sum(len(left) for left, _ in _candidates(hashes))
    assert compared < 0.01 * 2_000 * 1_999 / 2


def test_photos_without_anything_on_them_are_no_error():
    flat = [np.full((40, 40, 3), shade, np.uint8) for shade in (0, 128, 255)]
    assert len(group_near_duplicates([perceptual_hash(pixels) for pixels in flat])) == 3


def test_near_duplicates_of_different_age_are_listed_the_largest_difference_first():
    rows = [
        ("b.jpg", 31.5, "train", 7), ("a.jpg", 30, "excluded", 7), ("lone.jpg", 90, "train", 2),
        ("d.jpg", 20, "val", 4), ("c.jpg", 60, "test", 4), ("e.jpg", 20, "train", 4),
        ("same.jpg", 50, "train", 1), ("copy.jpg", 50, "train", 1),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["file_name", "real_age", "split", "group"])
    listed = conflicting_ages(table.drop(columns="group"), table["group"].to_numpy())
    assert list(listed.columns) == ["group", "years_apart", "file_name", "real_age", "split"]
    assert [tuple(row) for row in listed.to_numpy()] == [
        (1, 40, "d.jpg", 20, "val"), (1, 40, "e.jpg", 20, "train"), (1, 40, "c.jpg", 60, "test"),
        (2, 1.5, "a.jpg", 30, "excluded"), (2, 1.5, "b.jpg", 31.5, "train"),
    ]  # fmt: skip
    assert conflicting_ages(table[table["group"] == 1], np.array([1, 1])).empty


FACES = Path(os.environ.get("REALAGE_FACES", "nowhere"))


@pytest.mark.slow
@pytest.mark.skipif(not FACES.is_dir(), reason="REALAGE_FACES names no folder with labels.csv and final_files")
def test_recompressed_real_faces_are_found_and_different_ones_kept_apart():
    names = pd.read_csv(FACES / "labels.csv")["file_name"].head(400)
    photos = [load_photo(FACES / "final_files" / name) for name in names]
    hashes = [perceptual_hash(pixels) for pixels in photos]
    copies = [hash_of(recompressed(Image.fromarray(pixels).resize((140, 140)))) for pixels in photos]
    groups = group_near_duplicates([*hashes, *copies])
    assert (groups[: len(photos)] == groups[len(photos) :]).mean() > 0.99
    assert len(set(groups)) >= len(photos) - 4
