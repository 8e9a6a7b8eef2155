"""Limits on what one photo may cost: bytes, sides, pixels and work, checked before its pixels are decoded.

A file of a few kilobytes can claim any size, and can be written so that it takes minutes to decode.
"""

import io
import mmap
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from realage.photos.kinds import DECODED, HEAD, kind_of

MAX_BYTES = 500_000_000  # 50 megapixels of 16-bit RGBA take 400 MB
MAX_SIDE = 65_535  # pixels, the longest side of a JPEG; Pillow keeps a pointer and a buffer for each row
MAX_READS = 1_000_000  # of a file, by Pillow's loops in Python: three for a chunk of a PNG, four for a JPEG's segment
JPEG_MEGAPIXELS = 200  # of the largest cameras; a JPEG is decoded at a fraction of its size
FRACTIONS = (1, 2, 4, 8)  # divisors of both sides at which libjpeg decodes
MAX_SEGMENTS = 10_000  # of a JPEG, each of up to 64 kB
MAX_SCANS = 100  # of a JPEG of up to 50 megapixels: each scan goes over all pixels, and cameras write about ten
SCANNED_PIXELS = 50_000_000 * MAX_SCANS
RUN_LENGTH_PIXELS = 10_000_000  # of a BMP, which Pillow decodes in Python
MAX_TAGS = 65_535  # in a directory of a TIFF; only a BigTIFF can have more
MAX_TAG_VALUES = 1_000_000  # numbers in one tag of a TIFF; a photo has at most one for each strip or tile
MAX_EXIF_BYTES = 10_000_000

_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])", re.DOTALL)  # of a JPEG's segment, or of its end
_START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
_EXIF = b"Exif\0\0"  # at the start of a segment of a JPEG
_TILE_WIDTH, _TILE_HEIGHT = 322, 323  # tags of TIFF
_DIRECTORIES = {34665, 34853, 40965}  # tags that point to another directory of tags: EXIF, GPS, interoperability
_BYTES, _TEXT, _OPAQUE = 1, 2, 7  # types of values that are read as they are; numbers are converted one by one


class PhotoError(Exception):
    """A file that is not a usable photo. The text is the reason and, unless a new file is needed, what to do."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(f"{reason}: {advice}" if advice else reason)
        self.advice = advice


def open_source(source: Path | bytes) -> io.FileIO | io.BytesIO:
    """Open a photo, given by its file's path or contents, for reading."""
    return io.FileIO(source) if isinstance(source, Path) else io.BytesIO(source)


