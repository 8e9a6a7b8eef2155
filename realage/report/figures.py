"""The figures of `metrics/evaluate.json` that stand in the model card's front matter and in the ML-BOM."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from realage.splits.assign import HELD_OUT, SPLIT_NAMES


@dataclass(frozen=True)
class Measure:
    """A measure of `metrics/evaluate.json`; its 95% interval, where it has one, is at `KEY_ci95_lo` and `_hi`."""

    key: str  # dotted path in the scores of a split, a decade or a group
    name: str
    hub_type: str = ""  # metric identifier of the Hugging Face Hub; empty: not in the front matter


# A measure that some scores lack is left out there.
MEASURES = (
    Measure("n", "photos"),
    Measure("people", "people"),
    Measure("seen", "photos that a model which this one started from learnt from"),
    Measure("mae", "MAE (years)", hub_type="mae"),
    Measure("balanced_mae", "age-balanced MAE (years)", hub_type="mae"),
    Measure("baseline.mae", "MAE of the constant baseline (years)", hub_type="mae"),
    Measure("median_ae", "median error (years)"),
    Measure("rmse", "RMSE (years)", hub_type="rmse"),
    Measure("bias", "bias, predicted minus real (years)", hub_type="bias"),
    Measure("r2", "R²", hub_type="r_squared"),
    Measure("cs3", "share of photos within 3 years"),
    Measure("cs5", "share of photos within 5 years"),
    Measure("cs10", "share of photos within 10 years"),
    Measure("coverage", "share of real ages within their interval"),
    Measure("interval_width", "mean width of the intervals (years)"),
    Measure("aurc", "MAE on average over the surest shares of the photos (years)"),
    Measure("synthetic_repeatability.change_mean", "mean change of the age by small synthetic changes (years)"),
)


class Figure(NamedTuple):
    """The value of a measure on a slice of the held-out photos, with its 95% interval if it has one."""

    measure: Measure
    slice: str  # 'validation', 'validation, 20-29 years', 'test, gender f'
    value: float
    interval: tuple[float, float] | None


def split_figures(evaluate: dict[str, Any], split: str) -> list[Figure]:
    """All figures of a whole split, 'val' or 'test', of `metrics/evaluate.json`."""
    return list(_figures(SPLIT_NAMES[split], evaluate[split]))


def all_figures(evaluate: dict[str, Any]) -> list[Figure]:
    """All figures of `metrics/evaluate.json`: of each split, then of its decades of age and of its groups."""
    return [figure for slice_, scores in _slices(evaluate) for figure in _figures(slice_, scores)]


def _slices(evaluate: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for split in (split for split in HELD_OUT if split in evaluate):
        name = SPLIT_NAMES[split]
        yield name, evaluate[split]
        for row in evaluate["by_decade"][split]:
            yield f"{name}, {row['decade']} years", row
        for row in evaluate["by_group"][split]:
            yield f"{name}, {row['column']} {row['group']}", row


def _figures(slice_: str, scores: dict[str, Any]) -> Iterator[Figure]:
    for measure in (*MEASURES, *_gate_measures(scores.get("gate", {}))):
        *parents, last = measure.key.split(".")
        place = scores
        for parent in parents:
            place = place.get(parent, {})
        if place.get(last) is not None:
            has_interval = f"{last}_ci95_lo" in place
            interval = (place[f"{last}_ci95_lo"], place[f"{last}_ci95_hi"]) if has_interval else None
            yield Figure(measure, slice_, place[last], interval)


def _gate_measures(gates: dict[str, dict[str, Any]]) -> Iterator[Measure]:
    for threshold, gate in gates.items():
        at = f"at threshold {threshold} and challenge age {gate['challenge']} years"
        yield Measure(f"gate.{threshold}.fpr", f"false-positive rate {at}")
        yield Measure(f"gate.{threshold}.fnr", f"false-negative rate {at}")
