"""Decodes files to upright RGB pixels, and rejects those that are not usable photos."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from realage.core.disk import is_of_machine
from realage.core.errors import UserError
from realage.photos.kinds import DECODED, HEAD, RAW_SUFFIXES, kind_of
from realage.photos.limits import MAX_BYTES, PhotoError, limit_exif, open_limited, open_source
from realage.photos.params import MAX_MEGAPIXELS

__all__ = ["PhotoError", "check_file", "load_image", "load_photo"]

CONVERT = "convert it to JPEG"
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF orientation

# Pillow's own limit would print a warning; load_photo checks the size before it decodes.
Image.MAX_IMAGE_PIXELS = None
# Pillow warns of invalid metadata, but only the pixels are used.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
# A truncated photo is rejected, not filled up with grey.
ImageFile.LOAD_TRUNCATED_IMAGES = False


def load_photo(source: Path | bytes, max_megapixels: int = MAX_MEGAPIXELS) -> np.ndarray:
    """Decode a photo into upright RGB: uint8, (height, width, 3). Raises PhotoError if it is not a usable photo.

    `source` is the file's path or its contents. A JPEG of more than `max_megapixels` million pixels is decoded at a
    half, quarter or eighth of its sides, another photo is not usable. Of a file with several pictures, such as an
    animation, the first is decoded. Transparency is dropped. Raises OSError or UserError for an error of the machine:
    no permission to read the file, a failing disk, not enough memory.
    """
    check_file(source)
    with _as_photo_error(source), open_limited(source, max_megapixels) as image:
        return _upright_rgb(image)


def load_image(image: Image.Image, max_megapixels: int = MAX_MEGAPIXELS) -> np.ndarray:
    """Do the same for an image that Pillow has opened. One of more than `max_megapixels` is not usable."""
    if image.width * image.height > max_megapixels * 1_000_000:
        raise PhotoError(f"{image.width}x{image.height} pixels: more than the limit of {max_megapixels} million")
    with _as_photo_error(image):
        return _upright_rgb(image)


@contextmanager
def _as_photo_error(source: Path | bytes | Image.Image) -> Iterator[None]:
    try:
        yield
    except PhotoError:
        raise
    except UnidentifiedImageError as error:
        raise (_unidentified(source) if isinstance(source, Path | bytes) else PhotoError(str(error))) from error
    except MemoryError:
        name = source if isinstance(source, Path) else "a photo"
        raise UserError(f"{name}: not enough memory to decode it: set REALAGE_WORKERS to a lower number") from None
    except Exception as error:  # decoders raise more kinds of errors than Pillow documents
        if is_of_machine(error):  # it must not reject the photo
            raise
        raise PhotoError(str(error)) from error


def check_file(source: Path | bytes) -> None:
    """Raise PhotoError for what is rejected without being opened."""
    if isinstance(source, bytes):
        size = len(source)
    else:
        if not source.is_file():
            raise PhotoError("not a file" if os.path.lexists(source) else "no such file")
        if source.suffix.lower() in RAW_SUFFIXES:
            raise PhotoError("a camera's raw file is not read", CONVERT)
        size = source.stat().st_size
    if size > MAX_BYTES:
        raise PhotoError(f"{size:,} bytes: more than the limit of {MAX_BYTES:,}")


def _unidentified(source: Path | bytes) -> PhotoError:
    # Pillow's message has the path and an object's address, which must not be written to a tracked file.
    with open_source(source) as file:
        kind = kind_of(file.read(HEAD))
    if kind is None or kind in DECODED:
        return PhotoError("cannot be decoded as an image")
    return PhotoError(f"{kind} is not read", CONVERT)


def _upright_rgb(image: Image.Image) -> np.ndarray:
    image.load()  # the EXIF data of a PNG may follow its pixels
    limit_exif(len(image.info.get("exif", b"")))
    # Pillow turns a TIFF when it decodes it.
    turn = None if image.format == "TIFF" else _turn(image)
    image = image.transpose(turn) if turn is not None else image
    if image.mode in ("I", "F"):
        raise PhotoError("32-bit greyscale, which has no fixed black and white", "save it with 8 bits")
    if image.mode.startswith("I;16"):
        # Pillow would clip such greyscale at 255, and most of the photo would be white.
        image = Image.fromarray((np.asarray(image) >> (_bits(image) - 8)).astype("uint8"))
    return np.asarray(image.convert("RGB"))


def _bits(image: Image.Image) -> int:
    """Return the bits of a grey value, which Pillow stores in 16: a TIFF has 12, too."""
    return dict(getattr(image, "tag_v2", {})).get(ExifTags.Base.BitsPerSample, (16,))[0]


def _turn(image: Image.Image) -> Image.Transpose | None:
    # Pillow's exif_transpose rewrites all other tags, and fails if one of them is invalid.
    try:
        return UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # the metadata are invalid, but the pixels are usable
        return None
