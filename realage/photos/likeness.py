"""How like the training photos a photo is: measures of what the model sees, beside those of the training photos.

A model errs most on photos unlike those that it learnt from, and its answers do not show it.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, NamedTuple, Self

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from realage.photos.faces import find_faces
from realage.photos.params import PrepareParams

LEVELS = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)  # of the quantiles that are edges
FACELESS = 0.01  # a photo without a face is unlike photos of which a smaller share has none
LEAST_PHOTOS = 100  # fewer do not show what is usual
MOST_PHOTOS = 10**9
DIGITS = 4
AGE, FAMILIARITY = "age", "familiarity"  # what the model answers, beside the measures of `Seen`

# Measure -> what a photo below the lowest and above the highest quantile is; None: no reason to doubt the age.
REASONS: dict[str, tuple[str | None, str | None]] = {
    "brightness": ("dark", "bright"),
    "contrast": ("low_contrast", "high_contrast"),
    "sharpness": ("blurred", "grainy"),
    "eye_distance": ("face_too_far", "face_too_close"),
    "face_pixels": ("few_pixels", None),
}
NO_FACE = "no_face"
UNFAMILIAR = "unfamiliar"


class Seen(NamedTuple):
    """Measures of a framed photo.

    `brightness`, `contrast` and `sharpness` are the mean, the standard deviation, and the standard deviation of the
    Laplacian of its grey levels (0 to 255). `eye_distance`, in shares of the square's side, is NaN without a face, and
    where photos are cropped to faces, which fixes it. `face_pixels`, the distance between the eyes in pixels of
    the original photo, is NaN without a face, and where photos are not searched for one.
    """

    brightness: float
    contrast: float
    sharpness: float
    eye_distance: float
    face_pixels: float

    @property
    def has_face(self) -> bool:
        """Whether a face was found."""
        return not (math.isnan(self.eye_distance) and math.isnan(self.face_pixels))


def look_at(square: np.ndarray, params: PrepareParams, face_pixels: float | None) -> Seen:
    """Measure a photo that was framed with `params`: uint8 RGB (n, n, 3)."""
    grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)
    brightness, contrast = (float(value[0, 0]) for value in cv2.meanStdDev(grey))
    _, sharpness = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    faces = [] if params.finds_faces else find_faces(square)
    eyes = math.dist(*faces[0].landmarks[:2]) / len(square) if faces else math.nan
    return Seen(brightness, contrast, float(sharpness[0, 0]), eyes, math.nan if face_pixels is None else face_pixels)


class Distribution(BaseModel):
    """How many photos have values up to the first of `edges`, up to the next, and so on, and above the last.

    The edges are quantiles at LEVELS of these photos, without those that are equal to the one before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges: tuple[float, ...] = Field(min_length=1, max_length=len(LEVELS))
    counts: tuple[Annotated[int, Field(ge=0, le=MOST_PHOTOS)], ...]

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        edges = np.array(self.edges)
        if not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
            raise ValueError("edges have to be numbers that rise")
        if len(self.counts) != len(edges) + 1 or self.photos < 1:
            raise ValueError("there has to be a count for each part between edges")
        return self

    @property
    def photos(self) -> int:
        """The number of photos."""
        return sum(self.counts)

    def count(self, values: np.ndarray) -> np.ndarray:
        """Count numbers, float (n,), in the same parts: int (edges + 1,)."""
        return np.bincount(np.searchsorted(self.edges, values), minlength=len(self.counts))

    @classmethod
    def of(cls, values: np.ndarray) -> Self | None:
        """The distribution of numbers, float (n,), of which NaN are left out; None if there are too few."""
        known = values[~np.isnan(values)]
        if len(known) < LEAST_PHOTOS:
            return None
        edges = np.unique(np.quantile(known, LEVELS).round(DIGITS))
        counts = np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)
        return cls(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))


class TrainingSummary(BaseModel):
    """What is usual among training photos: distributions of the measures of `Seen`, and of the model's answers.

    `faceless` of the `photos` have no face. The answers, ages in years and familiarity, are those to photos that the
    model has not learnt from: it knows its training photos better.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    photos: int = Field(ge=1, le=MOST_PHOTOS)
    faceless: int = Field(ge=0)
    measures: dict[str, Distribution]

    @model_validator(mode="after")
    def _check_measures(self) -> Self:
        unknown = set(self.measures) - {*Seen._fields, AGE, FAMILIARITY}
        if unknown or self.faceless > self.photos:
            raise ValueError(f"unknown measures {sorted(unknown)}, or more photos without a face than photos")
        return self

    def reasons(self, seen: Seen) -> tuple[str, ...]:
        """Why a photo is unlike the training photos: a word for each measure outside of their outermost quantiles."""
        is_news = self.faceless < FACELESS * self.photos
        found = [NO_FACE] if is_news and not seen.has_face else []
        for name, (below, above) in REASONS.items():
            if name in self.measures:
                value, edges = getattr(seen, name), self.measures[name].edges
                reason = below if value < edges[0] else above if value > edges[-1] else None
                found += [reason] if reason else []
        return tuple(found)

    def is_unfamiliar(self, familiarity: float) -> bool:
        """Whether the network knows a photo less well than all others that it has not learnt from."""
        return FAMILIARITY in self.measures and familiarity < self.measures[FAMILIARITY].edges[0]


def summarize(looks: Iterable[Seen], answers: Mapping[str, np.ndarray] | None = None) -> TrainingSummary | None:
    """Summarize what was seen of training photos, and `answers` of the model: AGE and FAMILIARITY, float (n,) each.

    Returns None if there are fewer photos than LEAST_PHOTOS.
    """
    seen = list(looks)
    if len(seen) < LEAST_PHOTOS:
        return None
    columns = dict(zip(Seen._fields, np.array(seen, "float64").T)) | dict(answers or {})
    found = {name: Distribution.of(column) for name, column in columns.items()}
    return TrainingSummary(
        photos=len(seen),
        faceless=sum(not each.has_face for each in seen),
        measures={name: distribution for name, distribution in found.items() if distribution},
    )
