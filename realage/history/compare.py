"""What changed between two commits, as Markdown for a pull request: `realage compare REV [REV]`.

All of it is read from files that are in Git, so it needs neither data nor a remote.
"""

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from realage.core.columns import PERSON, PREDICTED_AGE, REAL_AGE
from realage.core.errors import UserError
from realage.core.formatting import TOO_FEW, count_photos
from realage.core.params import flatten, parse_params
from realage.evaluation.condition import Conditions
from realage.evaluation.intervals import MIN_PEOPLE
from realage.history.conditions import as_table, judge
from realage.history.markdown import NOTHING, code, markdown_table, shorten
from realage.history.paired import Paired, compare_errors, same_photos
from realage.history.revisions import resolve
from realage.history.seeds import Run, describe, read_run, recorded_runs
from realage.splits.assign import HELD_OUT, SPLIT_NAMES
from realage.splits.versions import HELD_OUT_VERSIONS

CONDITIONS = "evaluate.promotion_conditions"
METRICS = ("evaluate", "split", "validate", "eda")
PICTURES = ("plots/evaluate/predicted.png", "plots/evaluate/by_decade.png", "plots/eda/ages.png")
INTERVALS = "Intervals are over people, or photos if no person is named."
ONE_SEED = "Another training seed changes the errors, too."

# Another author's branch may contain anything, and GitHub takes at most 65,536 characters as a comment.
MOST_ROWS = 60  # params listed
MOST_CONDITIONS = 30  # listed
DEEPEST = 20  # levels of a metrics file

Metrics = dict[str, Any]


class Version(NamedTuple):
    """A commit, or the working tree: its params by dotted key, its metrics by file, its held-out predictions."""

    name: str
    commit: str | None
    params: dict[str, str]
    stale_param: str | None  # the first key, if any, that had another value when the stages ran
    metrics: dict[str, Metrics]
    predictions: pd.DataFrame
    run: Run | None  # None if dvc.lock records no training


def compare(before: str, after: str | None = None, pictures: str | None = None) -> None:
    """Print how revision `after`, or the working tree, differs from revision `before`.

    `pictures` is a URL under which the Git host serves COMMIT/FILE.
    """
    first = read_commit(before)
    second = read_commit(after) if after is not None else read_working_tree()
    print(as_markdown(first, second, pictures))


def as_markdown(before: Version, after: Version, pictures: str | None) -> str:
    """The whole comparison; `pictures` is a URL under which the Git host serves COMMIT/FILE."""
    sections = {
        "Errors": _verdicts(before, after) + "\n\n" + _errors(before, after),
        "Conditions for promotion": _conditions(before, after),
        "Params": _params(before, after),
        "Data": _data(before, after),
        "Pictures": _pictures(before, after, pictures),
    }
    heading = f"## {before.name} → {after.name}"
    return "\n\n".join([heading, *(f"### {title}\n\n{text}" for title, text in sections.items() if text)])


def read_commit(revision: str) -> Version:
    """The version at Git revision `revision`. Raises UserError if that is no commit or has no results."""
    found = resolve(revision)
    return _version(found.name, found.commit, found.read)


def read_working_tree() -> Version:
    """The version in the working tree. Raises UserError if it has no results."""
    return _version("the working tree", None, lambda file: Path(file).read_bytes() if Path(file).exists() else None)


def _version(name: str, commit: str | None, read: Callable[[str], bytes | None]) -> Version:
    def required(file: str) -> bytes:
        contents = read(file)
        if contents is None:
            raise UserError(f"{name}: has no {file}: run 'dvc repro' there and commit what it writes")
        return contents

    def parsed(file: str, parse: Callable[[bytes], Any]) -> Any:
        try:
            return parse(required(file))
        except (ValueError, TypeError, RecursionError) as error:
            raise UserError(f"{file} of {name}: not as the pipeline writes it ({error}): run 'dvc repro'") from error

    params = parsed("params.yaml", _read_params)
    recorded = parsed("dvc.lock", _read_recorded_params)
    metrics = {part: parsed(f"metrics/{part}.json", _read_metrics) for part in METRICS}
    return Version(
        name=name,
        commit=commit,
        params=params,
        stale_param=next((key for key, value in recorded.items() if params.get(key) != value), None),
        metrics=metrics,
        predictions=parsed("plots/evaluate/predicted.csv", _read_predictions),
        run=read_run(required("dvc.lock"), metrics["evaluate"]),
    )


def _read_params(contents: bytes) -> dict[str, str]:
    return _as_text(parse_params(contents.decode()))


