"""The charts of the page: each has a title, how to read it, what it says in words, its plots and its table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from realage.core.columns import FILE_NAME, PREDICTED_AGE, REAL_AGE
from realage.evaluation.gates import BUFFER
from realage.report.svg import ROW, Plot, Scale, numbers, rows
from realage.report.words import Scores, interval_in_words, is_certain, rate_in_words, share_in_words
from realage.splits.assign import HELD_OUT, SPLIT_NAMES

BIN = 5  # years of real age per point of the line through the errors
FEWEST_IN_BIN = 5  # photos; the mean of fewer is too uncertain
GATE_STYLES = 5  # classes gate0 to gate4 of page.css
PHOTO_UNITS = {
    "width": "pixels", "height": "pixels", "shorter_side": "pixels", "proportions": "width / height",
    "brightness": "mean grey level, 0 to 255", "contrast": "standard deviation of grey levels",
    "sharpness": "0: blurred", "colorfulness": "0: grey",
}  # fmt: skip
SHORT = 6  # letters of a label that has room at the left of a plot


@dataclass(frozen=True)
class Table:
    """A table of texts; the first column names the row."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Chart:
    """What `chart` in `macros.html.j2` shows. `says` is the chart in words; `legend` has a CSS class and its meaning.

    `panels` are plots with their headings.
    """

    title: str
    reading: str
    says: str
    panels: Sequence[tuple[str, Markup]]
    x_label: str
    y_label: str = ""
    legend: Sequence[tuple[str, str]] = ()
    table: Table | None = None
    has_y_axis: bool = True  # labels at the left of the plots


def draw_verdict(splits: Sequence[str], evaluate: Scores, floor: float | None) -> Chart:
    """The MAE of each split with its interval, beside the constant baseline and the label noise of the sample."""
    bars = [(split, SPLIT_NAMES[split].capitalize(), evaluate[split]) for split in reversed(splits)]
    bars.append(("muted", "Always the median age", {"mae": evaluate[splits[-1]]["baseline"]["mae"]}))
    if floor is not None:
        bars.append(("muted", "Floor: the noise in the labels", {"mae": floor}))
    says = "; ".join(f"{name}: {_with_interval(scores)}" for _, name, scores in bars)
    end = max(scores.get("mae_ci95_hi", scores["mae"]) for *_, scores in bars)
    plot = Plot(numbers(0, end * 1.02), Scale(len(bars), 0), says, ROW * len(bars) + 16 * len(bars))
    for row, (style, name, scores) in enumerate(bars):
        plot.text(0, row + 0.36, f"{name}: {scores['mae']:.2f}")
        plot.bar((0, scores["mae"]), (row + 0.48, row + 0.74), style, f"{name}\n{_with_interval(scores)}")
        _draw_interval(plot, scores, row + 0.61)
    return Chart(
        "Mean absolute error", "Thin lines: 95% intervals.", says, [("", plot.svg())],
        "mean absolute error, MAE (years)", has_y_axis=False
    )


def draw_predicted(dots: pd.DataFrame, evaluate: Scores, named: bool) -> Chart:
    """Predicted against real age; `dots` is from `pick_dots`. If `named`, dots show their file and their photo."""
    scale = _ages(dots[REAL_AGE], dots[PREDICTED_AGE])
    panels, says = [], []
    for split, part in _by_split(dots):
        scores = evaluate[split]
        words = (f"{SPLIT_NAMES[split].capitalize()}: {scores['cs5']:.0%} of {scores['n']:,} photos within 5 years, "
                 f"{1 - scores['cs10']:.0%} off by more than 10, R² {_or_none(scores, 'r2')}")
        plot = Plot(scale, scale, words, square=True)
        low, high = scale.low, scale.high
        plot.curve([(low, low - 5), (low, low + 5), (high, high + 5), (high, high - 5)], "band", closed=True)
        plot.line((low, high), (low, high), "rule")
        _draw_dots(plot, split, part, part[PREDICTED_AGE], named)
        panels.append((f"{SPLIT_NAMES[split].capitalize()}: MAE {scores['mae']:.2f} years", plot.svg()))
        says.append(words)
    return Chart(
        "Predicted against real age",
        f"Each dot is a photo{_of_all(dots, evaluate)}. On the line the prediction is right, in the band it is within "
        "5 years, above the line it is too old.",
        ". ".join(says) + ".", panels, "real age (years)", "predicted age (years)",
    )


