"""Charts of the labelled photos: ages, groups, sizes, light, outliers, and the faces of each decade."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from realage.charts import (
    DASHED,
    EVERYTHING,
    HEADER,
    INK,
    MUTED,
    PAPER,
    SHADE,
    SPLIT_COLORS,
    Tile,
    drawable,
    legend_above,
    page,
    sheet,
    style,
)
from realage.core.columns import FILE_NAME, REAL_AGE
from realage.exploration.outliers import SCALES
from realage.photos.measures import THUMBNAIL
from realage.splits.ages import decade, decade_label
from realage.splits.assign import SPLIT_NAMES
from realage.splits.groups import groups_of

MOST_GROUPS = 30  # rows of a chart; further groups share one more row
LONGEST_NAME = 24  # characters of a group's name
LONGEST_FILE = 13  # characters of a file name below a photo
ENDS = {
    "shorter_side": ("smallest", "largest"),
    "proportions": ("tallest", "widest"),
    "brightness": ("darkest", "brightest"),
    "contrast": ("flattest", "harshest"),
    "sharpness": ("blurriest", "sharpest"),
    "colorfulness": ("greyest", "most vivid"),
}


@style()
def draw_ages(ages: pd.DataFrame, facts: dict) -> Figure:
    """Photos per year of age, stacked by split; `ages` is from `count_ages`, `facts` from `describe`."""
    figure = page(
        9, 4.6, "How old are the people?",
        f"{facts['photos']:,} photos; {facts['share_20_30']:.0%} are aged 20 to 30; as varied as "
        f"{facts['effective_ages']:.0f} equally common ages ({len(ages)} occur)",
    )
    axes = figure.subplots()
    axes.axvspan(19.5, 30.5, color=SHADE, linewidth=0, zorder=0)
    floor = np.zeros(len(ages))
    for split in _present(ages):
        axes.bar(ages["age"], ages[split], 0.86, floor, color=SPLIT_COLORS[split], label=SPLIT_NAMES[split])
        floor += ages[split]
    median = np.floor(facts["age_median"])  # the bar that holds it
    axes.axvline(median, color=INK, linewidth=1.2, linestyle=DASHED)
    axes.set_ylim(0, 1.14 * max(ages["photos"].max(), 3))
    axes.set_xlim(ages["age"].min() - 1.5, ages["age"].max() + 1.5)
    axes.text(median, axes.get_ylim()[1], f" median {facts['age_median']:g}", fontsize=9, va="top")
    axes.set(xlabel="real age (years)", ylabel="photos a year of age")
    axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    legend_above(axes)
    return figure


@style()
def draw_decades(decades: pd.DataFrame, facts: dict) -> Figure:
    """Each split's share of photos by decade; `decades` is from `count_decades`, `facts` from `describe`."""
    figure = page(
        9, 4.6, "Do the splits hold the same ages?",
        f"share of each split's photos by decade; the largest decade has {facts['imbalance_ratio']:.0f} times "
        "the photos of the smallest that has any",
    )
    axes = figure.subplots()
    splits = _present(decades)
    places, width = np.arange(len(decades)), 0.8 / len(splits)
    for position, split in enumerate(splits):
        offset = (position - (len(splits) - 1) / 2) * width
        total = decades[split].sum()
        axes.bar(
            places + offset, 100 * decades[split] / total, width * 0.92, color=SPLIT_COLORS[split],
            label=f"{SPLIT_NAMES[split]} ({total:,})",
        )
    axes.set_xticks(places, [f"{row.decade}\n{row.photos:,}" for row in decades.itertuples()])
    axes.set(xlabel="real age (years), and photos in all splits", ylabel="% of the split's photos")
    legend_above(axes)
    return figure


@style()
def draw_groups(rows: pd.DataFrame, columns: Sequence[str]) -> Figure:
    """Ages and numbers of photos by group, the largest group first, for each column in `columns`."""
    title = "Are the groups of the same age, and of the same size?"
    if not columns:
        how = "none are named: put columns of your labels, such as [gender], into evaluate.groups of params.yaml"
        return page(9, 1, title, how)
    grouped = [(column, _largest_first(rows[REAL_AGE], groups_of(rows, column))) for column in columns]
    heights = [len(ages) for _, ages in grouped]
    median = rows[REAL_AGE].median()
    subtitle = f"dot: median age; bar: middle half; line: 90% of the photos; dashed: median of all, {median:g}"
    figure = page(9, HEADER + 0.9 * len(grouped) + 0.4 * sum(heights), title, subtitle)
    panels = figure.subplots(len(grouped), 2, squeeze=False, width_ratios=(2.4, 1), height_ratios=heights)
    limits = rows[REAL_AGE].min() - 2, rows[REAL_AGE].max() + 2
    for (left, right), (column, ages) in zip(panels, grouped):
        _draw_group_ages(left, ages)
        left.axvline(median, color=INK, linewidth=1.2, linestyle=DASHED, zorder=1)
        left.set(title=_shorten(column, 2 * LONGEST_NAME), xlim=limits)
        left.set_xlabel("real age (years)", color=MUTED)
        _draw_group_sizes(right, ages)
    return figure


