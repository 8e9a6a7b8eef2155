"""Pictures of the labelled photos: how old, how large, how bright, and what the faces of each decade look like."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from realage.ages import decade, decade_label
from realage.charts import (
    EVERYTHING,
    INK,
    MUTED,
    SHADE,
    SPLIT_COLORS,
    SPLIT_NAMES,
    Tile,
    legend_above,
    page,
    sheet,
    style,
)
from realage.eda import Survey


@style()
def draw_ages(ages: pd.DataFrame, facts: dict) -> Figure:
    """Photos a year of age, stacked by split; `ages` is from `count_ages`, `facts` from `describe`."""
    figure = page(
        9, 4.6, "How old are the people?",
        f"{facts['photos']:,} photos by real age; {facts['share_20_30']:.0%} are aged 20 to 30",
    )
    axes = figure.subplots()
    axes.axvspan(19.5, 30.5, color=SHADE, linewidth=0, zorder=0)
    floor = np.zeros(len(ages))
    for split in _present(ages):
        axes.bar(ages["age"], ages[split], 0.86, floor, color=SPLIT_COLORS[split], label=SPLIT_NAMES[split])
        floor += ages[split]
    axes.axvline(facts["age_median"], color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.margins(y=0.14)
    axes.set_xlim(ages["age"].min() - 1.5, ages["age"].max() + 1.5)
    axes.text(facts["age_median"], axes.get_ylim()[1], f" median {facts['age_median']:g}", fontsize=9, va="top")
    axes.set(xlabel="real age (years)", ylabel="photos a year of age")
    axes.xaxis.get_major_locator().set_params(integer=True)
    legend_above(axes)
    return figure


@style()
def draw_decades(decades: pd.DataFrame, facts: dict) -> Figure:
    """Each split's share of photos by decade; `decades` is from `count_decades`, `facts` from `describe`."""
    figure = page(
        9, 4.6, "Do the splits hold the same ages?",
        f"share of each split's photos by decade; the largest decade has {facts['imbalance_ratio']:.0f} times "
        "the photos of the smallest",
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
def draw_photo_sizes(measures: pd.DataFrame) -> Figure:
    """Distributions of the shorter side, brightness, contrast and sharpness; `measures` is from `survey_photos`."""
    sides = measures["width"].astype(str) + " x " + measures["height"].astype(str)
    commonest = sides.value_counts().sort_index().idxmax()
    figure = page(
        9, 6, "What are the photos like?",
        f"size and light of {len(measures):,} photos; the commonest size is {commonest} pixels "
        f"({(sides == commonest).mean():.0%}); dashed: median",
    )
    axes = figure.subplots(2, 2).ravel()
    for left in (axes[0], axes[2]):
        left.set_ylabel("photos")
    _histogram(axes[0], measures[["width", "height"]].min(axis="columns"), "Shorter side", "pixels")
    _histogram(axes[1], measures["brightness"], "Brightness", "mean grey level, 0 black to 255 white")
    _histogram(axes[2], measures["contrast"], "Contrast", "standard deviation of grey levels")
    _histogram(axes[3], measures["sharpness"], "Sharpness", "spread of the Laplacian; a blurred photo is near 0")
    return figure


def draw_contact_sheet(examples: pd.DataFrame, survey: Survey) -> Figure:
    """A row of faces for each decade, each with its age; `examples` is from `pick_examples`."""
    rows = [
        (
            decade_label(start),
            [Tile(survey.thumbnails[row.Index], f"{row.real_age:g}") for row in members.itertuples()],
        )
        for start, members in examples.groupby(decade(examples["real_age"]))
    ]
    return sheet(rows, 0.95, "Faces by decade", "a random pick from each decade, with the real age in years")


def draw_mean_faces(mean_faces: dict[int, np.ndarray], by_decade: dict[str, int]) -> Figure:
    """The mean face of each decade, with the number of photos that it is the mean of."""
    labels = [decade_label(start) for start in mean_faces]
    tiles = [
        Tile(pixels, f"{label} ({by_decade[label]:,} photos)") for label, pixels in zip(labels, mean_faces.values())
    ]
    rows = [("", tiles[first:first + 5]) for first in range(0, len(tiles), 5)]
    subtitle = "all photos laid over one another: a sharp face is a steady crop"
    return sheet(rows, 1.6, "Mean face of each decade", subtitle)


def _present(counts: pd.DataFrame) -> list[str]:
    return [split for split in SPLIT_NAMES if counts[split].any()]


def _histogram(axes: Axes, values: pd.Series, title: str, unit: str) -> None:
    # Equal values still get a bar of some width about them, and not a line.
    reach = max(values.max() - values.min(), 20) / 2
    middle = (values.max() + values.min()) / 2
    axes.hist(values, np.linspace(middle - reach, middle + reach, 42), color=EVERYTHING, rwidth=0.9)
    axes.axvline(values.median(), color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.margins(y=0.12)
    axes.locator_params(axis="x", nbins=6)
    axes.text(values.median(), axes.get_ylim()[1], f" {values.median():.3g}", fontsize=9, va="top")
    axes.set(title=title)
    axes.set_xlabel(unit, color=MUTED)
