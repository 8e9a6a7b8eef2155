"""Two hashes of a photo's pixels: one for equality, one that differs little between near-duplicates."""

import cv2
import imagehash
import numpy as np
from blake3 import blake3
from PIL import Image

HASH_SIDE = 16  # 256 bits; the usual 64 do not distinguish faces of one pose from copies of a photo
GREY_SIDE = 64  # pixels; side of the square from which `imagehash.phash` computes a hash of this size


def pixel_hash(pixels: np.ndarray) -> str:
    """Return 32 hexadecimal digits, which are equal for two photos if and only if their sizes and pixels are."""
    digest = blake3(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data.cast("B"))
    return digest.hexdigest(length=16)


def perceptual_hash(pixels: np.ndarray) -> str:
    """Return 64 hexadecimal digits, which change little if uint8 RGB `pixels` (height, width, 3) change little.

    The bits tell which of the photo's lowest 16x16 frequencies exceed their median (Zauner 2010, 'Implementation and
    Benchmarking of Perceptual Image Hash Functions').
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    bits = imagehash.phash(Image.fromarray(_reduce(grey)), hash_size=HASH_SIDE).hash
    return np.packbits(bits).tobytes().hex()


def _reduce(grey: np.ndarray) -> np.ndarray:
    # imagehash's own reduction uses a filter that takes longer than decoding the photo.
    height, width = grey.shape
    blurred = cv2.blur(grey, (max(1, width // GREY_SIDE), max(1, height // GREY_SIDE)))
    return cv2.resize(blurred, (GREY_SIDE, GREY_SIDE), interpolation=cv2.INTER_LINEAR_EXACT)