@style()
def draw_photos(measures: pd.DataFrame) -> Figure:
    """Distributions of size, proportions, light, sharpness and colour; `measures` is from `measures_of`."""
    sides = measures["width"].astype(str) + " x " + measures["height"].astype(str)
    commonest = sides.value_counts().sort_index().idxmax()
    figure = page(
        9, 6, "What are the photos like?",
        f"{len(measures):,} photos; the commonest size is {commonest} pixels ({(sides == commonest).mean():.0%}); "
        "dashed: median",
    )
    (side, proportions, brightness), (contrast, sharpness, colour) = figure.subplots(2, 3)
    _histogram(side, measures["shorter_side"], 20, "Shorter side", "pixels")
    _histogram(proportions, measures["proportions"], 0.2, "Proportions", "width / height")
    _histogram(brightness, measures["brightness"], 20, "Brightness", "mean level: black 0, white 255")
    _histogram(contrast, measures["contrast"], 20, "Contrast", "spread of grey levels")
    _histogram(sharpness, measures["sharpness"], 20, "Sharpness", "strength of edges: blurred 0")
    _histogram(colour, measures["colorfulness"], 20, "Colour", "colourfulness: grey 0")
    for left in (side, contrast):
        left.set_ylabel("photos")
    return figure


@style()
def draw_outliers(outliers: pd.DataFrame, photo_of: Callable[[int], np.ndarray], columns: int) -> Figure:
    """One row of up to `columns` photos for each end of a measure that has outliers, the farthest out first.

    `outliers` is from `find_outliers`; `photo_of` returns the photo for a label of its index: uint8 RGB
    (height, width, 3).
    """
    title = "Which photos stand out?"
    if outliers.empty:
        return page(9, 1, title, "none: no photo is far from the others in size, shape, light, sharpness or colour")
    rows = []
    for end, members in _by_end(outliers):
        shown = members.head(columns)
        label = end if len(shown) == len(members) else f"{end}\n{len(shown)} of {len(members):,}"
        rows.append((label, [
            Tile(_whole_photo(photo_of(row.Index)), f"{_shorten_file(row.file_name)}\n{_in_digits(row.value)}")
            for row in shown.itertuples()
        ]))
    photos = outliers[FILE_NAME].nunique()
    subtitle = f"photos far from the others: {photos:,}; the farthest first, all in outliers.csv"
    return sheet(rows, 1.1, title, subtitle)


def draw_contact_sheet(examples: pd.DataFrame, photo_of: Callable[[int], np.ndarray]) -> Figure:
    """One row of faces per decade, each with its age; `examples` is from `pick_examples`.

    `photo_of` returns the photo for a label of the index: uint8 RGB (height, width, 3).
    """
    rows = [
        (
            decade_label(start),
            [Tile(photo_of(row.Index), f"{row.real_age:g}") for row in members.itertuples()],
        )
        for start, members in examples.groupby(decade(examples[REAL_AGE]))
    ]
    subtitle = "a random pick from each decade, as the model sees them, with the real age in years"
    return sheet(rows, 0.95, "Faces by decade", subtitle)


def draw_mean_faces(mean_faces: dict[int, np.ndarray], by_decade: dict[str, int]) -> Figure:
    """The mean face of each decade, with the number of photos."""
    labels = [decade_label(start) for start in mean_faces]
    tiles = [
        Tile(pixels, f"{label} ({by_decade[label]:,} photos)") for label, pixels in zip(labels, mean_faces.values())
    ]
    rows = [("", tiles[first:first + 5]) for first in range(0, len(tiles), 5)]
    subtitle = "all photos laid over one another: a sharp face is a steady crop, or few photos"
    return sheet(rows, 1.6, "Mean face of each decade", subtitle)


def _present(counts: pd.DataFrame) -> list[str]:
    return [split for split in SPLIT_NAMES if counts[split].any()]


