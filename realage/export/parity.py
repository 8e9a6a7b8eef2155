"""Compares the exported model's answers with those that stage `evaluate` got from the Keras model."""

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
    parts = [predictions[PHOTO][start : start + BATCH] for start in range(0, len(predictions), BATCH)]
    answers = [
        engine.answer(np.stack([read_prepared(prepared, photo) for photo in part]))
        for part in tqdm(parts, desc="export: compare", unit=" batches", disable=None)
    ]
    years = [name for name in COLUMNS if name in engine.outputs]
    found = {name: np.concatenate([answer[name] for answer in answers]).astype("float64") for name in years}
    differences = [np.abs(found[name] - predictions[COLUMNS[name]].to_numpy()).max() for name in found]
    real = predictions[REAL_AGE].to_numpy()
    before, after = (np.abs(ages - real).mean() for ages in (predictions[PREDICTED_AGE].to_numpy(), found["age"]))
    return Parity(len(predictions), float(max(differences)), float(after - before))