def draw_residuals(dots: pd.DataFrame, predictions: pd.DataFrame, evaluate: Scores, named: bool) -> Chart:
    """Error against real age, with its mean and standard deviation in bins of five years, of all `predictions`."""
    x = _ages(dots[REAL_AGE])
    reach = float(dots["error"].abs().max()) * 1.06 + 1
    y = numbers(-reach, reach, lambda years: f"{years:+g}" if years else "0")
    panels, says, table = [], [], []
    for split, part in _by_split(dots):
        everyone = predictions[predictions["split"] == split]
        bins = _bins(everyone)
        words = f"{SPLIT_NAMES[split].capitalize()}: bias {evaluate[split]['bias']:+.2f} years{_extremes(bins)}"
        plot = Plot(x, y, words)
        plot.line((x.low, x.high), (0, 0), "rule")
        _draw_dots(plot, split, part, part["error"], named)
        shown = bins[bins["size"] >= FEWEST_IN_BIN]
        if len(shown):
            low, high = shown["mean"] - shown["std"], shown["mean"] + shown["std"]
            plot.curve([*zip(shown.index, low), *reversed([*zip(shown.index, high)])], "ribbon", closed=True)
            plot.curve(zip(shown.index, shown["mean"]), "mean")
        panels.append((f"{SPLIT_NAMES[split].capitalize()}: bias {evaluate[split]['bias']:+.2f} years", plot.svg()))
        says.append(words)
        table += [
            (f"{middle - BIN / 2:g} to {middle + BIN / 2:g}", SPLIT_NAMES[split], f"{row['size']:,.0f}",
             f"{row['mean']:+.2f}", "–" if np.isnan(row["std"]) else f"{row['std']:.2f}")
            for middle, row in bins.iterrows()
        ]
    return Chart(
        "Error against real age",
        "Error = predicted - real; line and ribbon: its mean and spread at each age. A line that falls from left to "
        "right means that predictions tend to the middle: young people are predicted too old, old people too young.",
        ". ".join(says) + ".", panels, "real age (years)", "error (years)",
        table=Table("Errors by five years of real age",
                    ("real age", "split", "photos", "mean error", "standard deviation"), table),
    )


def draw_within(within: pd.DataFrame, evaluate: Scores) -> Chart:
    """The share of photos within so many years; `within` is `plots/evaluate/within.csv`."""
    splits = [split for split in HELD_OUT if split in evaluate]
    last = float(within["years"].max())
    names = {**{split: SPLIT_NAMES[split] for split in splits}, "constant": "always the median age"}
    says = "; ".join(
        f"{SPLIT_NAMES[split]}: " + ", ".join(f"{evaluate[split][f'cs{years}']:.0%} within {years}"
                                              for years in (3, 5, 10)) for split in splits) + " years."
    plot = Plot(numbers(0, last), numbers(0, 100, "{:g}%".format, most=5), says)
    plot.curve(zip(within["years"], 100 * within["constant"]), "constant")
    for split in splits:
        plot.curve(zip(within["years"], 100 * within[split]), f"{split} curve")
    table = [[f"{row['years']:g}", *(f"{row[name]:.0%}" for name in names)] for _, row in within.iterrows()]
    _draw_columns(plot, within["years"], (0, 100), [
        "\n".join([f"within {row[0]} years", *(f"{name}: {share}" for name, share in zip(names.values(), row[1:]))])
        for row in table
    ])
    return Chart(
        "Share of photos within so many years",
        "At 5 years, for example, a line is the share of photos with an error of at most 5 years. "
        "Dashed: always guessing the median age of the validation photos.",
        says.capitalize(), [("", plot.svg())], "error at most (years)", "photos", _legend(splits, "curve"),
        Table("Share of photos within so many years", ("years", *names.values()), table[::2]),
    )


