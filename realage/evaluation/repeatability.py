"""Repeatability: how much predicted ages change when prepared photos are changed a little.

The changes are synthetic. They say how steady the model is, not how two real photos of a person differ.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from realage.core.columns import FILE_NAME, PERSON, PHOTO, PREDICTED_AGE, REAL_AGE
from realage.evaluation.disturbances import SAME_FRAME, Change, rotations
from realage.evaluation.intervals import interval_keys, mean_interval

# A prepared photo shows little beyond the face: with more than 10 degrees, black corners would cover much of it.
CHANGES: dict[str, Change] = rotations([10]) | SAME_FRAME
CHUNK = 16  # photos in memory at once, each with all its changes
LISTED = [FILE_NAME, PHOTO, REAL_AGE, PREDICTED_AGE, "disturbance", "changed_age", "change"]


def pick_photos(predictions: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the rows of at most `count` validation photos: those with the lowest pixel hashes.

    `predictions` has columns `split` and `photo`. Most picked photos stay the same when others are added or removed.
    """
    return predictions[predictions["split"] == "val"].sort_values(PHOTO, kind="stable").head(count)


def predict_changed(
    photos: pd.Series, read: Callable[[str], np.ndarray], predict: Callable[[np.ndarray], np.ndarray]
) -> pd.DataFrame:
    """Return the predicted ages of each photo after each of CHANGES: float64, years, a column for each change.

    The rows have the index of `photos`, from each of which `read` makes a prepared photo, uint8 RGB (size, size, 3).
    `predict` returns ages, float64 (n,), of photos, float32 (n, size, size, 3). Memory does not depend on the number of
    photos.
    """
    ages = [np.empty(0)]
    for start in range(0, len(photos), CHUNK):
        views = [view for photo in photos[start : start + CHUNK] for view in _views(read(photo))]
        ages.append(predict(np.stack(views).astype("float32")))
    return pd.DataFrame(np.concatenate(ages).reshape(-1, len(CHANGES)), index=photos.index, columns=list(CHANGES))


def _views(photo: np.ndarray) -> Iterator[np.ndarray]:
    """The photo after each of CHANGES, in its own size."""
    height, width = photo.shape[:2]
    for change in CHANGES.values():
        changed = change(photo)
        if changed.shape != photo.shape:
            changed = np.array(Image.fromarray(changed).resize((width, height), Image.Resampling.BICUBIC))
        yield changed


def add_repeatability(metrics: dict[str, Any], photos: pd.DataFrame, ages: pd.DataFrame) -> None:
    """Add measures of the changes of `ages` to `metrics`, those of `metrics/evaluate.json`; nothing without photos.

    `photos` is from `pick_photos`, with columns `real_age`, `predicted_age` (years) and `person`; `ages` is from
    `predict_changed`. `val` gets `synthetic_repeatability`, the measures of `score_changes` over all changes, and
    `by_synthetic_disturbance` those of each, as a list, as DVC omits lists from its tables of metrics.
    """
    if photos.empty:
        return
    real, before, people = (photos[column].to_numpy() for column in (REAL_AGE, PREDICTED_AGE, PERSON))
    metrics["val"]["synthetic_repeatability"] = score_changes(real, before, ages.to_numpy(), people)
    metrics["by_synthetic_disturbance"] = {"val": [
        {"disturbance": name, **score_changes(real, before, ages[[name]].to_numpy(), people)} for name in ages
    ]}  # fmt: skip


def score_changes(real: np.ndarray, before: np.ndarray, after: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """Return how much ages change, in years; `real`, `before`, predicted ages, and `people`, who, are (n,).

    `after`, float (n, number of changes), are the ages after each change. `change_mean` and `change_p95` (95th
    percentile) are of the absolute change of the predicted age. `mae_change` is the MAE after less the MAE before. Both
    means have a 95% interval over people; that of the MAE's change is of the paired difference. With several changes, a
    photo counts in them with its mean over the changes. `n` counts photos, `people` people if some have several.
    """
    moved = np.abs(after - before[:, np.newaxis])
    change = moved.mean(axis=1)
    difference = np.abs(after - real[:, np.newaxis]).mean(axis=1) - np.abs(before - real)
    count = len(np.unique(people))
    return {
        "n": len(real),
        **({"people": count} if count < len(real) else {}),
        "change_mean": float(np.mean(change)),
        **interval_keys("change_mean", mean_interval(change, people)),
        "change_p95": float(np.quantile(moved, 0.95)),
        "mae_change": float(np.mean(difference)),
        **interval_keys("mae_change", mean_interval(difference, people)),
    }


def list_changes(photos: pd.DataFrame, ages: pd.DataFrame) -> pd.DataFrame:
    """Return each of `photos` with its largest change, the photo with the largest of all first: columns LISTED.

    `photos` and `ages` are as in `add_repeatability`; `photos` has also columns `file_name` and `photo`. `disturbance`
    is the name of the change, `changed_age` the predicted age after it, and `change` that less `predicted_age`, in
    years.
    """
    changes = ages.sub(photos[PREDICTED_AGE], axis="index")
    largest = changes.abs().to_numpy().argmax(axis=1)
    place = np.arange(len(photos)), largest
    listed = photos.assign(
        disturbance=np.array(ages.columns, dtype=object)[largest],
        changed_age=ages.to_numpy()[place],
        change=changes.to_numpy()[place],
    )
    return listed.sort_values("change", key=lambda change: -change.abs(), kind="stable")[LISTED]
