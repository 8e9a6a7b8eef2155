"""Conditions for promotion, each judged by the 95% interval of its metric.

A condition is passed if the whole interval keeps the limit, and failed if no part of it does. Otherwise
nobody can tell.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from realage.core.errors import printable
from realage.core.params import flatten
from realage.evaluation.condition import Condition
from realage.evaluation.intervals import Interval
from realage.history.markdown import NOTHING, code, markdown_table

PASSED, FAILED, CANNOT_TELL = "passed", "failed", "cannot tell"


class Outcome(NamedTuple):
    """A condition, by the `name` with which a person may accept it, and what became of it.

    `verdict` is PASSED, FAILED or CANNOT_TELL; `reason` says why one cannot tell.
    """

    name: str
    limit: str
    figure: float | None
    interval: Interval | None
    verdict: str
    reason: str = ""


def judge(metrics: dict[str, Any], conditions: Sequence[Condition]) -> list[Outcome]:
    """Hold each condition against `metrics`, the parsed `metrics/evaluate.json`, whose numbers are all floats.

    A metric's interval is `METRIC_ci95_lo` to `METRIC_ci95_hi`. What is no finite float counts as absent.
    """
    figures = {key: value for key, value in flatten(metrics).items() if isinstance(value, float)}
    finite = {key: value for key, value in figures.items() if math.isfinite(value)}
    return [_judge(condition, finite) for condition in conditions]


def as_table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as a Markdown table."""
    return markdown_table(
        ["condition", "limit", "figure", "95% interval", "verdict"],
        [
            [
                code(outcome.name),
                outcome.limit,
                _number(outcome.figure),
                f"[{', '.join(map(_number, outcome.interval))}]" if outcome.interval else NOTHING,
                f"**{outcome.verdict}**" + (f": {outcome.reason}" if outcome.reason else ""),
            ]
            for outcome in outcomes
        ],
    )


def as_sentence(outcome: Outcome) -> str:
    """The outcome in one line, such as `val.mae at most 5.5: failed, 5.91, 95% interval 5.62 to 6.2`."""
    verdict = f"{outcome.verdict} ({outcome.reason})" if outcome.reason else outcome.verdict
    figure = "" if outcome.figure is None else f", {_number(outcome.figure)}"
    interval = ", 95% interval {} to {}".format(*map(_number, outcome.interval)) if outcome.interval else ""
    return printable(f"{outcome.name} {outcome.limit}: {verdict}{figure}{interval}")


def _judge(condition: Condition, figures: dict[str, float]) -> Outcome:
    metric = condition.metric
    figure, ends = figures.get(metric), [figures.get(f"{metric}_ci95_{end}") for end in ("lo", "hi")]
    low, high = ends
    interval = None if low is None or high is None or low > high else Interval(low, high)
    verdict, reason = CANNOT_TELL, ""
    if figure is None:
        reason = "no such figure, or too few people for it"
    elif interval is None:
        reason = "no interval, or too few people for one"
    elif _keeps(condition, interval.low) != _keeps(condition, interval.high):
        reason = "the limit is within the interval"
    else:
        verdict = PASSED if _keeps(condition, interval.low) else FAILED
    return Outcome(metric, condition.limit, figure, interval, verdict, reason)


def _keeps(condition: Condition, value: float) -> bool:
    if condition.at_most is not None:
        return value <= condition.at_most
    return condition.at_least is not None and value >= condition.at_least


def _number(figure: float | None) -> str:
    return NOTHING if figure is None else f"{figure:.4g}"