def draw_by(what: str, labels: Sequence[str], scores_of: Mapping[str, Mapping[str, Scores]], evaluate: Scores) -> Chart:
    """The MAE of each label, a decade or a group, by split, with its interval; `scores_of` is by split, then label."""
    splits = [split for split in HELD_OUT if split in scores_of]
    known = [(label, split, scores_of[split][label]) for label in labels for split in splits
             if label in scores_of[split]]
    end = max([scores.get("mae_ci95_hi", scores["mae"]) for *_, scores in known], default=1.0)
    says = _worst_label(known)
    short = all(len(label) <= SHORT for label in labels)
    plot = Plot(numbers(0, end * 1.04), rows(labels) if short else Scale(len(labels), 0), says,
                (ROW if short else ROW + 14) * len(labels))
    for split in splits:
        plot.line((evaluate[split]["mae"],) * 2, (0, len(labels)), f"{split} average")
    for row, label in enumerate([] if short else labels):
        plot.text(0, row + 0.34, label)
    first, apart = (0.32, 0.36) if short else (0.54, 0.26)
    for label, split, scores in known:
        place = labels.index(label) + first + apart * splits.index(split)
        _draw_interval(plot, scores, place, f"{split} interval")
        plot.dot(scores["mae"], place, split if is_certain(scores) else f"{split} few",
                 f"{label}, {SPLIT_NAMES[split]}\nMAE {_with_interval(scores)}\n{scores['n']:,} photos, "
                 f"bias {scores['bias']:+.2f}")
    return Chart(
        f"Error by {what}",
        "Bars: 95% intervals. If two bars overlap, the data may be too few to tell the two errors apart. Hollow: too "
        "few people for an interval. Dashed: all photos.",
        says, [("", plot.svg())], "MAE (years)", legend=_legend(splits), has_y_axis=short,
    )


def draw_gates(gates: pd.DataFrame) -> Chart | None:
    """The rates of each gate at each challenge age; `gates` is `plots/evaluate/gates.csv`.

    None if no threshold has both rates, because none is named or people are too few.
    """
    known = gates.dropna(subset=["fpr", "fnr"])
    if known.empty:
        return None
    x = numbers(0, 105 * float(known["fnr"].max()) + 1, "{:g}%".format)
    y = numbers(0, 105 * float(known["fpr"].max()) + 1, "{:g}%".format, most=5)
    thresholds = list(known["threshold"].unique())
    styles = {threshold: f"gate{rank % GATE_STYLES}" for rank, threshold in enumerate(thresholds)}
    panels, says = [], []
    for split, part in _by_split(known):
        words = f"{SPLIT_NAMES[split].capitalize()}: " + "; ".join(
            _gate_in_words(row) for row in part[part["challenge"] == part["threshold"] + BUFFER].to_dict("records")
        )
        plot = Plot(x, y, words)
        for threshold, line in part.groupby("threshold"):
            plot.curve(zip(100 * line["fnr"], 100 * line["fpr"]), f"{styles[threshold]} curve")
            for row in line.to_dict("records"):
                plot.dot(100 * row["fnr"], 100 * row["fpr"], styles[threshold], _gate_in_words(row).replace(": ", "\n"))
        panels.append((SPLIT_NAMES[split].capitalize(), plot.svg()))
        says.append(words)
    table = [
        (f"{row['threshold']:g}", f"{row['challenge']:g}", SPLIT_NAMES[row["split"]],
         rate_in_words(row, "fpr"), rate_in_words(row, "fnr"))
        for row in known.sort_values(["threshold", "challenge"], kind="stable").to_dict("records")
    ]
    return Chart(
        "What a gate costs",
        "Each line is a threshold, and its dots are challenge ages. The dot at the upper left is the threshold itself; "
        "each further dot is a year more. Choose the share of younger people who may pass: the line shows how many "
        "older people are then asked for proof.",
        ". ".join(says) + ".", panels, "older people who are asked (FNR)", "younger people who pass (FPR)",
        [(f"{styles[threshold]} curve", f"threshold {threshold}") for threshold in thresholds],
        Table("Rates at each challenge age",
              ("threshold", "challenge age", "split", "younger people who pass", "older people who are asked"), table),
    )


