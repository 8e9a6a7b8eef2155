"""Limits on what one photo may cost: bytes, sides, pixels and work, checked before its pixels are decoded.

A file of a few kilobytes can claim any size, and can be written so that it takes minutes to decode.
"""

import io
import mmap
import re
from pathlib import Path

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

MAX_BYTES = 500_000_000  # 50 megapixels of 16-bit RGBA take 400 MB
MAX_SIDE = 65_535  # pixels, the longest side of a JPEG; Pillow keeps a pointer and a buffer for each row
MAX_READS = 1_000_000  # of a file, by Pillow's loops in Python: three for a chunk of a PNG, four for a JPEG's segment
JPEG_MEGAPIXELS = 200  # of the largest cameras; a JPEG is decoded at a fraction of its size
FRACTIONS = (1, 2, 4, 8)  # divisors of both sides at which libjpeg decodes
MAX_SEGMENTS = 10_000  # of a JPEG, each of up to 64 kB
MAX_SCANS = 100  # of a JPEG of up to 50 megapixels: each scan goes over all pixels, and cameras write about ten
SCANNED_PIXELS = 50_000_000 * MAX_SCANS
RUN_LENGTH_PIXELS = 10_000_000  # of a BMP, which Pillow decodes in Python

_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])", re.DOTALL)  # of a JPEG's segment, or of its end
_START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
_TILE_WIDTH, _TILE_HEIGHT = 322, 323  # tags of TIFF


class PhotoError(Exception):
    """A file that is not a usable photo. The text is the reason and, unless a new file is needed, what to do."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(f"{reason}: {advice}" if advice else reason)
        self.advice = advice


class LimitedFile(io.BufferedReader):
    """A file opened for reading, which raises PhotoError when it is read in too many pieces."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does, but at most MAX_READS times."""
        self._reads += 1
        if self._reads > MAX_READS:
            raise PhotoError("consists of too many small parts")
        return super().read(size)


def limit_cost(image: ImageFile, file: LimitedFile, max_megapixels: int) -> None:
    """Set a large JPEG to be decoded at a fraction of its size, of at most `max_megapixels` million pixels.

    `image` is opened from `file`, but not decoded. Raises PhotoError if decoding it would take too much time or memory.
    """
    pixels = image.width * image.height
    if max(image.size) > MAX_SIDE:
        raise PhotoError(f"{image.width}x{image.height} pixels: a side of more than {MAX_SIDE:,}")
    if isinstance(image, JpegImageFile):
        _shrink(image, max_megapixels)
        _limit_scans(pixels, file)
    elif pixels > max_megapixels * 1_000_000:
        raise _too_large(image.size, max_megapixels)
    if isinstance(image, TiffImageFile):
        _limit_tiles(image, max_megapixels)
    if any(tile.codec_name == "bmp_rle" for tile in image.tile) and pixels > RUN_LENGTH_PIXELS:
        raise PhotoError(f"a run-length BMP of more than {RUN_LENGTH_PIXELS:,} pixels", "save it as PNG")


def _shrink(image: JpegImageFile, max_megapixels: int) -> None:
    width, height = image.size
    largest, pixels = max(JPEG_MEGAPIXELS, max_megapixels), max_megapixels * 1_000_000
    fits = (part for part in FRACTIONS if -(-width // part) * -(-height // part) <= pixels)
    fraction = next(fits, None)
    if fraction is None or width * height > largest * 1_000_000:
        raise _too_large(image.size, largest)
    if fraction > 1:
        image.draft(None, (width // fraction, height // fraction))


def _too_large(size: tuple[int, int], megapixels: int) -> PhotoError:
    return PhotoError(f"{size[0]}x{size[1]} pixels: more than the limit of {megapixels} megapixels")


def _limit_scans(pixels: int, file: LimitedFile) -> None:
    most = min(MAX_SCANS, SCANNED_PIXELS // pixels)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as contents:
        if _count_scans(contents) > most:
            raise PhotoError(f"a JPEG with more than {most} scans")


def _count_scans(contents: mmap.mmap) -> int:
    """Return the number of scans up to the end of the image. What is behind it, such as a film, does not count."""
    scans, place = 0, 0
    for _ in range(MAX_SEGMENTS):
        marker = _MARKER.search(contents, place)
        if marker is None or marker[1] == _END_OF_IMAGE:
            return scans
        scans += marker[1] == _START_OF_SCAN
        place = marker.end() + int.from_bytes(contents[marker.end() : marker.end() + 2], "big")
    raise PhotoError(f"a JPEG with more than {MAX_SEGMENTS:,} segments")


def _limit_tiles(image: TiffImageFile, max_megapixels: int) -> None:
    width, height = (image.tag_v2.get(tag, 0) for tag in (_TILE_WIDTH, _TILE_HEIGHT))
    if isinstance(width, int) and isinstance(height, int) and width * height > max_megapixels * 1_000_000:
        raise PhotoError(f"tiles of {width}x{height} pixels: more than the limit of {max_megapixels} megapixels")
