"""Photos as files that may be anything: found, decoded to upright RGB, and told apart by pixels."""

import hashlib
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed
from PIL import Image, ImageFile, ImageOps
from tqdm import tqdm

from realage.errors import UserError
from realage.machine import data_workers

Item = TypeVar("Item")
Result = TypeVar("Result")

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
# A photo decodes into 3 bytes a pixel: this bounds what one hostile file can take to 300 MB a worker.
MAX_PIXELS = 100_000_000

# Pillow's own limit would warn on stderr first; load_photo checks its own before it decodes anything.
Image.MAX_IMAGE_PIXELS = None
# What is wrong with a photo's metadata is no concern of somebody who wants its pixels.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
# Half a photo is a defect to report, never one to fill up with grey.
ImageFile.LOAD_TRUNCATED_IMAGES = False


class PhotoError(Exception):
    """A file that is no usable photo; the text says why."""


def find_photos(folder: Path) -> list[str]:
    """Names of all photo files below `folder`, relative to it with forward slashes, sorted; hidden ones left out.

    Raises UserError for a name that is not UTF-8, which could not be written into any of our files.
    """
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    names = sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
    for name in names:
        require_utf8(folder / name)
    return names


def require_utf8(path: Path) -> None:
    """Raise UserError for a path whose name is not UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(f"{str(path)!a}: the name is not UTF-8: rename the file") from None


def load_photo(path: Path) -> np.ndarray:
    """Decode a photo into upright RGB: uint8, (height, width, 3). Raises PhotoError for anything else."""
    if not path.is_file():
        raise PhotoError("not a file")
    try:
        with Image.open(path) as image:
            if image.width * image.height <= MAX_PIXELS:
                return _upright_rgb(image)
            raise PhotoError(f"{image.width}x{image.height} pixels: more than {MAX_PIXELS:,} are refused unopened")
    except PhotoError:
        raise
    except Exception as error:  # decoders fail on hostile bytes in more ways than Pillow documents
        # Pillow puts the path, or an object's address, into its messages: neither may reach a tracked file.
        reason = "cannot be decoded as an image" if path.name in str(error) else str(error)
        raise PhotoError(reason) from error


def load_validated(path: Path, photo: str) -> np.ndarray:
    """Decode a photo whose pixel hash was `photo` at validation. Raises UserError where it has vanished or changed."""
    try:
        pixels = load_photo(path)
    except PhotoError as error:
        raise UserError(f"{path}: fine at validation, but now: {error}: restore it, or run 'dvc repro'") from error
    if pixel_hash(pixels) != photo:
        raise UserError(f"{path}: changed since validation: run 'dvc repro'")
    return pixels


def _upright_rgb(image: Image.Image) -> np.ndarray:
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F"):
        raise PhotoError("32-bit grey, whose black and white nobody states: save it with 8 bits")
    if image.mode.startswith("I;16"):
        # Pillow would clip 16-bit grey to its lowest 255 levels: white.
        image = Image.fromarray((np.asarray(image) >> 8).astype("uint8"))
    return np.array(image.convert("RGB"))


def pixel_hash(pixels: np.ndarray) -> str:
    """32 hexadecimal digits that two photos share if, and only if, their sizes and pixels are equal."""
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels))
    return digest.hexdigest()


def map_photos(work: Callable[[Item], Result], items: Iterable[Item], label: str) -> list[Result]:
    """Apply `work` to all items on `REALAGE_WORKERS` threads, in order, under a progress bar.

    Pillow and hashlib let go of Python's lock while they work, so threads keep the cores busy.
    """
    items = list(items)
    jobs = Parallel(n_jobs=data_workers(), prefer="threads", return_as="generator")(delayed(work)(i) for i in items)
    return list(tqdm(jobs, total=len(items), desc=label, unit=" photos", disable=None))
