"""Runs a `.keras` model with Keras, for which TensorFlow has to be installed."""

from pathlib import Path
from threading import Lock

import numpy as np

from realage.calibration.interval import Calibration, read_calibration
from realage.core.digests import file_sha256
from realage.inference.facts import Facts
from realage.network.archive import SUMMARY_FILE, has_member, open_archive, read_as
from realage.network.contents import read_recipe
from realage.network.familiarity import with_familiarity
from realage.network.model_file import load_model, predict_ages
from realage.photos.likeness import TrainingSummary


class KerasEngine:
    """A model of stage `package`, or of an earlier release, that is loaded."""

    def __init__(self, path: Path) -> None:
        """Load `path`. Raises UserError as `load_model` does."""
        model = load_model(path)
        self._calibration = read_calibration(path, model.output)
        self._model = with_familiarity(model)
        ends = ("age_lo", "age_hi") if self._calibration else ()
        self.outputs = frozenset((*self._model.output, *ends))
        self.facts = read_facts(path, self._calibration)
        self._one_at_a_time = Lock()  # Keras' predict keeps state in the model

    def answer(self, photos: np.ndarray) -> dict[str, np.ndarray]:
        """Ages in years and familiarity, float64 (n,), by name, of `photos`, uint8 (n, size, size, 3) RGB."""
        with self._one_at_a_time:
            ages = predict_ages(self._model, photos.astype("float32"))
        if self._calibration:
            ages = ages.join(self._calibration.intervals(ages))
        return {str(name): column.to_numpy() for name, column in ages.items()}


def read_facts(path: Path, calibration: Calibration | None) -> Facts:
    """Read the facts of a model file, given its calibration. Raises UserError as `read_summary` does."""
    recipe = read_recipe(path)
    return Facts(
        fingerprint=file_sha256(path),
        prepare=recipe.prepare,
        coverage=calibration.coverage if calibration else None,
        data=recipe.data,
        model=recipe.model,
        train=recipe.train,
        summary=read_summary(path),
    )


def read_summary(path: Path) -> TrainingSummary | None:
    """Read the summary of the training photos from a model file; None if it has none, as files of earlier releases.

    Raises UserError as `read_recipe` does, and if the summary is damaged.
    """
    with open_archive(path) as archive:
        if not has_member(archive, SUMMARY_FILE):
            return None
        return read_as(archive, SUMMARY_FILE, TrainingSummary)
