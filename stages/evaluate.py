"""Model and held-out photos -> predicted ages, measures of the errors, and charts."""

import sys

import numpy as np
import pandas as pd

from realage.calibration.interval import Calibration, read_calibration
from realage.core.columns import (
    EYE_DISTANCE,
    FACES_FOUND,
    FILE_NAME,
    INTERVAL_PART,
    PERSON,
    PHOTO,
    PREDICTED_AGE,
    PREDICTED_HI,
    PREDICTED_LO,
    REAL_AGE,
)
from realage.core.files import read_rows, write_csv, write_json, write_listing
from realage.core.formatting import count_photos, with_interval
from realage.core.params import load
from realage.core.paths import (
    CALIBRATION,
    INDEX,
    MODEL,
    PLOTS,
    PREDICTIONS,
    PREPARED,
    PREPARED_LIST,
    REPEATABILITY,
    SALIENCY,
    SPLITS,
    metrics_file,
)
from realage.evaluation.by_face import groups_by_face
from realage.evaluation.charts import draw_evaluation, draw_gates, draw_intervals, draw_worst
from realage.evaluation.coverage import add_coverage
from realage.evaluation.gates import tabulate_gates
from realage.evaluation.metrics import EvaluateParams
from realage.evaluation.people import number_people
from realage.evaluation.repeatability import add_repeatability, list_changes, pick_photos, predict_changed
from realage.evaluation.saliency import flatten_maps, map_saliency, pick_examples
from realage.evaluation.scores import score_splits
from realage.network.contents import Start, read_learnt, read_recipe, seen_warning
from realage.network.device import set_up_device
from realage.network.finite import require_numbers
from realage.network.model_file import load_model, predict_ages
from realage.network.quiet_keras import keras
from realage.photos.prepared import read_index, read_prepared, require_indexed
from realage.runner.command import run
from realage.splits.assign import HELD_OUT, SPLIT_NAMES
from realage.splits.calibration import CALIBRATING, JUDGING
from realage.splits.groups import groups_of
from realage.training.photo_dataset import PhotoDataset

FOLDER = PLOTS / "evaluate"


def evaluate() -> None:
    """Write predictions and changes of them to `data`, `metrics/evaluate.json`, `plots/evaluate/`, `plots/worst.png`.

    Raises UserError if a prediction is NaN or infinite.
    """
    params = load("evaluate", EvaluateParams)
    rows = read_rows(SPLITS)
    groups = {column: groups_of(rows, column) for column in params.groups}

    recipe = read_recipe(MODEL)
    set_up_device(recipe.train["backend"], recipe.train["threads"])
    model = load_model(MODEL)
    predictions, calibration = _predict(model, rows[rows["split"].isin(HELD_OUT)], recipe.train["batch_size"])
    numbered = predictions.assign(**{PERSON: number_people(predictions)})
    training_median = float(rows.loc[rows["split"] == "train", REAL_AGE].median())
    by_face = groups_by_face(_found_in(rows[PHOTO]))
    metrics = {**recipe.data, **score_splits(numbered, groups, training_median, params, by_face)}
    _mark_seen(metrics, predictions, recipe.lineage)
    if calibration:
        metrics["calibration"] = calibration.model_dump(include={"coverage", "photos", "people"})
        add_coverage(metrics, numbered, groups)
    changed = pick_photos(numbered, params.repeatability_photos)
    ages = _predict_changed(model, changed)
    add_repeatability(metrics, changed, ages)

    write_csv(PREDICTIONS, predictions)
    write_listing(REPEATABILITY, list_changes(changed, ages))
    write_csv(SALIENCY, _explain(model, predictions))
    write_json(metrics_file("evaluate"), metrics)
    draw_evaluation(numbered, metrics, FOLDER)
    draw_gates(tabulate_gates(numbered, params.thresholds, params.challenge_ages), FOLDER)
    draw_intervals(numbered, metrics, FOLDER)
    draw_worst(predictions, lambda row: read_prepared(PREPARED, row.photo), PLOTS / "worst.png")
    _print_scores(metrics)


def _found_in(photos: pd.Series) -> pd.DataFrame:
    """What stage `prepare` found in each of `photos`, with their index."""
    found = pd.read_csv(PREPARED_LIST, index_col=PHOTO, usecols=[PHOTO, FACES_FOUND, EYE_DISTANCE])
    return found.loc[photos].set_index(photos.index)


def _predict(model: keras.Model, rows: pd.DataFrame, batch_size: int) -> tuple[pd.DataFrame, Calibration | None]:
    """Return `rows` with `predicted_age` and, if the head has one, `predicted_spread`, both in years.

    If the model is calibrated, its calibration is returned too, and the rows have the ends of the interval,
    `predicted_lo` and `predicted_hi`, and `interval_part`: whether the photo calibrated the intervals or judges them.
    Raises UserError if a prediction is NaN or infinite.
    """
    require_indexed(PREPARED, pd.concat([read_index(INDEX / f"{split}.csv") for split in HELD_OUT]))
    photos = PhotoDataset(PREPARED, rows[PHOTO], rows[REAL_AGE], batch_size)
    predictions = predict_ages(model, photos).set_index(rows.index)
    require_numbers(predictions, MODEL)
    rows, calibration = rows.join(predictions.add_prefix("predicted_")), read_calibration(MODEL, model.output)
    if calibration is None:
        return rows, None
    ends = calibration.intervals(predictions).rename(columns={"age_lo": PREDICTED_LO, "age_hi": PREDICTED_HI})
    calibrates = rows[PHOTO].isin(read_index(CALIBRATION)[PHOTO])
    return rows.join(ends).assign(**{INTERVAL_PART: calibrates.map({True: CALIBRATING, False: JUDGING})}), calibration


def _predict_changed(model: keras.Model, photos: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `predict_changed` for `photos`. Raises UserError if an age is NaN or infinite."""
    ages = predict_changed(
        photos[PHOTO],
        lambda photo: read_prepared(PREPARED, photo),
        lambda pixels: predict_ages(model, pixels)["age"].to_numpy(),
    )
    require_numbers(ages, MODEL)
    return ages


def _explain(model: keras.Model, predictions: pd.DataFrame) -> pd.DataFrame:
    """Return rows of the best, typical and worst predictions, with a `kind` and a map of their saliency each."""
    def predict(batch: np.ndarray) -> np.ndarray:
        return model.predict_on_batch(batch)["age"].ravel()

    examples = pick_examples(predictions).reset_index(drop=True)
    photos = [read_prepared(PREPARED, photo) for photo in examples[PHOTO]]
    maps = map_saliency(predict, photos, examples[PREDICTED_AGE].to_numpy())
    return examples[[FILE_NAME, PHOTO, REAL_AGE, PREDICTED_AGE, "kind"]].join(flatten_maps(maps))


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
