"""Plots as inline SVG that a page shows at any width, in its own colours, without a script.

Places are percentages of the plot and sizes are CSS pixels, so text keeps its size on a phone. Colours are CSS classes.
The text of a mark is in its `<title>`: browsers show it on hover, and `page.js` on a tap and to a keyboard too.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from realage.core.errors import printable

ROW = 34  # pixels
HEIGHT = 270  # pixels
LONGEST = 38  # letters of a text in a plot: more do not fit on a phone
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, and the labels of some of its values."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]] = ()

    def at(self, value: float) -> float:
        """The place of `value`, in percent of the axis."""
        return 100 * (value - self.low) / (self.high - self.low)


def numbers(low: float, high: float, label: Callable[[float], str] = "{:g}".format, most: int = 6) -> Scale:
    """A scale of numbers with up to `most` round ticks. `low` and `high` may be equal."""
    if high <= low:
        low, high = low - 0.5, low + 0.5
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(step * power for step in STEPS if (high - low) / (step * power) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Scale(low, high, [(place * step, label(place * step)) for place in range(first, last + 1)])


def rows(labels: Sequence[str]) -> Scale:
    """A vertical scale of rows, the first at the top: row i is from i to i + 1."""
    return Scale(len(labels), 0, [(row + 0.5, label) for row, label in enumerate(labels)])


class Plot:
    """One plot. Marks are drawn in the order of the calls; `style` is their CSS class, `tip` their text."""

    def __init__(self, x: Scale, y: Scale, label: str, height: int = HEIGHT, square: bool = False) -> None:
        """`label` names the plot for people who do not see it. A square plot is as high as wide, not `height`."""
        self._x, self._y, self._label, self._height, self._square = x, y, label, height, square
        self._marks: list[Markup] = []

    def dot(self, x: float, y: float, style: str, tip: str = "", opacity: float = 1, photo: int | None = None) -> None:
        """A dot; `photo` is the number of its picture among the page's thumbnails."""
        faint = Markup(' fill-opacity="{}"').format(_short(opacity)) if opacity < 1 else ""
        shows = Markup(' data-photo="{}"').format(photo) if photo is not None else ""
        self._add('<circle cx="{}%" cy="{}%" r="4" class="{}"{}{}>{}</circle>',
                  *self._place(x, y), style, faint, shows, _title(tip))

    def bar(self, x: tuple[float, float], y: tuple[float, float], style: str, tip: str = "") -> None:
        """A rectangle between two values of each axis, cut off at the ends of the x axis."""
        (left, right), (top, bottom) = sorted(map(self._left, x)), sorted(map(self._top, y))
        left, right = max(left, 0), min(right, 100)
        self._add('<rect x="{}%" y="{}%" width="{}%" height="{}%" class="{}">{}</rect>',
                  _short(left), _short(top), _short(right - left), _short(bottom - top), style, _title(tip))

    def line(self, x: tuple[float, float], y: tuple[float, float], style: str) -> None:
        """A straight line between two points."""
        (x1, y1), (x2, y2) = (self._place(x[end], y[end]) for end in (0, 1))
        self._add('<line x1="{}%" y1="{}%" x2="{}%" y2="{}%" class="{}"/>', x1, y1, x2, y2, style)

    def curve(self, points: Iterable[tuple[float, float]], style: str, closed: bool = False) -> None:
        """A line through points, or the area inside it; points that are not finite are left out.

        Only a path needs a plot that stretches: its places cannot be percentages.
        """
        places = [" ".join(self._place(x, y)) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        if places:
            # The first point twice, so that a single one is a dot.
            path = f"M{places[0]}L{'L'.join(places)}{'Z' if closed else ''}"
            self._add('<svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="100%">'
                      '<path d="{}" class="{}"/></svg>', path, style)

    def text(self, x: float, y: float, text: str) -> None:
        """A text that begins at a point, cut off after LONGEST letters."""
        shown = printable(text)
        shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST - 1]}…"
        self._add('<text x="{}%" y="{}%">{}</text>', *self._place(x, y), shown)

    def svg(self) -> Markup:
        """The plot as an element of a page."""
        size = Markup('class="square"') if self._square else Markup('height="{}"').format(self._height)
        return Markup('<svg role="img" aria-label="{}" width="100%" {}>{}{}</svg>').format(
            printable(self._label), size, self._axes(), Markup("").join(self._marks)
        )

    def _axes(self) -> Markup:
        lines = [
            Markup('<line x1="{0}%" y1="0%" x2="{0}%" y2="100%" class="grid"/>'
                   '<text x="{0}%" y="100%" dy="18" class="x">{1}</text>').format(_short(self._x.at(value)), label)
            for value, label in self._x.ticks
        ]
        is_rows = self._y.low > self._y.high
        lines += [
            Markup('{2}<text x="0%" y="{0}%" dx="-8" dy="4" class="y">{1}</text>').format(
                _short(self._top(value)), printable(label),
                "" if is_rows else Markup('<line x1="0%" y1="{0}%" x2="100%" y2="{0}%" class="grid"/>').format(
                    _short(self._top(value)))
            )
            for value, label in self._y.ticks
        ]
        return Markup("").join(lines)

    def _place(self, x: float, y: float) -> tuple[str, str]:
        return _short(self._left(x)), _short(self._top(y))

    def _left(self, x: float) -> float:
        return self._x.at(x)

    def _top(self, y: float) -> float:
        return 100 - self._y.at(y)

    def _add(self, element: str, *values: object) -> None:
        self._marks.append(Markup(element).format(*values))


def _title(tip: str) -> Markup:
    lines = "\n".join(map(printable, tip.split("\n")))
    return Markup("<title>{}</title>").format(lines) if tip else Markup("")


def _short(number: float) -> str:
    return f"{round(float(number), 2) + 0.0:g}"
