"""Photos as files that may be anything: decoded to upright RGB, and told apart by pixels."""

import errno
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from realage.core.errors import UserError
from realage.photos.hashes import pixel_hash

# Told by their bytes, whatever the suffix. Pillow reads many more, some by starting other programs.
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 50_000_000  # a hostile file of that size (WebP) takes a worker 1.1 GB and four seconds
MAX_SCANS = 100  # of a progressive JPEG: each goes over all pixels again, and cameras need about ten
# What is no fault of the photo's must not reject it.
MACHINE_ERRORS = {errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF's orientation

# Pillow's own limit would warn on stderr first; load_photo checks its own before it decodes anything.
Image.MAX_IMAGE_PIXELS = None
# What is wrong with a photo's metadata is no concern of somebody who wants its pixels.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
# Half a photo is a defect to report, never one to fill up with grey.
ImageFile.LOAD_TRUNCATED_IMAGES = False


class PhotoError(Exception):
    """A file that is no usable photo; the text says why."""


def load_photo(path: Path) -> np.ndarray:
    """Decode a photo into upright RGB: uint8, (height, width, 3). Raises PhotoError for anything else.

    Of several pictures in one file, such as an animation's, it is the first; transparency is left out. Raises OSError
    or UserError where the machine is at fault, not the photo: no right to read it, a failing disk, too little memory.
    """
    if not path.is_file():
        raise PhotoError("not a file")
    try:
        with Image.open(path, formats=PHOTO_FORMATS) as image:
            _refuse_bomb(path, image)
            return _upright_rgb(image)
    except PhotoError:
        raise
    except MemoryError:
        raise UserError(f"{path}: too little memory to decode it: set REALAGE_WORKERS to fewer workers") from None
    except Exception as error:  # decoders fail on hostile bytes in more ways than Pillow documents
        if isinstance(error, OSError) and error.errno in MACHINE_ERRORS:
            raise
        # Pillow puts the path and an object's address into this message: neither may reach a tracked file.
        is_unknown = isinstance(error, UnidentifiedImageError)
        raise PhotoError("cannot be decoded as an image" if is_unknown else str(error)) from error


def load_validated(path: Path, photo: str) -> np.ndarray:
    """Decode a photo whose pixel hash was `photo` at validation. Raises UserError where it has vanished or changed."""
    try:
        pixels = load_photo(path)
    except PhotoError as error:
        raise UserError(f"{path}: fine at validation, but now: {error}: restore it, or run 'dvc repro'") from error
    if pixel_hash(pixels) != photo:
        raise UserError(f"{path}: changed since validation: run 'dvc repro'")
    return pixels


def _refuse_bomb(path: Path, image: Image.Image) -> None:
    """Raise PhotoError for a small file that would take long or much memory to decode."""
    if image.width * image.height > MAX_PIXELS:
        raise PhotoError(f"{image.width}x{image.height} pixels: more than {MAX_PIXELS:,} are refused unopened")
    if image.info.get("progressive") and path.read_bytes().count(b"\xff\xda") > MAX_SCANS:
        raise PhotoError(f"a JPEG of more than {MAX_SCANS} scans is refused unopened")


def _upright_rgb(image: Image.Image) -> np.ndarray:
    turn = _turn(image)
    image = image.transpose(turn) if turn is not None else image
    if image.mode in ("I", "F"):
        raise PhotoError("32-bit grey, whose black and white nobody states: save it with 8 bits")
    if image.mode.startswith("I;16"):
        # Pillow would clip 16-bit grey to its lowest 255 levels: white.
        image = Image.fromarray((np.asarray(image) >> 8).astype("uint8"))
    return np.asarray(image.convert("RGB"))


def _turn(image: Image.Image) -> Image.Transpose | None:
    # Pillow's exif_transpose writes all other tags anew, and fails where any of them is wrong.
    try:
        return UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # broken metadata, which are no concern of somebody who wants the pixels
        return None