def draw_coverage(labels: Sequence[str], scores_of: Mapping[str, Mapping[str, Scores]], evaluate: Scores
                  ) -> Chart | None:
    """The share of real ages within their interval by decade; `scores_of` is by split, then label.

    None if the model gives no intervals.
    """
    if "calibration" not in evaluate:
        return None
    splits = [split for split in HELD_OUT if "coverage" in evaluate.get(split, {})]
    target = evaluate["calibration"]["coverage"]
    says = "; ".join(f"{SPLIT_NAMES[split]}: {share_in_words(evaluate[split], 'coverage')} of real ages are within the "
                     "interval" for split in splits) + "."
    plot = Plot(numbers(0, 100, "{:g}%".format, most=5), rows(labels), says, ROW * len(labels))
    plot.line((100 * target, 100 * target), (0, len(labels)), "rule dashed")
    for row, label in enumerate(labels):
        for position, split in enumerate(splits):
            scores = scores_of[split].get(label, {})
            if "coverage" in scores:
                top = row + 0.14 + 0.72 * position / len(splits)
                height = 0.64 / len(splits)
                known = "coverage_ci95_lo" in scores
                tip = (f"{label}, {SPLIT_NAMES[split]}\n{share_in_words(scores, 'coverage')} of "
                       f"{scores['coverage_n']:,} ages\nmean width {scores['interval_width']:.1f} years")
                if known:
                    ends = 100 * scores["coverage_ci95_lo"], 100 * scores["coverage_ci95_hi"]
                    plot.line(ends, (top + height / 2,) * 2, f"interval {split}")
                plot.dot(100 * scores["coverage"], top + height / 2, split if known else f"few {split}", tip)
    return Chart(
        "How often the interval holds the real age",
        f"Dashed: {target:.0%}, as was asked for; bars: 95% intervals; hollow: too few people for one. A bar that ends "
        "left of the dashed line: at these ages the interval holds the real age too rarely.",
        says.capitalize(), [("", plot.svg())], "real ages within the interval", legend=_legend(splits),
    )


def draw_risk(risk: pd.DataFrame, evaluate: Scores) -> Chart | None:
    """The MAE of the photos with the narrowest intervals; `risk` is `plots/evaluate/risk_coverage.csv`.

    None if the model gives no intervals.
    """
    splits = [split for split in HELD_OUT if "aurc" in evaluate.get(split, {}) and risk[split].notna().any()]
    if "calibration" not in evaluate or not splits:
        return None
    share, half = 100 * risk["share"], risk["share"].sub(0.5).abs().idxmin()
    says = "; ".join(
        f"{SPLIT_NAMES[split]}: {_or_dash(risk[split].iloc[half])} years for the surest half, "
        f"{risk[split].iloc[-1]:.2f} for all, {evaluate[split]['aurc']:.2f} as the mean of the line"
        for split in splits) + "."
    top = float(risk[splits].max().max()) * 1.08
    plot = Plot(numbers(0, 100, "{:g}%".format, most=5), numbers(0, top), says)
    for split in splits:
        plot.curve(zip(share, risk[split]), f"{split} curve")
    table = [[f"{row['share']:.0%}", *(_or_dash(row[split]) for split in splits)] for _, row in risk.iterrows()]
    _draw_columns(plot, share, (0, top), [
        "\n".join([f"the surest {part}", *(f"{SPLIT_NAMES[split]}: {mae} years" for split, mae in zip(splits, maes))])
        for part, *maes in table
    ])
    return Chart(
        "Is the error small where the model is sure?",
        "The MAE of the photos with the narrowest intervals, without those that calibrated the intervals. If a line "
        "rises from left to right, the model knows where it errs. Flat: it does not.",
        says.capitalize(), [("", plot.svg())], "photos, the surest first", "MAE (years)", _legend(splits, "curve"),
        Table("MAE of the surest photos, in years", ("photos", *(SPLIT_NAMES[split] for split in splits)), table[::5]),
    )


def draw_training(history: pd.DataFrame, kept_epoch: int) -> Chart:
    """Training and validation MAE by epoch; `history` has columns `epoch`, `mae` and `val_mae` (years)."""
    limit = mae_limit(history)
    kept = history[history["epoch"] == kept_epoch]
    says = f"Epoch {kept_epoch} of {len(history)} is the model"
    if len(kept):
        says += f": training MAE {kept['mae'].iloc[0]:.2f}, validation MAE {kept['val_mae'].iloc[0]:.2f} years"
    epochs = history["epoch"]
    plot = Plot(_whole(float(epochs.min()), float(epochs.max())), numbers(0, limit), says)
    plot.line((kept_epoch, kept_epoch), (0, limit), "rule dashed")
    for split, column in (("train", "mae"), ("val", "val_mae")):
        plot.curve(zip(epochs, history[column].clip(upper=limit)), f"{split} curve")
    table = [(f"{row['epoch']:g}", f"{row['mae']:.2f}", f"{row['val_mae']:.2f}") for _, row in history.iterrows()]
    _draw_columns(plot, epochs, (0, limit), [f"epoch {epoch}\ntraining: {train}\nvalidation: {val}"
                                             for epoch, train, val in table])
    return Chart(
        "Learning curve",
        "Dashed: the epoch of the model. If the lines move apart, the model overfits; if both still fall at the end, "
        "train for more epochs. The training error is measured on augmented photos while the weights still change.",
        says + ".", [("", plot.svg())], "epoch", "MAE (years)", _legend(("train", "val"), "curve"),
        Table("MAE by epoch, in years", ("epoch", "training", "validation"), table),
    )


