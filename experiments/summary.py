"""Turn results.csv and curves.csv into the tables and charts of docs/study.md: `python -m experiments.summary`.

A table goes between the lines `<!-- SCALE -->` and `<!-- end -->`; everything else on the page is written by hand.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.study import HERE
from realage.charts import EVERYTHING, MUTED, SPLIT_COLORS, legend_above, page, save, style
from realage.core.errors import UserError
from realage.core.params import read_params
from realage.runner.command import run

PAGE = Path("docs/study.md")
HEAD = ["trial", "change", "MAE", "95% interval", "balanced MAE", "MAE 60+", "within 5 years", "photos seen", "time"]


def summary() -> None:
    """Rewrite the tables on the page, and draw docs/study.png and docs/study-curves.png."""
    argparse.ArgumentParser(description="Write the study's tables and pictures into docs/.").parse_args()
    results, curves = (pd.read_csv(HERE / f"{name}.csv") for name in ("results", "curves"))
    trials = read_params(HERE / "trials.yaml")["trials"]
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), results, trials), encoding="utf-8")
    save(draw_trials(results[results["scale"] == "proxy"]), Path("docs/study.png"))
    save(draw_curves(curves[curves["scale"] == "full"]), Path("docs/study-curves.png"))


def with_tables(page: str, results: pd.DataFrame, trials: dict[str, dict]) -> str:
    """`page` with its tables regenerated."""

    def table(match: re.Match) -> str:
        return f"<!-- {match[1]} -->\n{tabulate(results[results['scale'] == match[1]], trials)}\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", table, page, flags=re.DOTALL)


def tabulate(results: pd.DataFrame, trials: dict[str, dict]) -> str:
    """The rows of one scale as Markdown, in the order of `trials`; times are relative to that of the first row.

    Raises UserError if a row's trial is not in `trials`.
    """
    if unknown := set(results["trial"]) - set(trials):
        raise UserError(f"results.csv: {', '.join(sorted(unknown))}: not in trials.yaml: delete these rows")
    rows = results.assign(number=results["trial"].map(list(trials).index)).sort_values(["number", "seed"])
    several = [name for name in ("backbone", "seed") if rows[name].nunique() > 1]
    lines = ["| " + " | ".join(HEAD) + " |", "|---" * 2 + "|---:" * (len(HEAD) - 2) + "|"]
    for row in rows.itertuples():
        cells = [
            ", ".join([row.trial, *(f"{name} {getattr(row, name)}" for name in several)]),
            _change(trials[row.trial]),
            f"**{row.mae:.2f}**",
            "too few" if np.isnan(row.mae_ci95_lo) else f"{row.mae_ci95_lo:.2f} to {row.mae_ci95_hi:.2f}",
            f"{row.balanced_mae:.2f}",
            f"{row.mae_60plus:.2f}",
            f"{row.cs5:.0%}",
            f"{row.photos_seen:,}",
            "" if np.isnan(row.seconds) else f"{row.seconds / rows['seconds'].iloc[0]:.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _change(trial: dict) -> str:
    changes = ", ".join(f"`{key.removeprefix('train.')}: {json.dumps(value)}`" for key, value in trial["set"].items())
    return f"{trial['from']} + {changes}" if "from" in trial else changes


@style()
def draw_trials(results: pd.DataFrame) -> Figure:
    """One point per trial with its interval, in the order in which they were run; a line marks the lowest error."""
    rows = results.iloc[::-1]
    figure = page(8, 1.6 + 0.32 * len(rows), "What each change brings", "Validation MAE in years, 95% interval")
    axes = figure.subplots()
    axes.axvline(rows["mae"].min(), color=MUTED, linewidth=1)
    axes.hlines(rows["trial"], rows["mae_ci95_lo"], rows["mae_ci95_hi"], color=EVERYTHING, linewidth=2)
    axes.plot(rows["mae"], rows["trial"], "o", color=SPLIT_COLORS["val"])
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    return figure


@style()
def draw_curves(curves: pd.DataFrame) -> Figure:
    """One line per run: its validation MAE after each epoch, in one colour for all seeds of a trial."""
    figure = page(8, 4.2, "Epoch by epoch", "Validation MAE in years, a line for each seed")
    axes = figure.subplots()
    for n, (trial, runs) in enumerate(curves.groupby("trial", sort=False)):
        table = runs.pivot(index="epoch", columns="seed", values="val_mae")
        labels = [trial, *[None] * (table.shape[1] - 1)]
        axes.plot(table.index, table, color=f"C{n}", linewidth=1.5, label=labels)
    best = curves["val_mae"].min()
    # The first epochs have errors of tens of years, which would flatten all others.
    axes.set(xlabel="epoch", xticks=range(0, int(curves["epoch"].max()) + 1, 5), ylim=(0.95 * best, 1.7 * best))
    legend_above(axes)
    return figure


if __name__ == "__main__":
    run(summary)
