"""Decodes files to upright RGB pixels, and rejects those that are not usable photos."""

import errno
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from realage.core.errors import UserError
from realage.photos.hashes import pixel_hash

# Recognised by content, whatever the suffix. Pillow reads more formats, some by starting other programs.
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 50_000_000  # a malicious file of that size (WebP) takes a worker 1.1 GB and four seconds
MAX_SCANS = 100  # of a progressive JPEG: each scan goes over all pixels, and cameras write about ten
# Errors of the machine must not reject a photo.
MACHINE_ERRORS = {errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF orientation

# Pillow's own limit would print a warning; load_photo checks MAX_PIXELS before it decodes.
Image.MAX_IMAGE_PIXELS = None
# Pillow warns of invalid metadata, but only the pixels are used.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
# A truncated photo is rejected, not filled up with grey.
ImageFile.LOAD_TRUNCATED_IMAGES = False


class PhotoError(Exception):
    """A file that is not a usable photo. The text is the reason."""


def load_photo(path: Path) -> np.ndarray:
    """Decode a photo into upright RGB: uint8, (height, width, 3). Raises PhotoError if it is not a usable photo.

    Of a file with several pictures, such as an animation, the first is decoded. Transparency is dropped. Raises OSError
    or UserError for an error of the machine: no permission to read the file, a failing disk, not enough memory.
    """
    if not path.is_file():
        raise PhotoError("not a file")
    try:
        with Image.open(path, formats=PHOTO_FORMATS) as image:
            _reject_bomb(path, image)
            return _upright_rgb(image)
    except PhotoError:
        raise
    except MemoryError:
        raise UserError(f"{path}: not enough memory to decode it: set REALAGE_WORKERS to a lower number") from None
    except Exception as error:  # decoders raise more kinds of errors than Pillow documents
        if isinstance(error, OSError) and error.errno in MACHINE_ERRORS:
            raise
        # Pillow's message has the path and an object's address, which must not be written to a tracked file.
        is_unknown = isinstance(error, UnidentifiedImageError)
        raise PhotoError("cannot be decoded as an image" if is_unknown else str(error)) from error


def load_validated(path: Path, photo: str) -> np.ndarray:
    """Decode a photo whose pixel hash was `photo` when scanned. Raises UserError if it is missing or has changed."""
    try:
        pixels = load_photo(path)
    except PhotoError as error:
        raise UserError(f"{path}: usable when scanned, but now: {error}: restore it, or run 'dvc repro'") from error
    if pixel_hash(pixels) != photo:
        raise UserError(f"{path}: changed since it was scanned: run 'dvc repro'")
    return pixels


def _reject_bomb(path: Path, image: Image.Image) -> None:
    """Raise PhotoError for a file that would take too much time or memory to decode."""
    if image.width * image.height > MAX_PIXELS:
        raise PhotoError(f"{image.width}x{image.height} pixels: more than the limit of {MAX_PIXELS:,}")
    if image.info.get("progressive") and path.read_bytes().count(b"\xff\xda") > MAX_SCANS:
        raise PhotoError(f"a progressive JPEG with more than {MAX_SCANS} scans")


def _upright_rgb(image: Image.Image) -> np.ndarray:
    turn = _turn(image)
    image = image.transpose(turn) if turn is not None else image
    if image.mode in ("I", "F"):
        raise PhotoError("32-bit greyscale, which has no fixed black and white: save it with 8 bits")
    if image.mode.startswith("I;16"):
        # Pillow would clip 16-bit greyscale at 255, and most of the photo would be white.
        image = Image.fromarray((np.asarray(image) >> 8).astype("uint8"))
    return np.asarray(image.convert("RGB"))


def _turn(image: Image.Image) -> Image.Transpose | None:
    # Pillow's exif_transpose rewrites all other tags, and fails if one of them is invalid.
    try:
        return UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # the metadata are invalid, but the pixels are usable
        return None
