"""The figures of `metrics/evaluate.json`: each held-out split as a whole, and broken down by age and by group."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from realage.core.columns import PERSON, PREDICTED_AGE, REAL_AGE
from realage.evaluation.gates import score_gates
from realage.evaluation.groups import comparable_groups, cross_groups, largest_gap
from realage.evaluation.metrics import EvaluateParams, score, score_groups
from realage.splits.ages import decade, decade_label
from realage.splits.assign import HELD_OUT

OLDEST_SINGLE = 25  # years; the gates are among the ages up to it


def score_splits(
    predictions: pd.DataFrame,
    groups: Mapping[str, pd.Series],
    training_median: float,
    params: EvaluateParams,
    by_face: Mapping[str, pd.Series] | None = None,
) -> dict[str, Any]:
    """Return the measures of `val` and `test`, with the MAE of the training median as baseline, and the breakdowns.

    `predictions` has columns `split`, `real_age`, `predicted_age` (years) and `person`. `groups` has the groups of its
    rows, by column of the labels; `by_face` those of `groups_by_face`, which neither have gaps nor are crossed. The
    breakdowns are lists, as DVC omits lists from its tables of metrics, which would be too long otherwise.
    """
    scores: dict[str, Any] = {}
    breakdowns: dict[str, dict[str, list]] = {
        name: {} for name in ("by_decade", "by_age", "by_group", "by_crossing", "by_face")
    }
    for split in [name for name in HELD_OUT if name in set(predictions["split"])]:
        photos = predictions[predictions["split"] == split]
        members = {column: of.loc[photos.index].to_numpy() for column, of in groups.items()}
        crossed = {column: of.loc[photos.index].to_numpy() for column, of in cross_groups(groups).items()}
        scores[split] = _score_split(photos, members, training_median, params)
        breakdowns["by_decade"][split] = _by_decade(photos)
        breakdowns["by_age"][split] = _by_age(photos)
        breakdowns["by_group"][split] = [
            row for column, of in members.items() for row in _by_group(photos, column, of, params)
        ]
        breakdowns["by_crossing"][split] = [
            row for column, of in crossed.items() for row in _by_crossing(photos, column, of, params)
        ]
        breakdowns["by_face"][split] = [
            row for column, of in (by_face or {}).items()
            for row in _by_group(photos, column, of.loc[photos.index].to_numpy(), params)
        ]
    return {**scores, **breakdowns}


def _score_split(
    photos: pd.DataFrame, members: dict[str, np.ndarray], training_median: float, params: EvaluateParams
) -> dict[str, Any]:
    real, predicted, people = _arrays(photos)
    gaps = {column: largest_gap(predicted - real, of, people) for column, of in members.items()}
    return {
        **score(real, predicted, people),
        "baseline": {"mae": float(np.mean(np.abs(real - training_median)))},
        **({"gate": score_gates(real, predicted, people, params.thresholds)} if params.thresholds else {}),
        **({"gap": found} if (found := {column: gap for column, gap in gaps.items() if gap}) else {}),
    }


def _by_decade(photos: pd.DataFrame) -> list[dict[str, Any]]:
    real, predicted, people = _arrays(photos)
    decades = score_groups(real, predicted, decade(real), people)
    return [{"decade": decade_label(start), **measures} for start, measures in decades]


def _by_age(photos: pd.DataFrame) -> list[dict[str, Any]]:
    """Measures of each full year of age that occurs, up to OLDEST_SINGLE."""
    young = photos[photos[REAL_AGE] < OLDEST_SINGLE + 1]
    real, predicted, people = _arrays(young)
    years = score_groups(real, predicted, np.floor(real).astype("int64"), people)
    return [{"age": age, **measures} for age, measures in years]


def _by_group(photos: pd.DataFrame, column: str, of: np.ndarray, params: EvaluateParams) -> list[dict[str, Any]]:
    """Measures of each group in `of`, str (photos,), with the gates of which at least one rate is known."""
    real, predicted, people = _arrays(photos)
    rows = []
    for group, measures in score_groups(real, predicted, of, people):
        chosen = of == group
        gates = score_gates(real[chosen], predicted[chosen], people[chosen], params.thresholds)
        known = {threshold: gate for threshold, gate in gates.items() if {"fpr", "fnr"} & gate.keys()}
        rows.append({"column": column, "group": group, **measures, **({"gate": known} if known else {})})
    return rows


def _by_crossing(photos: pd.DataFrame, column: str, of: np.ndarray, params: EvaluateParams) -> list[dict[str, Any]]:
    """The rows of `_by_group` for groups that have people enough to be compared: there can be very many others."""
    enough = np.isin(of, comparable_groups(of, photos[PERSON].to_numpy()))
    return _by_group(photos[enough], column, of[enough], params)


def _arrays(photos: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    real, predicted, people = (photos[column].to_numpy() for column in (REAL_AGE, PREDICTED_AGE, PERSON))
    return real, predicted, people