def _read_recorded_params(contents: bytes) -> dict[str, str]:
    """The params with which the stages ran, from dvc.lock."""
    stages = _keys(parse_params(contents.decode()).get("stages"))
    recorded: dict[str, str] = {}
    for stage in stages.values():
        recorded |= _as_text(_keys(_keys(_keys(stage).get("params", {})).get("params.yaml", {})))
    return recorded


def _read_metrics(contents: bytes) -> Metrics:
    metrics = _keys(json.loads(contents, parse_int=float))  # int() limits the number of digits, float() does not
    level: list[Any] = [metrics]
    for _ in range(DEEPEST):
        level = [child for item in level for child in _children(item)]
    if level:
        raise ValueError("nested too deeply")
    return metrics


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _keys(parsed: Any) -> dict[str, Any]:
    if not isinstance(parsed, dict):
        raise ValueError("it has no keys")
    return parsed


def _read_predictions(contents: bytes) -> pd.DataFrame:
    ages = [REAL_AGE, PREDICTED_AGE]
    table = pd.read_csv(io.BytesIO(contents), dtype={"photo": str, PERSON: str}, index_col=False)
    if missing := {"photo", "split", *ages} - set(table.columns):
        raise ValueError(f"no column {', '.join(sorted(missing))}")
    if table["photo"].duplicated().any():
        raise ValueError("a photo is listed twice")
    table = table.astype(dict.fromkeys(ages, "float64"))
    if not np.isfinite(table[ages]).all(axis=None):
        raise ValueError("an age is not a number")
    if PERSON not in table:  # written by release 0.1
        table[PERSON] = table["photo"]
    if table[PERSON].isna().any():
        raise ValueError("a photo has no person")
    return table


def _as_text(params: dict[str, Any]) -> dict[str, str]:
    return {key: json.dumps(value, default=str) for key, value in flatten(params).items()}


def _verdicts(before: Version, after: Version) -> str:
    splits = [split for split in HELD_OUT if split in after.metrics["evaluate"]]
    lines = [f"- {compare_split(before, after, split).sentence}" for split in splits]
    lines += [
        f"- **Outdated**: the figures of {version.name} were computed with another {code(version.stale_param)} than "
        "its params.yaml has. Run `dvc repro` there."
        for version in (before, after)
        if version.stale_param
    ]
    lines += [
        f"- **Contaminated**: {version.name} started from a model that learnt from {count:,.0f} of its "
        f"{SPLIT_NAMES[split]} photos. Errors on them are too low."
        for version in (before, after)
        for split in splits
        if (count := seen_photos(version, split))
    ]
    seeds = _seeds(before, after)
    lines += [f"- {seeds}"] if seeds else []
    return "\n".join([*lines, "", INTERVALS if seeds else f"{INTERVALS} {ONE_SEED}"])


def _seeds(before: Version, after: Version) -> str | None:
    versions = (before, after)
    runs = recorded_runs([version.commit or "HEAD" for version in versions])
    return describe([version.name for version in versions], [version.run for version in versions], runs)


def seen_photos(version: Version, split: str) -> float:
    """How many photos of `split` the model has learnt from, by its start from another model."""
    scores = version.metrics["evaluate"].get(split)
    count = scores.get("seen", 0.0) if isinstance(scores, dict) else 0.0
    return count if isinstance(count, float) and math.isfinite(count) else 0.0


class Judgement(NamedTuple):
    """The comparison of two versions' errors on the photos of a split, also as a sentence in Markdown."""

    paired: Paired | None  # None if too few photos were scored by both
    sentence: str


def compare_split(before: Version, after: Version, split: str) -> Judgement:
    """Compare the errors on the photos of `split`, `val` or `test`, that both scored with the same label."""
    scored = [version.predictions[version.predictions["split"] == split] for version in (before, after)]
    photos = same_photos(*scored)
    paired = compare_errors(photos)
    name = SPLIT_NAMES[split].capitalize()
    if paired is None:
        return Judgement(None, f"**{name}: too few to tell.** {_too_few(photos)}")
    left_out = len(set(scored[0]["photo"]).union(scored[1]["photo"])) - len(photos)
    others = f" ({left_out:,} others were scored by only one, or relabelled)" if left_out else ""
    return Judgement(paired, f"**{name}: {paired.verdict}.** {_sentence(paired)}{others}.")


def _sentence(paired: Paired) -> str:
    return (
        f"On the {count_photos(paired.photos, paired.people)} that both scored, the MAE changed by "
        f"{paired.difference:+.2f} years, 95% interval {paired.low:+.2f} to {paired.high:+.2f}"
    )


def _too_few(photos: pd.DataFrame) -> str:
    people = photos[PERSON].nunique()
    uneven = ", with about as many photos each" if people >= MIN_PEOPLE else ""
    return (
        f"Both scored only {count_photos(len(photos), people)} with the same label; "
        f"at least {MIN_PEOPLE} people{uneven} are needed."
    )