def draw_ages(ages: pd.DataFrame, eda: Scores) -> Chart:
    """Photos per year of age, stacked by split; `ages` is `plots/eda/ages.csv`."""
    says = (f"{eda['photos']:,} photos; {eda['share_20_30']:.0%} are aged 20 to 30; the median is "
            f"{eda['age_median']:g} years.")
    splits = [split for split in SPLIT_NAMES if ages[split].any()]
    top = float(ages["photos"].max()) * 1.04
    plot = Plot(_whole(float(ages["age"].min()) - 1, float(ages["age"].max()) + 1), numbers(0, top, "{:,g}".format),
                says)
    for row in ages.to_dict("records"):
        floor = 0
        for split in splits:
            if row[split]:
                plot.bar((row["age"] - 0.45, row["age"] + 0.45), (floor, floor + row[split]), split)
            floor += row[split]
    plot.line((eda["age_median"],) * 2, (0, top), "rule dashed")
    table = [(f"{row['age']:g}", f"{row['photos']:,}", *(f"{row[split]:,}" for split in splits))
             for row in ages.to_dict("records")]
    _draw_columns(plot, ages["age"], (0, top), [
        "\n".join([f"{age} years: {photos} photos",
                   *(f"{SPLIT_NAMES[split]}: {count}" for split, count in zip(splits, counts))])
        for age, photos, *counts in table
    ])
    return Chart(
        "Photos by real age", "Spikes at round ages, such as 30, suggest that ages were rounded. Dashed: the median.",
        says, [("", plot.svg())], "real age (years)", "photos", _legend(splits),
        Table("Photos by year of age", ("age", "photos", *(SPLIT_NAMES[split] for split in splits)), table),
    )


def draw_decades(decades: pd.DataFrame, eda: Scores) -> Chart:
    """Each split's share of photos by decade; `decades` is `plots/eda/decades.csv`."""
    splits = [split for split in SPLIT_NAMES if decades[split].any()]
    shares = {split: 100 * decades[split] / decades[split].sum() for split in splits}
    says = f"The largest decade has {eda['imbalance_ratio']:.0f} times the photos of the smallest that has any."
    labels = list(decades["decade"])
    plot = Plot(numbers(0, max(share.max() for share in shares.values()) * 1.04, "{:g}%".format), rows(labels), says,
                ROW * len(labels))
    table = []
    for row, (label, photos) in enumerate(zip(labels, decades["photos"])):
        counts = [f"{decades[split].iloc[row]:,} ({shares[split].iloc[row]:.1f}%)" for split in splits]
        table.append((label, f"{photos:,}", *counts))
        for position, split in enumerate(splits):
            top = row + 0.14 + 0.72 * position / len(splits)
            plot.bar((0, shares[split].iloc[row]), (top, top + 0.64 / len(splits)), split,
                     f"{label}, {SPLIT_NAMES[split]}\n{counts[position]} photos")
    return Chart(
        "Share of photos by decade and split",
        "The bars of a decade should have about the same length: the splits then have the same distribution of ages.",
        says, [("", plot.svg())], "share of the split's photos", legend=_legend(splits),
        table=Table("Photos by decade", ("real age", "photos", *(SPLIT_NAMES[split] for split in splits)), table),
    )


def draw_groups(groups: pd.DataFrame) -> list[Chart]:
    """For each column, the share of each decade in each group; `groups` is `plots/eda/groups.csv`."""
    groups = groups.astype({"photos": int})
    decades = sorted(groups["decade"].unique(), key=lambda label: int(label.split("-")[0].rstrip("+")))
    return [_draw_group(column, part, decades) for column, part in groups.groupby("column", sort=False)]


