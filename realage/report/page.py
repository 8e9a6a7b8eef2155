"""The report on model and data as one HTML page, and the model card as Markdown for Git."""

import base64
import json
import re
from pathlib import Path, PurePath
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from realage.charts import DASHED, INK, SPLIT_COLORS, legend_above, page, style
from realage.core.errors import printable
from realage.core.formatting import TOO_FEW, interval
from realage.core.params import flatten
from realage.evaluation.intervals import MIN_PEOPLE
from realage.splits.assign import HELD_OUT, SPLIT_NAMES

TEMPLATES = Path(__file__).parent / "templates"
MARKDOWN = str.maketrans(
    {character: f"\\{character}" for character in r"\`*_[]|#~$"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)
# Git hosts make links of @name, #1, addresses and emails, escaped or not. A zero-width space prevents it.
LINKED = re.compile(r"[@#]|:(?=//)|www(?=\.)", re.IGNORECASE)


def render_page(facts: dict[str, Any], pictures: dict[str, bytes]) -> str:
    """The report as one HTML page that needs no other file; all text from the data is escaped.

    `pictures` are PNGs by name, embedded in the page. `facts` are the variables of `templates/report.html.j2`.
    """
    return _render("report.html.j2", {**facts, "picture": lambda name: _data_uri(pictures[name])}, autoescape=True)


def render_card(facts: dict[str, Any]) -> str:
    """The model card as Markdown, without pictures; all text from the data is escaped."""
    return _render("model_card.md.j2", facts, finalize=_markdown)


def regroup(by_group: dict[str, list[dict]]) -> dict[str, dict]:
    """The rows of `by_group` in `metrics/evaluate.json`, as scores by column, then split, then group."""
    regrouped: dict[str, dict] = {}
    for split, rows in by_group.items():
        for row in rows:
            regrouped.setdefault(row["column"], {}).setdefault(split, {})[row["group"]] = row
    return regrouped


def contamination(evaluate: dict[str, Any], train: dict[str, Any]) -> str:
    """The sentence that the model has learnt, by its start, from photos that judge it, or may have; empty if not so."""
    seen = [f"{scores['seen']:,} of {scores['n']:,} {SPLIT_NAMES[split]} photos" for split in HELD_OUT
            if (scores := evaluate.get(split, {})).get("seen")]
    models = [start for start in train.get("started_from", []) if start["head_taken"] is not None]
    unlisted = ", ".join(start["weights"] for start in models if start["learnt_photos"] is None)
    sentences = []
    if seen:
        sentences.append(f"A model that this one started from learnt from {' and '.join(seen)}: "
                         "errors on them are too low.")
    if unlisted:
        sentences.append(f"{unlisted} has no list of the photos that it learnt from: "
                         f"{'more' if seen else 'some'} of the photos that judge this model may be among them.")
    return " ".join(sentences)


@style()
def draw_training(history: pd.DataFrame, kept_epoch: int) -> Figure:
    """Training and validation MAE by epoch; `history` has columns `epoch`, `mae` and `val_mae` (years)."""
    figure = page(
        9, 4.4, "How did it learn?", f"MAE after each epoch; epoch {kept_epoch} of {len(history)} is the model"
    )
    axes = figure.subplots()
    for split, column in (("train", "mae"), ("val", "val_mae")):
        axes.plot(history["epoch"], history[column], "o-", color=SPLIT_COLORS[split], markersize=4,
                  label=SPLIT_NAMES[split])
    axes.axvline(kept_epoch, color=INK, linewidth=1.2, linestyle=DASHED, zorder=1)
    axes.set(ylim=(0, _mae_limit(history)), xlabel="epoch", ylabel="MAE (years)")
    axes.xaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    legend_above(axes)
    return figure


def flatten_recipe(sections: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Params as dotted keys and YAML values; an absolute path is shortened to the file's name."""
    return {key: _as_yaml(value) for key, value in flatten(sections).items()}


def _mae_limit(history: pd.DataFrame) -> float:
    """Upper end of the MAE axis, chosen so that a large error in the first epoch does not flatten the rest."""
    settled = history[["mae", "val_mae"]].iloc[min(1, len(history) - 1):].max().max()
    return min(history[["mae", "val_mae"]].max().max(), 1.5 * settled) * 1.08


def _as_yaml(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    return PurePath(value).name if PurePath(value).is_absolute() else value


def _render(template: str, facts: dict[str, Any], **escaping: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **escaping,
    )
    environment.filters |= {"years": _years, "percent": _percent, "interval": _interval_in_words, "within": _within}
    environment.filters["share"] = _share
    environment.globals |= {"split_names": SPLIT_NAMES, "min_people": MIN_PEOPLE}
    return environment.get_template(template).render(facts)


def _markdown(value: Any) -> str:
    line = printable(re.sub(r"[\r\n]", " ", str(value)))
    return LINKED.sub(r"\g<0>&#8203;", line.translate(MARKDOWN))


def _years(value: float) -> str:
    return f"{value:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _interval_in_words(scores: dict[str, float]) -> str:
    """The 95% interval of an MAE, '3.50 to 4.70', or 'too few'."""
    return interval(scores).strip("[]").replace(", ", " to ")


def _within(scores: dict[str, float], years: int) -> str:
    """The share of photos within so many years with its 95% interval, as from `_share`."""
    return _share(scores, f"cs{years}")


def _share(scores: dict[str, float], name: str) -> str:
    """A share with its 95% interval, '52% [45%, 59%]', or '52% [too few]'."""
    ends = [_percent(scores[key]) for key in (f"{name}_ci95_lo", f"{name}_ci95_hi") if key in scores]
    return f"{_percent(scores[name])} " + (f"[{', '.join(ends)}]" if ends else TOO_FEW)


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
