"""The photos of the page as data URIs, as large and as sharp as the page has room for."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

ACROSS = 20  # thumbnails in a row
THUMBNAIL = 72  # pixels
SHEET_WIDTH = 1700  # pixels


class Picture(NamedTuple):
    """A JPEG as a data URI, with its size in pixels."""

    uri: str
    width: int
    height: int


class Quality(NamedTuple):
    """How large, as a share of the full size, and how sharp, as a JPEG's quality, pictures are."""

    scale: float
    jpeg: int


QUALITIES = (Quality(1, 86), Quality(1, 72), Quality(0.75, 70), Quality(0.5, 65), Quality(0.3, 55), Quality(0.15, 50))


@dataclass(frozen=True)
class Photos:
    """`sheets` are PNGs by name, the others photos, uint8 RGB (size, size, 3); `maps` show `examples` with maps."""

    sheets: Mapping[str, bytes]
    worst: Sequence[np.ndarray]
    dots: Sequence[np.ndarray]
    examples: Sequence[np.ndarray]
    maps: Sequence[np.ndarray]

    def embed(self, quality: Quality) -> dict[str, Picture | list[Picture]]:
        """All pictures by name, photos as lists, and `dots` as one picture of ACROSS thumbnails in a row."""
        sheets = {name: Image.open(BytesIO(png)).convert("RGB") for name, png in self.sheets.items()}
        return {
            **{name: _jpeg(sheet, quality, SHEET_WIDTH) for name, sheet in sheets.items()},
            "worst": _photos(self.worst, quality),
            "examples": _photos(self.examples, quality),
            "maps": _photos(self.maps, quality),
            "dots": _jpeg(_tile(self.dots), Quality(1, min(quality.jpeg, 70)), ACROSS * THUMBNAIL),
        }


def _photos(photos: Sequence[np.ndarray], quality: Quality) -> list[Picture]:
    return [_jpeg(Image.fromarray(pixels), Quality(1, quality.jpeg), 224) for pixels in photos]


def _tile(photos: Sequence[np.ndarray]) -> Image.Image:
    rows = max(1, -(-len(photos) // ACROSS))
    together = Image.new("RGB", (ACROSS * THUMBNAIL, rows * THUMBNAIL))
    for number, pixels in enumerate(photos):
        photo = Image.fromarray(pixels).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        together.paste(photo, (number % ACROSS * THUMBNAIL, number // ACROSS * THUMBNAIL))
    return together


def _jpeg(image: Image.Image, quality: Quality, widest: int) -> Picture:
    scale = min(1, widest / image.width) * quality.scale
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    stream = BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(stream, "JPEG", quality=quality.jpeg, optimize=True)
    text = base64.b64encode(stream.getvalue()).decode("ascii")
    return Picture(f"data:image/jpeg;base64,{text}", *size)