def draw_photos(quantiles: pd.DataFrame) -> Chart:
    """The distribution of each measure of the photos; `quantiles` is `plots/eda/photos.csv`."""
    panels, table = [], []
    for row in quantiles.to_dict("records"):
        measure = row["measure"]
        name = f"{measure.replace('_', ' ').capitalize()} ({PHOTO_UNITS[measure]})"
        values = [f"{row[end]:.4g}" for end in ("min", "p05", "p25", "median", "p75", "p95", "max")]
        table.append((name, *values))
        if row["min"] == row["max"]:  # nothing to draw
            continue
        says = f"{name}: median {values[3]}, middle half {values[2]} to {values[4]}, 90% {values[1]} to {values[5]}, " \
               f"all {values[0]} to {values[6]}"
        plot = Plot(numbers(row["min"], row["max"], "{:.4g}".format, most=4), Scale(1, 0), says, 44)
        plot.line((row["min"], row["max"]), (0.5, 0.5), "whole")
        plot.bar((row["p05"], row["p95"]), (0.36, 0.64), "outer")
        plot.bar((row["p25"], row["p75"]), (0.2, 0.8), "inner", says.replace(": ", "\n", 1).replace(", ", "\n"))
        plot.line((row["median"], row["median"]), (0.05, 0.95), "median")
        panels.append((name, plot.svg()))
    return Chart(
        "Size, proportions, brightness, contrast, sharpness and colour",
        "Line: all photos; thin bar: 90% of them; thick bar: the middle half; mark: the median. A line that is much "
        "longer than its bars suggests photos of another kind.",
        ". ".join(f"{row[0]}: " + (f"median {row[4]}" if row[1] != row[-1] else f"{row[1]} in all photos")
                  for row in table) + ".", panels, "", has_y_axis=False,
        table=Table("Quantiles of the photos' measures",
                    ("measure", "least", "5%", "25%", "median", "75%", "95%", "largest"), table),
    )


def mae_limit(history: pd.DataFrame) -> float:
    """Upper end of the MAE axis, chosen so that a large error in the first epoch does not flatten the rest."""
    settled = history[["mae", "val_mae"]].iloc[min(1, len(history) - 1):].max().max()
    return float(min(history[["mae", "val_mae"]].max().max(), 1.5 * settled) * 1.08)


def _draw_group(column: str, part: pd.DataFrame, decades: Sequence[str]) -> Chart:
    counts = part.pivot_table(index="group", columns="decade", values="photos", aggfunc="sum", fill_value=0, sort=False)
    counts = counts.reindex(columns=decades, fill_value=0)
    counts = counts.loc[counts.sum(axis="columns").sort_values(ascending=False, kind="stable").index]
    groups = [str(group) for group in counts.index]
    says = "; ".join(f"{group}: {total:,} photos" for group, total in zip(groups, counts.sum(axis="columns"))) + "."
    x = Scale(0, len(decades), [(place + 0.5, label.split("-")[0]) for place, label in enumerate(decades)])
    plot = Plot(x, Scale(len(groups), 0), says, (ROW + 12) * len(groups))
    for row, (group, (_, shown)) in enumerate(zip(groups, counts.iterrows())):
        total = shown.sum()
        plot.text(0, row + 0.34, f"{total:,}: {group}")
        for place, count in enumerate(shown):
            plot.bar((place + 0.03, place + 0.97), (row + 0.42, row + 0.92), f"heat{_heat(count / total)}",
                     f"{group}, {decades[place]}\n{count:,} photos ({count / total:.0%} of the group)")
    return Chart(
        f"Ages by {column}",
        "Each row is a group, with its number of photos; the darker a decade, the larger its share of the group. The "
        "error of a group also depends on its size and its ages: compare it with that of other groups at the same age.",
        says, [("", plot.svg())], "decade of real age", has_y_axis=False,
        table=Table(f"Photos by {column} and decade", (column, *decades),
                    [(group, *(f"{count:,}" for count in shown)) for group, (_, shown) in
                     zip(groups, counts.iterrows())]),
    )