class LimitedFile(io.BufferedReader):
    """A photo opened for reading, which raises PhotoError when it is read in too many pieces, or again and again."""

    def __init__(self, source: Path | bytes) -> None:
        super().__init__(open_source(source))  # BytesIO has all that it calls
        self._source = source
        self._reads = self._bytes = 0

    @contextmanager
    def contents(self) -> Iterator[mmap.mmap | bytes]:
        """All bytes of the photo, which do not count as read."""
        if isinstance(self._source, bytes):
            yield self._source
        else:
            with mmap.mmap(self.fileno(), 0, access=mmap.ACCESS_READ) as contents:
                yield contents

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does, but at most MAX_READS times, and twice as many bytes as a file may have."""
        contents = super().read(size)
        self._reads += 1
        self._bytes += len(contents)
        if self._reads > MAX_READS or self._bytes > 2 * MAX_BYTES:
            raise PhotoError("too costly to read: too many or too large parts")
        return contents


@contextmanager
def open_limited(source: Path | bytes, max_megapixels: int) -> Iterator[ImageFile]:
    """Open a photo without decoding it. Raises PhotoError if decoding it would take too much time or memory.

    A JPEG of more than `max_megapixels` million pixels is set to be decoded at a fraction of its sides.
    """
    with LimitedFile(source) as file:
        kind = kind_of(file.read(HEAD))
        scans = _count_scans(file) if kind == "JPEG" else 0
        if kind == "TIFF":
            _limit_tags(file)
        with Image.open(file, formats=DECODED) as image:
            _limit_image(image, scans, max_megapixels)
            yield image


def limit_exif(length: int) -> None:
    """Raise PhotoError for more than MAX_EXIF_BYTES of EXIF data, which may contain millions of numbers."""
    if length > MAX_EXIF_BYTES:
        raise PhotoError(f"more than {MAX_EXIF_BYTES:,} bytes of EXIF data")


def _limit_image(image: ImageFile, scans: int, max_megapixels: int) -> None:
    pixels = image.width * image.height
    if max(image.size) > MAX_SIDE:
        raise PhotoError(f"{image.width}x{image.height} pixels: a side of more than {MAX_SIDE:,}")
    if isinstance(image, JpegImageFile):
        _shrink(image, max_megapixels)
        _limit_scans(pixels, scans)
    elif pixels > max_megapixels * 1_000_000:
        raise _too_large(image.size, max_megapixels)
    if isinstance(image, TiffImageFile):
        _limit_tiles(image, max_megapixels)
    if any(tile.codec_name == "bmp_rle" for tile in image.tile) and pixels > RUN_LENGTH_PIXELS:
        raise PhotoError(f"a run-length BMP of more than {RUN_LENGTH_PIXELS:,} pixels", "save it as PNG")


def _shrink(image: JpegImageFile, max_megapixels: int) -> None:
    width, height = image.size
    largest = min(max(JPEG_MEGAPIXELS, max_megapixels), max_megapixels * FRACTIONS[-1] ** 2)
    fits = (part for part in FRACTIONS if -(-width // part) * -(-height // part) <= max_megapixels * 1_000_000)
    fraction = next(fits, None)
    if fraction is None or width * height > largest * 1_000_000:
        raise _too_large(image.size, largest)
    if fraction > 1:
        image.draft(None, (width // fraction, height // fraction))


def _too_large(size: tuple[int, int], megapixels: int) -> PhotoError:
    return PhotoError(
        f"{size[0]}x{size[1]} pixels: more than {megapixels} megapixels",
        "make it smaller, or raise prepare.max_megapixels",
    )


def _limit_scans(pixels: int, scans: int) -> None:
    most = min(MAX_SCANS, SCANNED_PIXELS // pixels)
    if scans > most:
        raise PhotoError(f"a JPEG with more than {most} scans")


def _count_scans(file: LimitedFile) -> int:
    """Return the number of scans up to the end of a JPEG. What is behind it, such as a film, does not count.

    Raises PhotoError for too many segments, or too much EXIF data, which Pillow copies again for each of its segments.
    """
    scans, exif_bytes, place = 0, 0, 0
    with file.contents() as contents:
        for _ in range(MAX_SEGMENTS):
            marker = _MARKER.search(contents, place)
            if marker is None or marker[1] == _END_OF_IMAGE:
                return scans
            start = marker.end() + 2
            place = marker.end() + int.from_bytes(contents[start - 2 : start], "big")
            scans += marker[1] == _START_OF_SCAN
            exif_bytes += place - start if contents[start : start + len(_EXIF)] == _EXIF else 0
            limit_exif(exif_bytes)
    raise PhotoError(f"a JPEG with more than {MAX_SEGMENTS:,} segments")


def _limit_tags(file: LimitedFile) -> None:
    """Raise PhotoError if a TIFF has a tag of too many numbers, which Pillow would convert when it opens the file."""
    with file.contents() as contents:
        order, is_big = "<" if contents[:2] == b"II" else ">", b"+" in contents[2:4]
        length, entry = struct.Struct(order + "HQ"[is_big]), struct.Struct(order + ("HHII", "HHQQ")[is_big])
        places = {struct.unpack_from(order + "IQ"[is_big], contents, 8 if is_big else 4)[0]}
        for _ in range(1 + len(_DIRECTORIES)):
            found = [tags for place in places for tags in _read_directory(contents, place, length, entry)]
            if any(kind not in (_BYTES, _TEXT, _OPAQUE) and values > MAX_TAG_VALUES for _, kind, values, _ in found):
                raise PhotoError(f"a TIFF with a tag of more than {MAX_TAG_VALUES:,} numbers")
            places = {place for tag, _, _, place in found if tag in _DIRECTORIES}


def _read_directory(
    contents: mmap.mmap | bytes, place: int, length: struct.Struct, entry: struct.Struct
) -> list[tuple]:
    """Return tag, type, number of values and place of the values for each entry of a directory, as far as it goes."""
    start = place + length.size
    if start > len(contents):
        return []
    (count,) = length.unpack_from(contents, place)
    end = min(start + min(count, MAX_TAGS) * entry.size, len(contents))
    return list(entry.iter_unpack(contents[start : end - (end - start) % entry.size]))


def _limit_tiles(image: TiffImageFile, max_megapixels: int) -> None:
    width, height = (image.tag_v2.get(tag, 0) for tag in (_TILE_WIDTH, _TILE_HEIGHT))
    if isinstance(width, int) and isinstance(height, int) and width * height > max_megapixels * 1_000_000:
        raise PhotoError(f"tiles of {width}x{height} pixels: more than {max_megapixels} megapixels")
