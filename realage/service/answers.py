"""What the service returns, as JSON."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from realage.inference.age_model import AgeModel, Prediction
from realage.inference.gate import Gate
from realage.photos.limits import PhotoError

DIGITS = 2  # of years; further ones depend on the other photos of a batch


class Box(BaseModel):
    """A face's place in the upright photo, in pixels."""

    left: float
    top: float
    width: float
    height: float


class Face(BaseModel):
    """The age of one face, in years, or of a whole photo without a face."""

    age: float
    age_lo: float | None = Field(description="lower end of the interval that is meant to hold the real age")
    age_hi: float | None = Field(description="upper end of the interval")
    spread: float | None = Field(description="standard deviation that the network predicts")
    box: Box | None
    reasons: list[str] = Field(description="in what the photo is unlike the training photos; its age is not reliable")
    decision: Literal["pass", "ask", "refuse"] | None = Field(description="at the age gate of the request")


class Photo(BaseModel):
    """A photo's faces, the largest first, or the reason why it has no age."""

    name: str | None
    width: int | None = Field(description="of the upright photo, pixels")
    height: int | None
    found: int | None = Field(description="number of faces in the photo; null if the model does not search for them")
    faces: list[Face]
    error: str | None


class Model(BaseModel):
    """The model that answers."""

    fingerprint: str = Field(description="SHA-256 of models/age.keras, as the report and the promotion name it")
    data_version: str | None
    outputs: list[str]
    coverage: float | None = Field(description="share of real ages that intervals are meant to hold")
    finds_faces: bool
    knows_training_photos: bool = Field(description="whether it can say that a photo is unlike them")


class Ages(BaseModel):
    """One photo for each in the request, in its order."""

    photos: list[Photo]
    model: Model


class Failure(BaseModel):
    """Why a request has no answer."""

    error: str


def model_answer(model: AgeModel) -> Model:
    """Describe the model."""
    facts = model.facts
    return Model(
        fingerprint=facts.fingerprint,
        data_version=facts.data.get("data_version"),
        outputs=sorted(model.outputs),
        coverage=facts.coverage,
        finds_faces=facts.prepare.finds_faces,
        knows_training_photos=facts.summary is not None,
    )


def photo_answer(name: str | None, found: Sequence[Prediction | PhotoError] | PhotoError, gate: Gate | None) -> Photo:
    """Describe a photo: its faces if all of them have an age, otherwise the error."""
    if isinstance(found, PhotoError):
        return Photo(name=name, width=None, height=None, found=None, faces=[], error=str(found))
    failed = next((each for each in found if isinstance(each, PhotoError)), None)
    if failed:
        return photo_answer(name, failed, gate)
    predictions = [each for each in found if isinstance(each, Prediction)]
    first = predictions[0]
    return Photo(
        name=name,
        width=first.size[0],
        height=first.size[1],
        found=first.faces,
        faces=[_face(prediction, gate) for prediction in predictions],
        error=None,
    )


def _face(prediction: Prediction, gate: Gate | None) -> Face:
    box = prediction.box
    return Face(
        age=round(prediction.age, DIGITS),
        age_lo=_rounded(prediction.age_lo),
        age_hi=_rounded(prediction.age_hi),
        spread=_rounded(prediction.spread),
        box=Box(left=box[0], top=box[1], width=box[2], height=box[3]) if box else None,
        reasons=list(prediction.reasons),
        decision=gate.decide(prediction) if gate else None,
    )


def _rounded(years: float | None) -> float | None:
    return None if years is None else round(years, DIGITS)