def _histogram(axes: Axes, values: pd.Series, least_width: float, title: str, unit: str) -> None:
    """A histogram. The few values that would compress all others into one bar are counted below the axis."""
    low, high = values.quantile([0.005, 0.995])
    low, high = max(values.min(), low - (high - low) / 2), min(values.max(), high + (high - low) / 2)
    # Equal values get a bar of visible width.
    middle, reach = (low + high) / 2, max(high - low, least_width) / 2
    low, high = max(middle - reach, 0), middle + reach
    axes.hist(values, list(np.linspace(low, high, 36)), color=EVERYTHING, rwidth=0.9)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.axvline(values.median(), color=INK, linewidth=1.2, linestyle=DASHED)
    axes.margins(y=0.16)
    axes.locator_params(axis="x", nbins=5)
    axes.text(values.median(), axes.get_ylim()[1], f" {values.median():.3g}", fontsize=9, va="top")
    beyond = ((values < low) | (values > high)).sum()
    axes.set(title=title)
    axes.set_xlabel(unit + (f"\n{beyond:,} beyond this axis" if beyond else ""), color=MUTED)


def _largest_first(ages: pd.Series, groups: pd.Series) -> list[tuple[str, pd.Series]]:
    """The name of each group and the ages of its photos; beyond MOST_GROUPS, the smallest groups are merged."""
    members = sorted(ages.groupby(groups), key=lambda group: (-len(group[1]), group[0]))
    if len(members) <= MOST_GROUPS:
        return members
    others = members[MOST_GROUPS:]
    return members[:MOST_GROUPS] + [(f"{len(others):,} other groups", pd.concat([ages for _, ages in others]))]


def _draw_group_ages(axes: Axes, groups: Sequence[tuple[str, pd.Series]]) -> None:
    quantiles = np.array([ages.quantile([0.05, 0.25, 0.5, 0.75, 0.95]) for _, ages in groups])
    places = range(len(groups))
    axes.hlines(places, quantiles[:, 0], quantiles[:, 4], color=EVERYTHING, linewidth=1.2)
    axes.hlines(places, quantiles[:, 1], quantiles[:, 3], color=EVERYTHING, alpha=0.45, linewidth=8, capstyle="butt")
    axes.plot(quantiles[:, 2], places, "o", color=EVERYTHING, markersize=7, markeredgecolor=PAPER)
    for place, median in zip(places, quantiles[:, 2]):
        axes.annotate(
            f"{median:g}", (median, place), (0, 6), textcoords="offset points", fontsize=8, ha="center", va="bottom",
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.4},
        )
    axes.set_yticks(places, [_shorten(name, LONGEST_NAME) for name, _ in groups])
    axes.set_ylim(len(groups) - 0.5, -0.6)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")


def _draw_group_sizes(axes: Axes, groups: Sequence[tuple[str, pd.Series]]) -> None:
    sizes = [len(ages) for _, ages in groups]
    axes.barh(range(len(sizes)), sizes, 0.5, color=EVERYTHING)
    for place, size in enumerate(sizes):
        axes.text(size, place, f" {size:,}", fontsize=9, va="center")
    axes.set(title="photos", yticks=[], xticks=[], xlim=(0, 1.3 * max(sizes)), ylim=(len(sizes) - 0.5, -0.6))
    axes.spines["bottom"].set_visible(False)
    axes.grid(visible=False)


def _by_end(outliers: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The outliers at each end that has some, in the order of SCALES, lower end first."""
    ends = []
    for name in SCALES:
        members = outliers[outliers["measure"] == name]
        is_low = members["value"] < members["low"]
        ends += [(ENDS[name][0], members[is_low]), (ENDS[name][1], members[~is_low])]
    return [(end, members) for end, members in ends if len(members)]


def _whole_photo(pixels: np.ndarray) -> np.ndarray:
    """The whole photo, uint8 RGB (height, width, 3), in a square of THUMBNAIL pixels, padded with PAPER."""
    photo, square = Image.fromarray(pixels), Image.new("RGB", (THUMBNAIL, THUMBNAIL), PAPER)
    # At least 1 pixel: a photo may be a thousand times as wide as high.
    width, height = (max(1, round(side * THUMBNAIL / max(photo.size))) for side in photo.size)
    resized = photo.resize((width, height), Image.Resampling.BOX)
    square.paste(resized, ((THUMBNAIL - width) // 2, (THUMBNAIL - height) // 2))
    return np.array(square)


def _shorten(name: str, longest: int) -> str:
    name = drawable(name)
    return name if len(name) <= longest else f"{name[:longest - 1]}…"


def _shorten_file(name: str) -> str:
    # The end is kept: that is where file names differ.
    name = drawable(name)
    return name if len(name) <= LONGEST_FILE else f"…{name[1 - LONGEST_FILE:]}"


def _in_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
