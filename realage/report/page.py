"""The report on model and data as one HTML page, and the model card as Markdown for Git."""

import base64
import hashlib
import json
import re
from collections import Counter
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from realage.core.errors import UserError, printable
from realage.core.params import flatten
from realage.core.paths import REPORT
from realage.evaluation.gates import WIDEST
from realage.evaluation.intervals import MIN_PEOPLE
from realage.report.photos import QUALITIES, THUMBNAIL, Photos
from realage.report.words import (
    interval_in_words,
    percent,
    rate_in_words,
    share_in_words,
    signed_in_words,
    within_in_words,
    years,
)
from realage.splits.assign import HELD_OUT, SPLIT_NAMES
from realage.splits.groups import NO_GROUP

LARGEST = 5_000_000  # bytes
MOST_GROUPS = 30  # rows of a table of groups
TEMPLATES = Path(__file__).parent / "templates"
MARKDOWN = str.maketrans(
    {character: f"\\{character}" for character in r"\`*_[]|#~$"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)
# Git hosts make links of @name, #1, addresses and emails, escaped or not. A zero-width space prevents it.
LINKED = re.compile(r"[@#]|:(?=//)|www(?=\.)", re.IGNORECASE)


def render_page(facts: dict[str, Any], photos: Photos | None) -> str:
    """The report as one HTML page of at most LARGEST bytes that needs no other file; all text from the data is escaped.

    `facts` are the variables of `templates/report.html.j2`. Without `photos` the page shows no face. Photos are made
    smaller until the page is small enough; raises UserError if it is too large even so.
    """
    for quality in QUALITIES:
        pictures = photos.embed(quality) if photos else {}
        html = _render("report.html.j2", {**facts, **_assets(), "photos": pictures}, autoescape=True)
        if len(html.encode()) <= LARGEST:
            return html
    raise UserError(f"{REPORT}: larger than {LARGEST // 1_000_000} MB however small its photos are: "
                    "set report.photos to false, or name fewer columns in evaluate.groups")


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


def largest_groups(scores_of: dict[str, dict[str, dict]]) -> list[str]:
    """The MOST_GROUPS groups with the most photos in all splits of `scores_of`, from `regroup`, in order of names."""
    photos: Counter[str] = Counter()
    for scores in scores_of.values():
        photos.update({group: row["n"] for group, row in scores.items()})
    return sorted(sorted(photos, key=lambda group: (-photos[group], group))[:MOST_GROUPS])


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


def flatten_recipe(sections: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Params as dotted keys and YAML values; an absolute path is shortened to the file's name."""
    return {key: _as_yaml(value) for key, value in flatten(sections).items()}


def _assets() -> dict[str, Any]:
    """Style and script of the page, which no data become part of."""
    style, script = (Markup((TEMPLATES / name).read_text("utf-8")) for name in ("page.css", "page.js"))
    return {"style": style, "script": script, "thumbnail": THUMBNAIL}


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
    environment.filters |= {
        "years": years, "percent": percent, "interval": interval_in_words, "within": within_in_words,
        "share": share_in_words, "rate": rate_in_words, "signed": signed_in_words, "csp": _csp, "printable": printable,
        "largest_groups": largest_groups, "others": _others, "gates_by_group": _gates_by_group,
    }
    environment.globals |= {"split_names": SPLIT_NAMES, "min_people": MIN_PEOPLE}
    environment.globals |= {"widest": WIDEST, "no_group": NO_GROUP}
    return environment.get_template(template).render(facts)


def _markdown(value: Any) -> str:
    line = printable(re.sub(r"[\r\n]", " ", str(value)))
    return LINKED.sub(r"\g<0>&#8203;", line.translate(MARKDOWN))


def _others(scores_of: dict[str, dict[str, dict]]) -> int:
    """How many groups `largest_groups` leaves out."""
    return len(set().union(*scores_of.values())) - len(largest_groups(scores_of))


def _gates_by_group(scores_of: dict[str, dict[str, dict]]) -> dict[str, dict[str, dict]]:
    """The gates of the largest groups by group, split and threshold; groups of which no rate is known are left out."""
    gates = {
        group: {split: scores.get(group, {}).get("gate", {}) for split, scores in scores_of.items()}
        for group in largest_groups(scores_of)
    }
    return {group: by_split for group, by_split in gates.items() if any(by_split.values())}


def _csp(text: str) -> Markup:
    """The hash by which the page's policy allows one style or script."""
    return Markup("sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii"))
