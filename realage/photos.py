"""Photos as files that may be anything: found, decoded to upright RGB, and told apart by pixels."""

import errno
import os
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

import numpy as np
from blake3 import blake3
from joblib import Parallel, delayed
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError
from tqdm import tqdm

from realage.errors import UserError
from realage.machine import data_workers

Item = TypeVar("Item")
Result = TypeVar("Result")

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
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
MANY = 2_000  # photos
ORPHANED = 10  # seconds without work, after which a process whose stage has been killed ends
BATCH = 128  # photos handed to a worker at once: handing over one at a time takes as long as decoding a small one

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
    Raises UserError for a name that could not be written into our files, OSError for a folder that cannot be read.
    """
    paths = (path.relative_to(folder) for path in walk(folder) if path.suffix.lower() in PHOTO_SUFFIXES)
    names = sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))
    for name in names:
        require_plain_name(folder / name)
    return names


def walk(folder: Path) -> Iterator[Path]:
    """All that is in `folder` and below it, not following links. Raises OSError for a folder that cannot be read."""

    def stop(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=stop):
        yield from (Path(place, name) for name in (*folders, *files))


def find_strays(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Those of the photos `names` in `folder` that are links to a file outside it, each with that file."""
    home = os.path.realpath(folder)
    links = (name for name in names if os.path.islink(folder / name))
    # Unlike Path.resolve, this is no error for a link to itself.
    targets = {name: Path(os.path.realpath(folder / name)) for name in links}
    return {name: target for name, target in targets.items() if not target.is_relative_to(home)}


def find_clashes(names: Iterable[str]) -> dict[str, str]:
    """Photos whose names differ in case or Unicode normal form only, each with another of them.

    Where a file system does not tell them apart, as on macOS and Windows, only one of them can exist.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(fold(name), []).append(name)
    pairs = [group for group in alike.values() if len(group) > 1]
    return {name: next(other for other in group if other != name) for group in pairs for name in group}


def fold(name: str) -> str:
    """A file name as a system sees it that tells neither case nor Unicode normal forms apart."""
    return unicodedata.normalize("NFC", name).casefold()


def require_plain_name(path: Path) -> None:
    """Raise UserError for a path whose name is not UTF-8 or holds a line end."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(f"{str(path)!a}: the name is not UTF-8: rename the file") from None
    if len(str(path).splitlines()) > 1:
        raise UserError(f"{str(path)!a}: the name holds a line end: rename the file")


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
        return UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # broken metadata, which are no concern of somebody who wants the pixels
        return None


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
    try:
        yield from tqdm(jobs, total=len(items), desc=label, unit=" photos", disable=None)
    except BrokenProcessPool:
        raise UserError(
            f"{label}: a worker process was killed, often for lack of memory: set REALAGE_WORKERS to fewer workers"
        ) from None
