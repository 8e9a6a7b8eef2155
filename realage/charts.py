"""The style of all charts: palette, font and page. The same figure gives the same bytes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import FancyBboxPatch

from realage.core.disk import replacing

# Okabe and Ito's blue, vermilion and green: distinguishable with any colour vision, and in grey by their lightness.
SPLIT_COLORS = {"train": "#0072b2", "val": "#d55e00", "test": "#009e73"}
EVERYTHING = "#56728a"

# The page has its own colour, so that a chart looks the same on a light and on a dark site.
PAPER = "#f7f5f0"
INK = "#1d2730"
MUTED = "#626c75"
GRID = "#e1ddd4"
SHADE = "#e6dfcd"
DASHED = (0, (4, 3))  # the line style of a median, a mean, a baseline or the epoch that is kept

STYLE = {
    "figure.facecolor": PAPER,
    "figure.dpi": 150,
    "savefig.dpi": "figure",
    "axes.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.left": False,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "legend.frameon": False,
    "legend.handlelength": 1.2,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
}

HEADER = 0.8  # inches kept free above the axes for a figure's title and subtitle
GAP, CAPTION, MARGIN, ROW_LABEL = 0.08, 0.24, 0.3, 0.75  # inches, in a sheet of photos; CAPTION is a line of it
LETTER = 0.11  # inches per character of a row's label


@contextmanager
def style() -> Iterator[None]:
    """Draw in the project's style, independent of matplotlibrc; also a decorator: `@style()`."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def page(width: float, height: float, title: str, subtitle: str) -> Figure:
    """A figure of width x height inches with title and subtitle at the top left; call it, and add axes, in `style`."""
    layout = ConstrainedLayoutEngine(rect=(0.008, 0.01, 0.984, 0.99 - HEADER / height), w_pad=0.08, h_pad=0.08)
    figure = Figure(figsize=(width, height), layout=layout)
    figure.text(0.16 / width, 1 - 0.2 / height, title, fontsize=14, fontweight="bold", va="top")
    figure.text(0.16 / width, 1 - 0.5 / height, subtitle, fontsize=10, color=MUTED, va="top")
    return figure


def note(axes: Axes, x: float, y: float, text: str, **how) -> None:
    """Write `text` at data point (x, y) on a box of the page's colour, so that it is readable on lines and bars."""
    box = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
    axes.text(x, y, text, bbox=box, **{"fontsize": 9, "color": INK, **how})


def drawable(text: str) -> str:
    """`text` with a question mark for each character that the charts' font does not have."""
    return "".join(character if ord(character) in _characters() else "?" for character in text)


def legend_above(axes: Axes) -> None:
    """Put the legend above the axes, at the right, where it hides no data."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0.2)


class Tile(NamedTuple):
    """A photo of a sheet, uint8 RGB (height, width, 3), and the lines below it."""

    pixels: np.ndarray
    caption: str


@style()
def sheet(rows: Sequence[tuple[str, Sequence[Tile]]], side: float, title: str, subtitle: str) -> Figure:
    """A sheet of square photos, `side` inches each: every row has a label, which may be empty, and its tiles."""
    columns = max(len(tiles) for _, tiles in rows)
    letters = max(len(line) for label, _ in rows for line in label.split("\n"))
    indent = MARGIN + (max(ROW_LABEL, letters * LETTER) if letters else 0)
    below = CAPTION * max(1 + tile.caption.count("\n") for _, tiles in rows for tile in tiles) + GAP
    width = max(indent + columns * (side + GAP) + MARGIN, 6)
    height = HEADER + len(rows) * (side + below) + MARGIN
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    axes.text(MARGIN, 0.3, title, fontsize=14, fontweight="bold", va="top")
    axes.text(MARGIN, 0.6, subtitle, fontsize=10, color=MUTED, va="top")
    top = HEADER + MARGIN / 2
    for label, tiles in rows:
        axes.text(MARGIN, top + side / 2, label, fontsize=11, fontweight="bold", va="center")
        for column, tile in enumerate(tiles):
            _paste(axes, tile, indent + column * (side + GAP), top, side)
        top += side + below
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    return figure


def to_png(figure: Figure) -> bytes:
    """Draw `figure` as a PNG without date and software: equal figures give equal bytes."""
    stream = BytesIO()
    with style():
        figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def save(figure: Figure, path: Path) -> None:
    """Write `figure` to `path` as a PNG; equal figures give equal bytes."""
    with replacing(path) as part:
        part.write_bytes(to_png(figure))


@cache
def _characters() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def _paste(axes: Axes, tile: Tile, left: float, top: float, side: float) -> None:
    image = axes.imshow(tile.pixels, extent=(left, left + side, top + side, top), interpolation="antialiased")
    round_box = "round,pad=0,rounding_size=0.06"
    corners = FancyBboxPatch((left, top), side, side, boxstyle=round_box, fill=False, linewidth=0)
    axes.add_patch(corners)
    image.set_clip_path(corners)
    axes.text(left + side / 2, top + side + 0.05, tile.caption, fontsize=9, ha="center", va="top")
