"""Model and held-out photos -> predicted ages, measures of the errors, and charts."""

import sys
from typing import Any

import numpy as np
import pandas as pd

from realage.core.columns import PHOTO, REAL_AGE
from realage.core.errors import UserError
from realage.core.files import read_rows, write_csv, write_json
from realage.core.formatting import count_photos, with_interval
from realage.core.params import load
from realage.core.paths import INDEX, MODEL, PLOTS, PREDICTIONS, PREPARED, SPLITS, metrics_file
from realage.evaluation.charts import draw_evaluation, draw_gates, draw_worst
from realage.evaluation.gates import tabulate_gates
from realage.evaluation.metrics import EvaluateParams
from realage.evaluation.people import PERSON, number_people
from realage.evaluation.scores import score_splits
from realage.network.contents import Start, read_learnt, read_recipe, seen_warning
from realage.network.device import set_up_device
from realage.network.model_file import load_model, predict_ages
from realage.photos.prepared import read_index, read_prepared, require_indexed
from realage.runner.command import run
from realage.splits.assign import HELD_OUT, SPLIT_NAMES
from realage.splits.groups import groups_of
from realage.training.photo_dataset import PhotoDataset

FOLDER = PLOTS / "evaluate"


def evaluate() -> None:
    """Write `data/predictions.csv`, `metrics/evaluate.json`, `plots/evaluate/` and `plots/worst.png`."""
    params = load("evaluate", EvaluateParams)
    rows = read_rows(SPLITS)
    groups = {column: groups_of(rows, column) for column in params.groups}

    recipe = read_recipe(MODEL)
    predictions = _predict(rows[rows["split"].isin(HELD_OUT)], recipe.train)
    numbered = predictions.assign(**{PERSON: number_people(predictions)})
    training_median = float(rows.loc[rows["split"] == "train", REAL_AGE].median())
    metrics = {**recipe.data, **score_splits(numbered, groups, training_median, params)}
    _mark_seen(metrics, predictions, recipe.lineage)

    write_csv(PREDICTIONS, predictions)
    write_json(metrics_file("evaluate"), metrics)
    draw_evaluation(numbered, metrics, FOLDER)
    draw_gates(tabulate_gates(numbered, params.thresholds, params.challenge_ages), FOLDER)
    draw_worst(predictions, lambda row: read_prepared(PREPARED, row.photo), PLOTS / "worst.png")
    _print_scores(metrics)


def _predict(rows: pd.DataFrame, trained: dict[str, Any]) -> pd.DataFrame:
    """Return `rows` with `predicted_age` and, if the head has one, `predicted_spread`, both in years.

    Raises UserError if a prediction is NaN or infinite.
    """
    set_up_device(trained["backend"], trained["threads"])
    require_indexed(PREPARED, pd.concat([read_index(INDEX / f"{split}.csv") for split in HELD_OUT]))
    photos = PhotoDataset(PREPARED, rows[PHOTO], rows[REAL_AGE], trained["batch_size"])
    predictions = predict_ages(load_model(MODEL), photos).set_index(rows.index)
    if not np.isfinite(predictions).all(axis=None):
        raise UserError(f"{MODEL}: it predicts ages that are NaN or infinite: train with a lower train.learning_rate")
    return rows.join(predictions.add_prefix("predicted_"))


def _mark_seen(metrics: dict, predictions: pd.DataFrame, lineage: list[Start]) -> None:
    """Add `seen` to the measures of each split, if the model started from an age model, and warn unless it is 0.

    It counts the photos of the split that the model or one of its ancestors has learnt from.
    """
    learnt = read_learnt(MODEL)
    if learnt is None or not any(start.is_age_model for start in lineage):
        return
    seen = {}
    for split in [name for name in HELD_OUT if name in metrics]:
        photos = predictions.loc[predictions["split"] == split, PHOTO]
        metrics[split]["seen"] = learnt.count(photos)
        seen[SPLIT_NAMES[split]] = metrics[split]["seen"], len(photos)
    if warning := seen_warning(lineage, seen):
        print(f"evaluate: {warning}", file=sys.stderr)


def _print_scores(metrics: dict) -> None:
    for split in [name for name in HELD_OUT if name in metrics]:
        scores = metrics[split]
        photos = count_photos(scores["n"], scores.get("people", scores["n"]))
        print(
            f"evaluate: {split:<4} MAE {with_interval(scores)} years on {photos}, "
            f"constant baseline {scores['baseline']['mae']:.2f}"
        )


if __name__ == "__main__":
    run(evaluate)
