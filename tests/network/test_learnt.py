"""The photos that a model has learnt from: counted without error, united without loss, read from hostile files."""

import numpy as np
import pytest

from realage.network.learnt import LearntPhotos

HASHES = [f"{number:032x}" for number in np.random.default_rng(4).integers(0, 2**62, 500).astype(object) << 64]


def test_photos_are_counted_and_two_sets_are_united():
    first, second = LearntPhotos.of(HASHES[:200]), LearntPhotos.of(HASHES[150:300])
    assert (first.count(HASHES), second.count(HASHES[:200]), first.count([])) == (200, 50, 0)
    both = first | second
    assert len(both) == both.count(HASHES) == 300
    assert len(first | LearntPhotos.of([])) == 200


def test_the_bytes_are_eight_a_photo_and_depend_on_no_order():
    contents = LearntPhotos.of(HASHES).to_bytes()
    assert len(contents) == 8 * 500 and contents == LearntPhotos.of(HASHES[::-1] + HASHES).to_bytes()
    assert contents[:8].hex() == min(HASHES)[:16]
    assert LearntPhotos.from_bytes(contents).count(HASHES) == 500
    assert len(LearntPhotos.from_bytes(b"")) == 0


@pytest.mark.parametrize("contents", [b"1234567", bytes(16), b"\xff" * 8 + bytes(8)])
def test_what_is_no_sorted_list_is_refused(contents):
    with pytest.raises(ValueError, match="no multiple of 8|not in order"):
        LearntPhotos.from_bytes(contents)
