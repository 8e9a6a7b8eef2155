"""Photos as files that may be anything: found, decoded to upright RGB, and told apart by pixels."""

import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from blake3 import blake3
from joblib import Parallel, delayed
from PIL import Image, ImageFile, ImageOps
from tqdm import tqdm

from realage.errors import UserError
from realage.machine import data_workers

Item = TypeVar("Item")
Result = TypeVar("Result")

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
# Told by their bytes, whatever the suffix. Pillow reads many more, some by starting other programs.
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
# A photo decodes into 3 bytes a pixel: this bounds what one hostile file can take to 300 MB a worker.
MAX_PIXELS = 100_000_000
MANY = 2_000  # photos
ORPHANED = 10  # seconds without work, after which a process whose stage has been killed ends
BATCH = 64  # photos handed to a worker at once: handing over one at a time takes as long as decoding a small one

# Pillow's own limit would warn on stderr first; load_photo checks its own before it decodes anything.
Image.MAX_IMAGE_PIXELS = None
# What is wrong with a photo's metadata is no concern of somebody who wants its pixels.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
# Half a photo is a defect to report, never one to fill up with grey.
ImageFile.LOAD_TRUNCATED_IMAGES = False


class PhotoError(Exception):
    """A file that is no usable photo; the text says why."""


def find_photos(folder: Path) -> list[str]:
    """Names of all photo files below `folder`, relative to it with forward slashes, sorted.

    Hidden ones and linked folders are left out, as DVC leaves linked folders out.
    Raises UserError for a name that is not UTF-8, which could not be written into any of our files.
    """
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    names = sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
    for name in names:
        require_utf8(folder / name)
    return names


def find_strays(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Those of the photos `names` in `folder` that are links to a file outside it, each with that file."""
    home = folder.resolve()
    targets = {name: (folder / name).resolve() for name in names if (folder / name).is_symlink()}
    return {name: target for name, target in targets.items() if not target.is_relative_to(home)}


def find_clashes(names: Iterable[str]) -> dict[str, str]:
    """Photos whose names differ in case or Unicode normal form only, each with another of them.

    Where a file system does not tell them apart, as on macOS and Windows, only one of them can exist.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(unicodedata.normalize("NFC", name).casefold(), []).append(name)
    pairs = [group for group in alike.values() if len(group) > 1]
    return {name: next(other for other in group if other != name) for group in pairs for name in group}


def require_utf8(path: Path) -> None:
    """Raise UserError for a path whose name is not UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(f"{str(path)!a}: the name is not UTF-8: rename the file") from None


def load_photo(path: Path) -> np.ndarray:
    """Decode a photo into upright RGB: uint8, (height, width, 3). Raises PhotoError for anything else.

    Of several pictures in one file, such as an animation's, it is the first; transparency is left out.
    """
    if not path.is_file():
        raise PhotoError("not a file")
    try:
        with Image.open(path, formats=PHOTO_FORMATS) as image:
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
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode in ("I", "F"):
        raise PhotoError("32-bit grey, whose black and white nobody states: save it with 8 bits")
    if image.mode.startswith("I;16"):
        # Pillow would clip 16-bit grey to its lowest 255 levels: white.
        image = Image.fromarray((np.asarray(image) >> 8).astype("uint8"))
    return np.asarray(image.convert("RGB"))


def pixel_hash(pixels: np.ndarray) -> str:
    """32 hexadecimal digits that two photos share if, and only if, their sizes and pixels are equal."""
    digest = blake3(repr(pixels.shape).encode())
    digest.update(memoryview(np.ascontiguousarray(pixels)).cast("B"))
    return digest.hexdigest(length=16)


def map_photos(work: Callable[[Item], Result], items: Iterable[Item], label: str) -> Iterator[Result]:
    """Yield `work` of each item, in order, done by `REALAGE_WORKERS` workers under a progress bar.

    They are threads for a few photos and processes for many, so `work` must share no state; by joblib's
    `parallel_config` a cluster can do it. Nothing is done before the first result is asked for, and results are not
    kept, so that memory stays flat.
    """
    items = list(items)
    # Python's lock lets threads keep one core busy with small photos, but processes take a second to start.
    prefer = "processes" if len(items) >= MANY else "threads"
    workers = Parallel(
        n_jobs=data_workers(), prefer=prefer, batch_size=BATCH, return_as="generator", idle_worker_timeout=ORPHANED
    )
    jobs = workers(delayed(work)(item) for item in items)
    yield from tqdm(jobs, total=len(items), desc=label, unit=" photos", disable=None)
