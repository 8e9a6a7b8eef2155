"""Conditions for promotion: hand-worked cases of what an interval says of a limit."""

import math

import pytest

from realage.evaluation.condition import Condition
from realage.history.conditions import as_sentence, as_table, judge


def metrics(**scores) -> dict:
    return {"val": scores}


def interval(low, high, figure=5.0) -> dict:
    return metrics(mae=figure, mae_ci95_lo=low, mae_ci95_hi=high)


def verdict(metrics: dict, **limit: float) -> str:
    (outcome,) = judge(metrics, [Condition(metric="val.mae", **limit)])
    return outcome.verdict


@pytest.mark.parametrize(
    ("low", "high", "at_most", "at_least"),
    [
        (4.0, 5.4, "passed", "failed"),
        (4.0, 5.6, "cannot tell", "cannot tell"),
        (5.6, 6.0, "failed", "passed"),
        (5.5, 5.5, "passed", "passed"),  # the limit itself is allowed
        (4.0, 5.5, "passed", "cannot tell"),
        (5.5, 6.0, "cannot tell", "passed"),
    ],
)
def test_the_whole_interval_has_to_keep_the_limit_or_break_it(low, high, at_most, at_least):
    assert verdict(interval(low, high), at_most=5.5) == at_most
    assert verdict(interval(low, high), at_least=5.5) == at_least


@pytest.mark.parametrize(
    "scores",
    [
        {},
        metrics(),
        metrics(mae=1.0),
        metrics(mae=1.0, mae_ci95_lo=0.5),
        interval(0.5, math.nan),
        interval(-math.inf, 1.0),
        interval(0.5, 1.0, figure=math.nan),
        interval(0.5, 1.0, figure=math.inf),
        interval(0.5, 1.0, figure="1.0"),
        interval("0.5", "1.0"),
        interval(1.0, 0.5),
        interval(True, True),
        interval(None, [1.0]),
        {"val": [1.0]},
        {"val": {"mae": {"mae": 1.0}}},
    ],
)
def test_without_a_figure_and_its_interval_nobody_can_tell(scores):
    assert verdict(scores, at_most=5.5) == verdict(scores, at_least=0.1) == "cannot tell"


def test_a_metric_is_found_by_its_dotted_name_whatever_its_columns_are_called():
    scores = {"n": 3.0, "n_ci95_lo": 3.0, "n_ci95_hi": 3.0}
    found = {"val": {"gap": {"eye.colour, left": scores, "18": scores}}}
    conditions = [Condition(metric=f"val.gap.{name}.n", at_most=3) for name in ("eye.colour, left", "18")]
    assert [outcome.verdict for outcome in judge(found, conditions)] == ["passed", "passed"]


def test_the_outcomes_are_shown_with_limit_figure_interval_and_reason():
    scores = interval(4.84, 5.55, figure=5.1)
    conditions = [
        Condition(metric="val.mae", at_most=5.5),
        Condition(metric="val.mae ", at_most=2),
        Condition(metric="val.mae|x`\n", at_least=0.02),
    ]
    outcomes = judge(scores, conditions)
    assert as_table(outcomes).splitlines()[2:] == [
        "| `val.mae` | at most 5.5 | 5.1 | [4.84, 5.55] | **cannot tell**: the limit is within the interval |",
        "| `val.mae ` | at most 2 | - | - | **cannot tell**: no such figure, or too few people for it |",
        "| `val.mae\\|x'\\n` | at least 0.02 | - | - | **cannot tell**: no such figure, or too few people for it |",
    ]
    passed = judge(interval(1.0, 2.0), conditions[:1])[0]
    assert as_sentence(passed) == "val.mae at most 5.5: passed, 5, 95% interval 1 to 2"
    assert as_sentence(outcomes[2]).startswith("val.mae|x`\\n at least 0.02: cannot tell (no such figure")
