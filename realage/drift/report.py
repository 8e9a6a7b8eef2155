"""What `realage watch` found, as an object that is written as JSON and as HTML."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from realage.core.errors import UserError
from realage.drift.findings import FACES, LEAST_NEW, Finding, find_changes
from realage.inference.age_model import AgeModel, Prediction
from realage.inference.stream import Answered
from realage.photos.likeness import AGE, FAMILIARITY
from realage.photos.limits import PhotoError

MOST_UNUSABLE = 0.1  # share of photos without an age, as of rejected photos in the training


class DriftReport(BaseModel):
    """New photos beside the training photos of a model.

    Of the `photos`, `unusable` have no age. `reasons` counts those that are unlike the training photos, by reason.
    """

    fingerprint: str
    data_version: str | None
    photos: int
    unusable: int
    reasons: dict[str, int]
    findings: list[Finding]

    @property
    def has_drifted(self) -> bool:
        """Whether any measure has, or too many photos have no age."""
        return bool(self.causes)

    @property
    def causes(self) -> list[str]:
        """What has changed."""
        changes = [finding.change for finding in self.findings if finding.drift]
        if self.unusable > MOST_UNUSABLE * self.photos:
            changes.append(f"{self.unusable:,} of {self.photos:,} photos have no age")
        return changes

    @property
    def verdict(self) -> str:
        """What the findings mean for the error that is stated for the model."""
        if not self.has_drifted:
            return (f"no drift: in {len(self.findings)} measures the photos are like those of the training. The errors "
                    "that the model's report states can be expected here, as far as these measures tell")
        return (f"drift: {', '.join(self.causes)}. Do not rely on the errors that the model's report states: label "
                "some of these photos, then 'realage adapt' measures the error here and corrects the model")


def report_drift(model: AgeModel, found: Iterable[tuple[Path, list[Answered] | PhotoError]]) -> DriftReport:
    """Compare photos, as `predict_stream` yields them, with the training photos of `model`.

    Raises UserError if the model does not know its training photos, or if fewer than LEAST_NEW photos have an age.
    """
    summary = model.facts.summary
    if summary is None:
        raise UserError("the model does not know its training photos: it is of an earlier release, or learnt from "
                        "fewer than 100: train it anew with 'dvc repro'")
    looks, predictions, reasons, photos = [], [], Counter[str](), 0
    for _, answered in found:
        photos += 1
        for view, answer in answered if isinstance(answered, list) else []:
            if isinstance(answer, Prediction) and view.seen:
                looks.append(view.seen)
                predictions.append(answer)
                reasons.update(answer.reasons)
    if len(looks) < LEAST_NEW:
        raise UserError(f"too few photos to compare: {len(looks)} with an age, and at least {LEAST_NEW} are needed")
    answers = {AGE: [answer.age for answer in predictions]}
    if known := [answer.familiarity for answer in predictions if answer.familiarity is not None]:
        answers[FAMILIARITY] = known
    findings = find_changes(summary, looks, answers)
    if all(finding.measure == FACES for finding in findings):
        raise UserError("the model knows too little of its training photos to compare others with them: train it anew")
    return DriftReport(
        fingerprint=model.facts.fingerprint,
        data_version=model.facts.data.get("data_version"),
        photos=photos,
        unusable=photos - len(looks),
        reasons=dict(sorted(reasons.items())),
        findings=findings,
    )
