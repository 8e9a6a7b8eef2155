"""Trained model and held-out photos -> each photo's predicted age, and what the errors add up to."""

from pathlib import Path

import numpy as np
import pandas as pd

from realage.ages import decade, decade_label
from realage.command import run
from realage.device import set_up_device
from realage.evaluation_charts import draw_evaluation, draw_worst
from realage.files import read_json, read_rows, write_csv, write_json
from realage.groups import groups_of
from realage.metrics import EvaluateParams, score, score_groups
from realage.model_file import load_model, predict_ages, read_recipe
from realage.params import load
from realage.photo_dataset import PhotoDataset
from realage.prepared import read_prepared
from realage.splits import HELD_OUT

PREPARED = Path("data/prepared")
MODEL = Path("models/age.keras")


def evaluate() -> None:
    """Write `data/predictions.csv`, `metrics/evaluate.json`, `plots/evaluate/` and `plots/worst.png`."""
    params = load("evaluate", EvaluateParams)
    rows = read_rows(Path("data/labels/splits.csv"))
    groups = {column: groups_of(rows, column) for column in params.groups}

    predictions = _predict(rows[rows["split"].isin(HELD_OUT)])
    training_median = float(rows.loc[rows["split"] == "train", "real_age"].median())
    data_version = read_json(Path("metrics/validate.json"))["data_version"]
    metrics = {"data_version": data_version, **_score_splits(predictions, groups, training_median, params)}

    write_csv(Path("data/predictions.csv"), predictions)
    write_json(Path("metrics/evaluate.json"), metrics)
    draw_evaluation(predictions, metrics, Path("plots/evaluate"))
    draw_worst(predictions, lambda row: read_prepared(PREPARED, row.photo), Path("plots/worst.png"))
    _print_scores(metrics)


def _predict(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with `predicted_age`, and `predicted_spread` where the head has one, both in years."""
    recipe = read_recipe(MODEL).train
    set_up_device(recipe.backend, recipe.threads)
    photos = PhotoDataset(PREPARED, rows["photo"], rows["real_age"], recipe.batch_size)
    predictions = predict_ages(load_model(MODEL), photos).set_index(rows.index)
    return rows.join(predictions.add_prefix("predicted_"))


def _score_splits(
    predictions: pd.DataFrame, groups: dict[str, pd.Series], training_median: float, params: EvaluateParams
) -> dict:
    """Measures of `val` and `test`, each beside the training median as a constant guess; then by decade and group.

    `groups` are those of all rows, by column. The breakdowns are lists, which DVC leaves out of its tables of metrics:
    `val.mae` would drown in them.
    """
    scores, by_decade, by_group = {}, {}, {}
    for split in [name for name in HELD_OUT if name in set(predictions["split"])]:
        part = predictions[predictions["split"] == split]
        real, predicted = part["real_age"].to_numpy(), part["predicted_age"].to_numpy()
        constant = float(np.mean(np.abs(real - training_median)))
        scores[split] = {**score(real, predicted, params), "baseline": {"mae": constant}}
        decades = score_groups(real, predicted, decade(real), params)
        by_decade[split] = [{"decade": decade_label(start), **measures} for start, measures in decades]
        by_group[split] = [
            {"column": column, "group": group, **measures}
            for column, group_of in groups.items()
            for group, measures in score_groups(real, predicted, group_of[part.index].to_numpy(), params)
        ]
    return {**scores, "by_decade": by_decade, "by_group": by_group}


def _print_scores(metrics: dict) -> None:
    for split in [name for name in HELD_OUT if name in metrics]:
        scores = metrics[split]
        interval = f" [{scores['mae_ci95_lo']:.2f}, {scores['mae_ci95_hi']:.2f}]" if "mae_ci95_lo" in scores else ""
        print(
            f"evaluate: {split:<4} MAE {scores['mae']:.2f}{interval} years on {scores['n']:,} photos, "
            f"constant baseline {scores['baseline']['mae']:.2f}"
        )


if __name__ == "__main__":
    run(evaluate)
