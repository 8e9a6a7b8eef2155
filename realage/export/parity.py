"""Compares the exported model's answers with those of the Keras model."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from realage.core.columns import PHOTO, PREDICTED_AGE, PREDICTED_HI, PREDICTED_LO, PREDICTED_SPREAD, REAL_AGE
from realage.inference.age_model import BATCH
from realage.inference.onnx_engine import OnnxEngine
from realage.photos.prepared import read_prepared

COLUMNS = {"age": PREDICTED_AGE, "spread": PREDICTED_SPREAD, "age_lo": PREDICTED_LO, "age_hi": PREDICTED_HI}


class Parity(NamedTuple):
    """Differences on `photos` held-out photos, in years: the largest of any answer, and that of the MAE of ages."""

    photos: int
    largest_difference: float
    mae_change: float


def compare_answers(engine: OnnxEngine, predictions: pd.DataFrame, prepared: Path) -> Parity:
    """Compare the answers for the photos of `predictions`, the table of stage `evaluate`, with those in it.

    The photos are read from the folder `prepared`. Raises UserError if one is missing or damaged.
    """

    def answer(photos: Sequence[str]) -> dict[str, np.ndarray]:
        return engine.answer(np.stack([read_prepared(prepared, photo) for photo in photos]))

    found = answer_all(answer, predictions[PHOTO].tolist())
    expected = {name: predictions[COLUMNS[name]].to_numpy() for name in found}
    real = predictions[REAL_AGE].to_numpy()
    before, after = (np.abs(answers["age"] - real).mean() for answers in (expected, found))
    return Parity(len(predictions), largest_difference(found, expected), float(after - before))


def answer_all(answer: Callable[..., Mapping[str, np.ndarray]], photos: Sequence | np.ndarray) -> dict[str, np.ndarray]:
    """The answers in years to all `photos`, of which `answer` gets a batch at a time: float64 (n,), by name."""
    starts = range(0, len(photos), BATCH)
    batches = tqdm(starts, desc="export: compare", unit=" batches", disable=None)
    parts = [answer(photos[start : start + BATCH]) for start in batches]
    return {name: np.concatenate([part[name] for part in parts]).astype("float64")
            for name in COLUMNS if name in parts[0]}  # fmt: skip


def largest_difference(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> float:
    """The largest difference of two answers of the same name, in years; NaN if an answer is."""
    return float(np.max([np.abs(found[name] - expected[name]).max() for name in found]))
