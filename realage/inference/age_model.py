"""The class that programs use: `AgeModel.load("age.onnx").predict(photos)`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from realage.core.errors import UserError
from realage.inference.facts import Facts
from realage.inference.model_path import LITERT, require_file
from realage.inference.sources import SOURCES, Source, name_of, no_photo, to_pixels
from realage.inference.views import Box, View, frame_views
from realage.photos.likeness import FAMILIARITY, UNFAMILIAR, TrainingSummary
from realage.photos.limits import PhotoError

BATCH = 64  # photos that the network sees at once
OLDEST_ANSWER = 150  # years: an answer that is not from 0 to this is no age


@dataclass(frozen=True, slots=True)
class Prediction:
    """The age of a person in a photo, in years.

    `age_lo` and `age_hi` are the ends of the interval that is meant to hold the real age, None if the model is not
    calibrated. `spread` is the standard deviation that the network predicts, None for a head without it. `size` is the
    width and height of the upright photo in pixels, and `box` has the left, top, width and height of the face in it.
    `faces` is the number of faces in the photo. `box` and `faces` are None if the model does not search for faces;
    without a face the age is that of the photo as a whole.
    `familiarity` is how strongly the network reacts to the photo; it has a meaning in comparison with that of other
    photos alone, and is None for a model of an earlier release. `reasons` says in what the photo is unlike the training
    photos, so that its age is not to be trusted.
    """

    age: float
    age_lo: float | None
    age_hi: float | None
    spread: float | None
    size: tuple[int, int]
    box: Box | None
    faces: int | None
    familiarity: float | None
    reasons: tuple[str, ...]


class Engine(Protocol):
    """A loaded network."""

    facts: Facts
    outputs: frozenset[str]  # the names of the answers: age, and perhaps spread, age_lo, age_hi and familiarity

    def answer(self, photos: np.ndarray) -> dict[str, np.ndarray]:
        """Ages in years and familiarity, float (n,), by name, of `photos`, uint8 (n, size, size, 3) RGB."""
        ...


class AgeModel:
    """A trained model in use. It may be used from several threads at once."""

    def __init__(self, engine: Engine) -> None:
        """Wrap a loaded network; `AgeModel.load` does it for a file."""
        self._engine = engine

    @classmethod
    def load(cls, path: str | Path) -> AgeModel:
        """Load an exported model, `age.onnx`, or a `.keras` model, for which realage[train] has to be installed.

        Raises UserError, a line that says what to do, if the file is missing, damaged or not of this project.
        """
        path = Path(path)
        require_file(path)
        if path.suffix == ".keras":
            if find_spec("keras") is None or find_spec("tensorflow") is None:
                raise UserError(f"{path}: a .keras model needs TensorFlow: run \"pip install 'realage[train]'\", or "
                                "use the exported model, age.onnx")
            from realage.inference.keras_engine import KerasEngine

            return cls(KerasEngine(path))
        if path.suffix == LITERT:
            raise UserError(f"{path}: a LiteRT model is for phones, and is not loaded here: name age.onnx")
        from realage.inference.onnx_engine import OnnxEngine

        return cls(OnnxEngine(path))

    @property
    def facts(self) -> Facts:
        """How the model frames photos, and what it was trained on."""
        return self._engine.facts

    @property
    def outputs(self) -> frozenset[str]:
        """What the model answers: `age`, and perhaps `spread`, `age_lo` and `age_hi`."""
        return self._engine.outputs - {FAMILIARITY}

    def predict(self, photos: Source | Sequence[Source]) -> list[Prediction]:
        """Predict the age of the largest face in each of `photos`; one photo alone is a list of one.

        A photo is a path, the bytes of a file, an RGB array, uint8 (height, width, 3), or an image of Pillow. Raises
        PhotoError that names the photo if one cannot be used, and UserError for what is no photo at all.
        """
        if not isinstance(photos, (*SOURCES, Iterable)):
            raise no_photo(photos)
        sources = [photos] if isinstance(photos, SOURCES) else list(photos)
        predictions = []
        for start in range(0, len(sources), BATCH):  # so that not all photos are in memory at once
            places = range(start, min(start + BATCH, len(sources)))
            views = [view for place in places for view in self._views(sources[place], place, all_faces=False)]
            answers = zip(places, self.answer(views))
            predictions += [self._required(answer, name_of(sources[place], place)) for place, answer in answers]
        return predictions

    def predict_faces(self, photo: Source) -> list[Prediction]:
        """Predict the age of every face in a photo, the largest first. Raises PhotoError as `predict` does."""
        views = self._views(photo, 0, all_faces=True)
        return [self._required(answer, name_of(photo, 0)) for answer in self.answer(views)]

    def frame(self, photo: Source, all_faces: bool = False) -> list[View]:
        """Decode a photo and frame its largest face, or all. Raises PhotoError that does not name the photo."""
        return frame_views(to_pixels(photo, self.facts.prepare.max_megapixels), self.facts, all_faces)

    def answer(self, views: Sequence[View]) -> list[Prediction | PhotoError]:
        """Predict the ages in framed photos. Where the network's answer is no age, there is an error in its place."""
        answers: list[Prediction | PhotoError] = []
        for start in range(0, len(views), BATCH):
            part = views[start : start + BATCH]
            columns = self._engine.answer(np.stack([view.pixels for view in part]))
            for place, view in enumerate(part):
                found = {name: float(column[place]) for name, column in columns.items()}
                answers.append(_prediction(view, found, self.facts.summary))
        return answers

    def _views(self, source: Source, place: int, all_faces: bool) -> list[View]:
        try:
            return self.frame(source, all_faces)
        except PhotoError as error:
            raise PhotoError(f"{name_of(source, place)}: {error}") from error

    def _required(self, answer: Prediction | PhotoError, name: str) -> Prediction:
        if isinstance(answer, PhotoError):
            raise PhotoError(f"{name}: {answer}")
        return answer


def _prediction(view: View, years: dict[str, float], usual: TrainingSummary | None) -> Prediction | PhotoError:
    is_age = np.isfinite(list(years.values())).all() and 0 <= years["age"] <= OLDEST_ANSWER
    if not is_age or years.get("age_lo", 0) > years.get("age_hi", np.inf):
        said = ", ".join(f"{name} {round(value, 1) + 0.0:g}" for name, value in sorted(years.items()))
        return PhotoError(f"the model's answer is no age from 0 to {OLDEST_ANSWER} years: {said}", "use another model")
    familiarity = years.pop(FAMILIARITY, None)
    is_unfamiliar = usual is not None and familiarity is not None and usual.is_unfamiliar(familiarity)
    return Prediction(
        age=years["age"],
        age_lo=years.get("age_lo"),
        age_hi=years.get("age_hi"),
        spread=years.get("spread"),
        size=view.size,
        box=view.box,
        faces=view.faces,
        familiarity=familiarity,
        reasons=(*view.reasons, *[UNFAMILIAR] * is_unfamiliar),
    )
