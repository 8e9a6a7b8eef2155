"""How like the training photos a photo is: measures of what the model sees, beside those of the training photos.

A model errs most on photos unlike those that it learnt from, and its answers do not show it.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from realage.photos.faces import find_faces
from realage.photos.measures import measure, thumbnail_of

LEVELS = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)  # of the quantiles
FACELESS = 0.01  # a photo without a face is unlike photos of which a smaller share has none
LEAST_PHOTOS = 100  # fewer do not show what is usual
DIGITS = 4

# Measure -> what a photo below the lowest and above the highest quantile is; None: no reason to doubt the age.
REASONS: dict[str, tuple[str | None, str | None]] = {
    "brightness": ("dark", "bright"),
    "contrast": ("low_contrast", "high_contrast"),
    "sharpness": ("blurred", "grainy"),
    "eye_distance": ("face_too_far", "face_too_close"),
    "face_pixels": ("few_pixels", None),
}
NO_FACE = "no_face"


class Seen(NamedTuple):
    """Measures of a framed photo.

    `brightness`, `contrast` and `sharpness` are in grey levels (0 to 255), `eye_distance` is a share of the square's
    side, and `face_pixels` is the distance between the eyes in pixels of the original photo. The last two are NaN
    without a face, `face_pixels` also where the photo was not searched for one.
    """

    brightness: float
    contrast: float
    sharpness: float
    eye_distance: float
    face_pixels: float


def look_at(square: np.ndarray, face_pixels: float | None) -> Seen:
    """Measure a framed photo, uint8 RGB (n, n, 3), in which a face is searched for again."""
    measures = measure(square, thumbnail_of(square))
    faces = find_faces(square)
    distance = math.dist(*faces[0].landmarks[:2]) / len(square) if faces else math.nan
    original = math.nan if face_pixels is None else face_pixels
    return Seen(measures.brightness, measures.contrast, measures.sharpness, distance, original)


class TrainingSummary(BaseModel):
    """Quantiles, at LEVELS, of the measures of training photos; `faceless` is the share of photos without a face."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    photos: int = Field(ge=1)
    faceless: float = Field(ge=0, le=1)
    quantiles: dict[str, tuple[float, ...]]

    @model_validator(mode="after")
    def _check_quantiles(self) -> Self:
        for name, values in self.quantiles.items():
            if name not in Seen._fields or len(values) != len(LEVELS) or not np.isfinite(values).all():
                raise ValueError(f"{name} has to be one of {', '.join(Seen._fields)}, with {len(LEVELS)} numbers")
        return self

    def reasons(self, seen: Seen) -> tuple[str, ...]:
        """Why a photo is unlike the training photos: a word for each measure outside of their outermost quantiles."""
        found = [NO_FACE] if math.isnan(seen.eye_distance) and self.faceless < FACELESS else []
        for name, (below, above) in REASONS.items():
            if name in self.quantiles:
                value, (lowest, *_, highest) = getattr(seen, name), self.quantiles[name]
                reason = below if value < lowest else above if value > highest else None
                found += [reason] if reason else []
        return tuple(found)


def summarize(looks: Iterable[Seen]) -> TrainingSummary | None:
    """Summarize what was seen of training photos; None if they are fewer than LEAST_PHOTOS."""
    table = np.array(list(looks), "float64").reshape(-1, len(Seen._fields))
    if len(table) < LEAST_PHOTOS:
        return None
    quantiles = {}
    for name, column in zip(Seen._fields, table.T):
        known = column[~np.isnan(column)]
        if len(known) >= LEAST_PHOTOS:
            quantiles[name] = tuple(np.quantile(known, LEVELS).round(DIGITS).tolist())
    faceless = float(np.isnan(table[:, Seen._fields.index("eye_distance")]).mean())
    return TrainingSummary(photos=len(table), faceless=round(faceless, DIGITS), quantiles=quantiles)
