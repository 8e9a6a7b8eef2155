"""What `realage predict` says of a photo: one row for each face, or one that says why there is no age."""

from pathlib import Path

from realage.inference.age_model import AgeModel, Prediction
from realage.inference.gate import Gate
from realage.photos.limits import PhotoError

Row = dict[str, object]
BOX = ("left", "top", "width", "height")


def columns_of(model: AgeModel, all_faces: bool, gate: Gate | None) -> list[str]:
    """The columns of the rows, in their order."""
    answers = [name for name in ("age", "age_lo", "age_hi", "spread") if name in model.outputs]
    faces = ["faces"] * model.facts.prepare.finds_faces
    box = [*BOX] if faces and all_faces else []
    reasons = ["reasons"] * (model.facts.summary is not None)
    return ["photo", *answers, *["decision"] * (gate is not None), *faces, *box, *reasons, "error"]


def prediction_row(photo: Path, prediction: Prediction, gate: Gate | None) -> Row:
    """The row of a face; `reasons` are separated by spaces, and all numbers are rounded to a tenth."""
    years = {name: getattr(prediction, name) for name in ("age", "age_lo", "age_hi", "spread")}
    row: Row = {"photo": str(photo), "faces": prediction.faces, "reasons": " ".join(prediction.reasons), "error": ""}
    row |= {name: round(value, 1) + 0.0 for name, value in years.items() if value is not None}  # + 0.0: no -0.0
    if prediction.box:
        row |= {name: round(value, 1) for name, value in zip(BOX, prediction.box)}
    if gate:
        row["decision"] = gate.decide(prediction)
    return row


def error_row(photo: Path, error: PhotoError, gate: Gate | None) -> Row:
    """The row of a photo without an age: the person is asked for proof of it."""
    return {"photo": str(photo), "error": str(error), **({"decision": "ask"} if gate else {})}