def _heat(share: float) -> int:
    """0 for no photo, 1 to 5 for more and more of the group; half of the group is the darkest."""
    return 0 if share == 0 else min(5, 1 + int(share * 10))


def _gate_in_words(row: Scores) -> str:
    return (f"threshold {row['threshold']:g}, challenge age {row['challenge']:g}: "
            f"{row['fpr']:.1%} of the younger pass, {row['fnr']:.1%} of the older are asked")


def _draw_dots(plot: Plot, split: str, part: pd.DataFrame, y: pd.Series, named: bool) -> None:
    for row, height in zip(part.to_dict("records"), y):
        tip = f"real age {row[REAL_AGE]:g}\npredicted {row[PREDICTED_AGE]:.1f}\nerror {row['error']:+.1f}"
        shows = named and row["thumbnail"] >= 0
        plot.dot(row[REAL_AGE], height, split, f"{tip}\n{row[FILE_NAME]}" if named else tip, row["opacity"],
                 row["thumbnail"] if shows else None)


def _draw_columns(plot: Plot, places: Iterable[float], y: tuple[float, float], tips: Sequence[str]) -> None:
    """Invisible columns over a chart whose lines are too thin to be pointed at: each tells the values at its place."""
    edges = [float(place) for place in places]
    half = min((after - before for before, after in zip(edges, edges[1:])), default=1.0) / 2
    for place, tip in zip(edges, tips):
        plot.bar((place - half, place + half), y, "hit", tip)


def _draw_interval(plot: Plot, scores: Scores, y: float, style: str = "interval") -> None:
    if is_certain(scores):
        plot.line((scores["mae_ci95_lo"], scores["mae_ci95_hi"]), (y, y), style)


def _with_interval(scores: Scores) -> str:
    known = f" (95% interval {interval_in_words(scores)})" if is_certain(scores) else ""
    return f"{scores['mae']:.2f} years{known}"


def _worst_label(known: Sequence[tuple[str, str, Scores]]) -> str:
    certain = [entry for entry in known if is_certain(entry[2])]
    if not certain:
        return "No part has enough people for an interval."
    label, split, scores = max(certain, key=lambda entry: entry[2]["mae"])
    return f"Where enough people are, the error is largest at: {label}, {SPLIT_NAMES[split]}, {_with_interval(scores)}."


def _bins(part: pd.DataFrame) -> pd.DataFrame:
    error = part[PREDICTED_AGE] - part[REAL_AGE]
    return error.groupby(part[REAL_AGE] // BIN * BIN + BIN / 2).agg(["size", "mean", "std"])


def _extremes(bins: pd.DataFrame) -> str:
    shown = bins[bins["size"] >= FEWEST_IN_BIN]["mean"]
    if len(shown) < 2:
        return ""
    return (f"; where enough photos are, from {shown.iloc[0]:+.1f} at {shown.index[0] - BIN / 2:g} to "
            f"{shown.index[0] + BIN / 2:g} years to {shown.iloc[-1]:+.1f} at {shown.index[-1] - BIN / 2:g} to "
            f"{shown.index[-1] + BIN / 2:g}")


def _of_all(dots: pd.DataFrame, evaluate: Scores) -> str:
    everyone = sum(evaluate[split]["n"] for split, _ in _by_split(dots))
    return "" if len(dots) >= everyone else f" ({len(dots):,} of {everyone:,} are drawn, evenly picked)"


def _ages(*ages: pd.Series) -> Scale:
    """A scale of years that holds all `ages`, with a margin."""
    together = pd.concat(ages)
    return numbers(float(together.min()) - 3, float(together.max()) + 3)


def _whole(low: float, high: float) -> Scale:
    """A scale with ticks at whole numbers only."""
    scale = numbers(low, high)
    return Scale(scale.low, scale.high, [(value, label) for value, label in scale.ticks if value == round(value)])


def _by_split(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(split, table[table["split"] == split]) for split in HELD_OUT if split in set(table["split"])]


def _legend(splits: Sequence[str], style: str = "") -> list[tuple[str, str]]:
    return [(f"{split} {style}".strip(), SPLIT_NAMES[split]) for split in splits]


def _or_dash(years: float) -> str:
    return "–" if np.isnan(years) else f"{years:.2f}"


def _or_none(scores: Scores, key: str) -> str:
    return f"{scores[key]:.2f}" if key in scores else "–"