def _errors(before: Version, after: Version) -> str:
    rows = []
    for split in HELD_OUT:
        name = SPLIT_NAMES[split]
        scores = [version.metrics["evaluate"].get(split) for version in (before, after)]
        if any(scores):
            rows += [
                (f"**{name} MAE**, years", *map(_mae, scores)),
                (f"{name}, mean over decades of age", *(_figure(score, "balanced_mae", ".2f") for score in scores)),
                (f"{name}, bias", *(_figure(score, "bias", "+.2f") for score in scores)),
                (f"{name}, within 5 years", *(_figure(score, "cs5", ".0%") for score in scores)),
                (f"{name}, photos", *(_figure(score, "n", ",.0f") for score in scores)),
            ]
    return markdown_table(["", before.name, after.name], rows)


def _mae(scores: Metrics | None) -> str:
    ends = [_figure(scores, f"mae_ci95_{end}", ".2f") for end in ("lo", "hi")]
    interval = TOO_FEW if NOTHING in ends else f"[{', '.join(ends)}]"
    mae = _figure(scores, "mae", ".2f")
    return mae if mae == NOTHING else f"{mae} {interval}"


def _figure(figures: Metrics | None, key: str, form: str) -> str:
    figure = figures.get(key) if isinstance(figures, dict) else None
    return shorten(format(figure, form)) if isinstance(figure, float) and math.isfinite(figure) else NOTHING


def _conditions(before: Version, after: Version) -> str:
    """The later version held against the conditions of its own params, and whether the earlier one had others."""
    texts = [version.params.get(CONDITIONS, "[]") for version in (before, after)]
    note = "" if texts[0] == texts[1] else f"**Changed**: {before.name} has other conditions, see Params."
    try:
        conditions = TypeAdapter(Conditions).validate_json(texts[1])
    except ValidationError:
        return f"{code(CONDITIONS)} of {after.name} is not valid: run `realage params` there."
    if not conditions:
        return note
    outcomes = judge(after.metrics["evaluate"], conditions)
    left_out = len(outcomes) - MOST_CONDITIONS
    more = f"And {left_out:,} more, see {code('params.yaml')}." if left_out > 0 else ""
    return "\n\n".join(filter(None, [note, as_table(outcomes[:MOST_CONDITIONS]), more]))


def _params(before: Version, after: Version) -> str:
    keys = [*before.params, *(key for key in after.params if key not in before.params)]
    values = [(code(key), before.params.get(key, NOTHING), after.params.get(key, NOTHING)) for key in keys]
    changed = [(key, *map(code, pair)) for key, *pair in values if pair[0] != pair[1]]
    if not changed:
        return "None changed."
    table = markdown_table(["", before.name, after.name], changed[:MOST_ROWS])
    left_out = len(changed) - MOST_ROWS
    return f"{table}\n\nAnd {left_out:,} more, see `dvc params diff`." if left_out > 0 else table


def _data(before: Version, after: Version) -> str:
    versions = [str(version.metrics["validate"].get("data_version", NOTHING)) for version in (before, after)]
    if versions[0] == versions[1] and before.metrics["split"] == after.metrics["split"]:
        return f"The same: {code(versions[0])}."
    rows = [("data version", *map(code, versions))]
    for split, key in HELD_OUT_VERSIONS.items():
        sets = [str(version.metrics["split"].get(key, NOTHING)) for version in (before, after)]
        rows.append((f"{SPLIT_NAMES[split]} photos and labels", *map(code, sets)))
    for title, part, key, form in (
        ("photos in all", "validate", "photos", ",.0f"),
        ("rows and photos rejected", "validate", "rejected", ",.0f"),
        ("mean age, years", "eda", "age_mean", ".1f"),
        ("standard deviation of ages", "eda", "age_sd", ".1f"),
        ("aged 20 to 30", "eda", "share_20_30", ".0%"),
    ):
        rows.append((title, *(_figure(version.metrics[part], key, form) for version in (before, after))))
    for split in ("train", *HELD_OUT):
        counts = [version.metrics["split"].get(split) for version in (before, after)]
        rows.append((f"photos in {split}", *(_figure(count, "n", ",.0f") for count in counts)))
    return markdown_table(["", before.name, after.name], rows)


def _pictures(before: Version, after: Version, address: str | None) -> str:
    if address is None or after.commit is None:
        return ""
    rows = [[f"![{file}]({address}/{version.commit}/{file})" for version in (before, after)] for file in PICTURES]
    return markdown_table([before.name, after.name], rows)
