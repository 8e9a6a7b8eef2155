"""Charts of a model's errors, and the tables behind them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from realage.charts import (
    DASHED,
    INK,
    MUTED,
    PAPER,
    SHADE,
    SPLIT_COLORS,
    Tile,
    legend_above,
    note,
    page,
    save,
    sheet,
    style,
)
from realage.core.columns import INTERVAL_PART, PERSON, PREDICTED_AGE, PREDICTED_HI, PREDICTED_LO, REAL_AGE
from realage.core.files import write_csv
from realage.evaluation.coverage import judging
from realage.evaluation.gates import BUFFER
from realage.evaluation.risk import tabulate_risk
from realage.splits.assign import HELD_OUT, SPLIT_NAMES

BIN = 5  # years of real age per point of the residuals' curve
FEWEST_IN_BIN = 5  # photos; the mean of fewer is too uncertain
WITHIN = np.arange(0, 25.5, 0.5)  # years
WORST = 12
PREDICTED = ["photo", PERSON, "split", REAL_AGE, PREDICTED_AGE, PREDICTED_LO, PREDICTED_HI, INTERVAL_PART]
MEASURES = ["n", "mae", "mae_ci95_lo", "mae_ci95_hi", "bias"]
COVERAGE = ["coverage_n", "coverage", "coverage_ci95_lo", "coverage_ci95_hi", "interval_width"]
NO_INTERVALS = "the model gives no intervals: too few validation photos calibrate them"


def draw_evaluation(predictions: pd.DataFrame, metrics: dict, folder: Path) -> None:
    """Write to `folder` four charts of the held-out photos' errors, and the CSVs behind them.

    `predictions` has columns `photo`, `person`, `split`, `real_age` and `predicted_age` (years), `metrics` is
    `metrics/evaluate.json`.
    """
    held_out = predictions[predictions["split"].isin(HELD_OUT)]
    by_decade, within = tabulate_breakdown(metrics["by_decade"], "decade"), tabulate_within(held_out)
    write_csv(folder / "predicted.csv", held_out[[column for column in PREDICTED if column in held_out]])
    write_csv(folder / "by_decade.csv", _flat(by_decade))
    write_csv(folder / "by_age.csv", _flat(tabulate_breakdown(metrics["by_age"], "age")))
    write_csv(folder / "within.csv", within)
    save(draw_predicted(held_out, metrics), folder / "predicted.png")
    save(draw_residuals(held_out, metrics), folder / "residuals.png")
    save(draw_by_decade(by_decade, metrics), folder / "by_decade.png")
    save(draw_within(within, metrics), folder / "within.png")


def draw_gates(gates: pd.DataFrame, folder: Path) -> None:
    """Write `gates.csv` and `gates.png` to `folder`; `gates` is from `tabulate_gates`."""
    write_csv(folder / "gates.csv", gates)
    save(draw_gate_curves(gates), folder / "gates.png")


def draw_intervals(predictions: pd.DataFrame, metrics: dict, folder: Path) -> None:
    """Write to `folder` two charts of the calibrated intervals, and the CSVs behind them.

    `predictions` is as in `draw_evaluation`, with `predicted_lo`, `predicted_hi` (years) and `interval_part` if the
    model is calibrated. If it is not, the charts say so.
    """
    coverage, risk = tabulate_breakdown(metrics["by_decade"], "decade", COVERAGE), tabulate_risk(judging(predictions))
    write_csv(folder / "coverage.csv", _flat(coverage))
    write_csv(folder / "risk_coverage.csv", risk)
    save(draw_coverage(coverage, metrics), folder / "coverage.png")
    save(draw_risk(risk, metrics), folder / "risk_coverage.png")


def draw_worst(predictions: pd.DataFrame, photo_of: Callable[[Any], np.ndarray], path: Path) -> None:
    """Write to `path` a sheet of the validation photos with the largest errors.

    `photo_of` returns the photo of a row of `predictions` (a named tuple): uint8 RGB (size, size, 3).
    """
    tiles = [
        Tile(photo_of(row), f"{row.real_age:g}, predicted {row.predicted_age:.0f}")
        for row in worst(predictions).itertuples()
    ]
    rows = [("", tiles[first:first + 6]) for first in range(0, len(tiles), 6)]
    save(sheet(rows, 1.45, "Largest errors in validation", "real age, then predicted age, in years"), path)


def worst(predictions: pd.DataFrame) -> pd.DataFrame:
    """The validation rows with the largest absolute errors, largest first, with a column `error` (years)."""
    rows = predictions[predictions["split"] == "val"]
    rows = rows.assign(error=rows[PREDICTED_AGE] - rows[REAL_AGE])
    order = rows["error"].abs().sort_values(ascending=False, kind="stable")
    return rows.loc[order.index[:WORST]]


def tabulate_breakdown(by_split: dict[str, list[dict]], key: str, measures: list[str] = MEASURES) -> pd.DataFrame:
    """A breakdown by age of `metrics/evaluate.json` as a table: one row for each value of `key`, youngest first.

    Columns are pairs of a split and one of `measures`.
    """
    tables = {
        split: pd.DataFrame(rows, columns=[key, *measures]).set_index(key) for split, rows in by_split.items()
    }
    table = pd.concat(tables, axis="columns").rename_axis(key)
    return table.sort_index(key=lambda labels: labels.astype(str).str.extract(r"(\d+)", expand=False).astype(int))


def tabulate_within(held_out: pd.DataFrame) -> pd.DataFrame:
    """Share of photos (0 to 1) whose error is at most so many years: columns `years`, each split, and `constant`.

    `constant` is the share for always predicting the median age of the validation photos.
    """
    shares = {
        split: _shares_within(rows[PREDICTED_AGE] - rows[REAL_AGE]) for split, rows in _by_split(held_out)
    }
    ages = held_out.loc[held_out["split"] == "val", REAL_AGE]
    return pd.DataFrame({"years": WITHIN, **shares, "constant": _shares_within(ages.median() - ages)})


@style()
def draw_predicted(held_out: pd.DataFrame, metrics: dict) -> Figure:
    """Predicted against real age, one panel per split; dense photos are drawn fainter."""
    figure, panels = _panels(
        held_out, 5.3, "Does the model see the age?", "on the line: right; in the band: within 5 years; above: too old"
    )
    limits = _limits(held_out[[REAL_AGE, PREDICTED_AGE]])
    for axes, split, rows in panels:
        axes.fill_between(limits, [age - 5 for age in limits], [age + 5 for age in limits], color=SHADE, linewidth=0)
        axes.plot(limits, limits, color=INK, linewidth=1.2, zorder=3)
        _scatter(axes, split, rows[REAL_AGE], rows[PREDICTED_AGE])
        axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel="real age (years)", ylabel="predicted age (years)")
        axes.set_title(f"{SPLIT_NAMES[split].capitalize()}: MAE {metrics[split]['mae']:.2f} years")
    return figure


@style()
def draw_residuals(held_out: pd.DataFrame, metrics: dict) -> Figure:
    """Error against real age, with the mean and standard deviation of the error in bins of five years."""
    figure, panels = _panels(
        held_out, 4.6, "Whom does the model get wrong?",
        "error = predicted - real; line and ribbon: its mean and spread at each age",
    )
    limits = _limits(held_out[[REAL_AGE]])
    reach = (held_out[PREDICTED_AGE] - held_out[REAL_AGE]).abs().max() * 1.06 + 1
    for axes, split, rows in panels:
        error = rows[PREDICTED_AGE] - rows[REAL_AGE]
        bins = error.groupby(rows[REAL_AGE] // BIN * BIN + BIN / 2).agg(["size", "mean", "std"])
        bins = bins[bins["size"] >= FEWEST_IN_BIN]
        _scatter(axes, split, rows[REAL_AGE], error)
        axes.fill_between(
            bins.index, bins["mean"] - bins["std"], bins["mean"] + bins["std"], color=INK, alpha=0.16, linewidth=0
        )
        axes.plot(bins.index, bins["mean"], color=INK, marker="o", markersize=4, zorder=4)
        axes.axhline(0, color=INK, linewidth=1, zorder=3)
        axes.set(xlim=limits, ylim=(-reach, reach), xlabel="real age (years)", ylabel="error (years)")
        axes.set_title(f"{SPLIT_NAMES[split].capitalize()}: bias {metrics[split]['bias']:+.2f} years")
    return figure


@style()
def draw_by_decade(by_decade: pd.DataFrame, metrics: dict) -> Figure:
    """MAE of each decade with its number of photos and, unless people are too few, its 95% interval.

    The dashed line is the MAE of all ages.
    """
    figure = page(
        9, 4.8, "How large is the error at each age?",
        "MAE by decade; bars: 95% intervals, none for too few people; dashed: all ages",
    )
    axes = figure.subplots()
    splits = list(metrics["by_decade"])
    for position, split in enumerate(splits):
        rows, color = by_decade[split], SPLIT_COLORS[split]
        places = np.arange(len(rows)) + (position - (len(splits) - 1) / 2) * 0.26
        name = f"{SPLIT_NAMES[split]} ({metrics[split]['n']:,})"
        axes.axhline(metrics[split]["mae"], color=color, linewidth=1.2, linestyle=DASHED)
        axes.vlines(places, rows["mae_ci95_lo"], rows["mae_ci95_hi"], color=color, alpha=0.45, linewidth=6)
        axes.plot(places, rows["mae"], "o", color=color, markersize=7, label=name)
    photos = by_decade.xs("n", axis="columns", level=1).sum(axis="columns")
    axes.set_xticks(range(len(photos)), [f"{label}\n{count:,.0f}" for label, count in photos.items()])
    axes.set(ylim=(0, None), xlabel="real age (years), and photos", ylabel="MAE (years)")
    legend_above(axes)
    return figure


@style()
def draw_within(within: pd.DataFrame, metrics: dict) -> Figure:
    """The cumulative score: share of photos within x years, beside that of the best constant guess."""
    figure = page(9, 4.8, "How often is the model close?", "share of photos whose error is at most so many years")
    axes = figure.subplots()
    for split in [name for name in HELD_OUT if name in within.columns]:
        axes.plot(within["years"], 100 * within[split], color=SPLIT_COLORS[split], label=SPLIT_NAMES[split])
    axes.plot(
        within["years"], 100 * within["constant"], color=MUTED, linewidth=1.5, linestyle=DASHED,
        label="always guessing validation's median age",
    )
    for years in (3, 5, 10):
        share = 100 * metrics["val"][f"cs{years}"]
        axes.plot([years, years], [0, share], color=MUTED, linewidth=0.8)
        axes.plot(years, share, "o", color=SPLIT_COLORS["val"], markersize=6)
        note(axes, years + 0.35, share - 2, f"{share:.0f}%", va="top", fontweight="bold", color=SPLIT_COLORS["val"])
    axes.set(xlim=(0, WITHIN[-1]), ylim=(0, 101), xlabel="error at most (years)", ylabel="% of photos")
    axes.legend(loc="lower right")
    return figure


@style()
def draw_gate_curves(gates: pd.DataFrame) -> Figure:
    """False-positive rate against the share of older people asked for proof: a line for each threshold.

    `gates` is from `tabulate_gates`; each split has a panel. Lines go from the threshold to the highest challenge age.
    Thresholds without both rates have no line; the panel says how many.
    """
    title, known = "What does an age gate cost?", gates.dropna(subset=["fpr", "fnr"])
    if known.empty:
        return page(9, 1, title, "unknown: no threshold is named, or too few people are younger or older than it")
    thresholds, splits = list(gates["threshold"].unique()), list(_by_split(gates))
    figure = page(
        9 if len(splits) > 1 else 7, 5, title,
        "lower left is better; each dot: a challenge age, from the threshold (upper left) upwards; ring: "
        f"{BUFFER} years above it",
    )
    colors = dict(zip(thresholds, matplotlib.colormaps["viridis"](np.linspace(0, 0.8, len(thresholds)))))
    row = figure.subplots(1, len(splits), squeeze=False, sharey=True)[0]
    for axes, (split, _) in zip(row, splits):
        lines = list(known[known["split"] == split].groupby("threshold"))
        for threshold, line in lines:
            _draw_gate(axes, int(threshold), line, colors[threshold])
        if lines:
            axes.legend(title="threshold", loc="upper right")
        lacking = f" (too few people at {len(thresholds) - len(lines)} of {len(thresholds)} thresholds)"
        axes.set_title(SPLIT_NAMES[split].capitalize() + (lacking if len(lines) < len(thresholds) else ""))
        axes.set(xlim=(0, 105 * known["fnr"].max() + 1), ylim=(0, 105 * known["fpr"].max() + 1))
        axes.set_xlabel("% of older people asked for proof")
    row[0].set_ylabel("% of younger people who pass")
    return figure


def _draw_gate(axes: Axes, threshold: int, line: pd.DataFrame, color: np.ndarray) -> None:
    asked, passing = 100 * line["fnr"], 100 * line["fpr"]
    how: dict[str, Any] = {"color": color, "clip_on": False, "zorder": 3}
    axes.plot(asked, passing, "o-", markersize=3.5, linewidth=1.5, label=f"{threshold}", **how)
    ring = line["challenge"] == threshold + BUFFER
    axes.plot(asked[ring], passing[ring], "o", markerfacecolor=PAPER, markeredgewidth=2, markersize=9, **how)


@style()
def draw_coverage(coverage: pd.DataFrame, metrics: dict) -> Figure:
    """Share of real ages within their interval, by decade, with its 95% interval, and the mean width in years below.

    `coverage` is from `tabulate_breakdown`. The dashed line is the share that the intervals are meant to hold.
    """
    title = "How often does the interval hold the real age?"
    if "calibration" not in metrics:
        return page(9, 1, title, NO_INTERVALS)
    target = 100 * metrics["calibration"]["coverage"]
    figure = page(
        9, 6.4, title, f"by decade; bars: 95% intervals, none for too few people; dashed: {target:g}%, as was asked for"
    )
    shares, widths = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    shares.axhline(target, color=INK, linewidth=1.2, linestyle=DASHED)
    splits = [split for split in metrics["by_decade"] if "coverage" in metrics[split]]
    for position, split in enumerate(splits):
        rows, color = coverage[split], SPLIT_COLORS[split]
        places = np.arange(len(rows)) + (position - (len(splits) - 1) / 2) * 0.26
        ends = 100 * rows["coverage_ci95_lo"], 100 * rows["coverage_ci95_hi"]
        name = f"{SPLIT_NAMES[split]} ({metrics[split]['coverage_n']:,}): {100 * metrics[split]['coverage']:.0f}%"
        shares.vlines(places, *ends, color=color, alpha=0.45, linewidth=6)
        shares.plot(places, 100 * rows["coverage"], "o", color=color, markersize=7, label=name)
        widths.bar(places, rows["interval_width"], width=0.24, color=color)
    photos = coverage.xs("coverage_n", axis="columns", level=1).sum(axis="columns")
    widths.set_xticks(range(len(photos)), [f"{label}\n{count:,.0f}" for label, count in photos.items()])
    shares.set(ylim=(None, 101), ylabel="% within the interval")
    widths.set(ylim=(0, None), xlabel="real age (years), and photos that judge", ylabel="mean width (years)")
    legend_above(shares)
    return figure


@style()
def draw_risk(risk: pd.DataFrame, metrics: dict) -> Figure:
    """The MAE of the photos with the narrowest intervals, by their share of all; `risk` is from `tabulate_risk`."""
    title = "Is the error small where the model is sure?"
    if "calibration" not in metrics:
        return page(9, 1, title, NO_INTERVALS)
    figure = page(9, 4.8, title, "MAE of the photos with the narrowest intervals; dashed: of all photos")
    axes = figure.subplots()
    for split in [name for name in HELD_OUT if name in risk.columns]:
        name = f"{SPLIT_NAMES[split]}: mean {metrics[split]['aurc']:.2f}"
        axes.plot(100 * risk["share"], risk[split], color=SPLIT_COLORS[split], label=name)
        last = risk[split].iloc[-1]
        axes.plot([0, 100], [last, last], color=SPLIT_COLORS[split], linewidth=1, linestyle=DASHED)
    axes.set(xlim=(0, 100.5), ylim=(0, None), xlabel="% of photos, the surest first", ylabel="MAE (years)")
    axes.legend(loc="lower right")
    return figure


def _flat(breakdown: pd.DataFrame) -> pd.DataFrame:
    """The table of `tabulate_breakdown` with columns such as `val_mae`."""
    return breakdown.set_axis(breakdown.columns.map("_".join), axis=1).reset_index()


def _panels(held_out: pd.DataFrame, height: float, title: str, subtitle: str) -> tuple[Figure, Iterator]:
    """A figure and, for each split in `held_out`, its axes, name and rows."""
    splits = list(_by_split(held_out))
    figure = page(9 if len(splits) > 1 else 7, height, title, subtitle)
    row = figure.subplots(1, len(splits), squeeze=False)[0]
    return figure, ((axes, split, rows) for axes, (split, rows) in zip(row, splits))


def _by_split(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for split in HELD_OUT:
        if split in set(table["split"]):
            yield split, table[table["split"] == split]


def _shares_within(errors: pd.Series) -> list[float]:
    return [float((errors.abs() <= years).mean()) for years in WITHIN]


def _scatter(axes: Axes, split: str, x: pd.Series, y: pd.Series) -> None:
    # The more photos in a square of 4 x 4 years, the fainter each one, so that density and single photos are visible.
    crowd = pd.Series(1, x.index).groupby([x // 4, y // 4]).transform("size")
    axes.scatter(x, y, s=14, color=SPLIT_COLORS[split], alpha=np.clip(1.2 / np.sqrt(crowd), 0.1, 0.8), linewidths=0)


def _limits(ages: pd.DataFrame) -> tuple[float, float]:
    """Axis limits in years that hold all `ages`, with a margin."""
    return float(ages.min().min()) - 3, float(ages.max().max()) + 3
