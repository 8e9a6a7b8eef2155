"""What has changed between the training photos and new ones, in words."""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel

from realage.drift.comparison import compare_counts
from realage.photos.likeness import AGE, FAMILIARITY, Seen, TrainingSummary

LEAST_NEW = 30  # photos; fewer show nothing
FACES = "faces"  # photos with and without a face

# Measure -> what is said of photos with lower and with higher values.
WORDS = {
    "brightness": ("darker", "brighter"),
    "contrast": ("less contrast", "more contrast"),
    "sharpness": ("blurred", "sharper or grainy"),
    "eye_distance": ("faces smaller in the frame", "faces larger in the frame"),
    "face_pixels": ("faces of fewer pixels", "faces of more pixels"),
    FACES: ("more photos without a face", "fewer photos without a face"),
    FAMILIARITY: ("less familiar to the network", "more familiar to the network"),
    AGE: ("younger people", "older people"),
}


class Finding(BaseModel):
    """The change of one measure.

    `training` and `new` are medians, or shares of photos with a face, and the shares of photos in each part of the
    distribution.
    """

    measure: str
    training: float
    new: float
    training_shares: list[float]
    new_shares: list[float]
    psi: float
    p: float
    drift: bool
    change: str


def find_changes(
    summary: TrainingSummary, looks: Sequence[Seen], answers: Mapping[str, Sequence[float]]
) -> list[Finding]:
    """Compare new photos, as they were seen and with the model's `answers`, with the training photos.

    The answers are AGE, in years, and FAMILIARITY, float (n,) each. A measure that too few photos have is left out.
    """
    table = np.array(looks, "float64").reshape(-1, len(Seen._fields))
    values = dict(zip(Seen._fields, table.T)) | {name: np.array(column, "float64") for name, column in answers.items()}
    compared = {}
    for name in summary.measures.keys() & values.keys():
        distribution = summary.measures[name]
        known = values[name][~np.isnan(values[name])]
        if len(known) >= LEAST_NEW:
            middle = _median(distribution.edges, distribution.counts), float(np.median(known))
            compared[name] = np.array(distribution.counts), distribution.count(known), *middle
    faceless = sum(not seen.has_face for seen in looks)
    with_face = [summary.photos - summary.faceless, len(table) - faceless]
    if len(table) >= LEAST_NEW:
        shares = with_face[0] / summary.photos, with_face[1] / len(table)
        compared[FACES] = np.array([summary.faceless, with_face[0]]), np.array([faceless, with_face[1]]), *shares
    return [_finding(name, *compared[name], len(compared)) for name in WORDS if name in compared]


def _finding(
    name: str, training: np.ndarray, new: np.ndarray, before: float, after: float, measures: int
) -> Finding:
    change = compare_counts(training, new)
    is_drift = change.is_drift(measures)
    return Finding(
        measure=name,
        training=round(before, 4),
        new=round(after, 4),
        training_shares=(training / training.sum()).round(4).tolist(),
        new_shares=(new / new.sum()).round(4).tolist(),
        psi=round(change.psi, 4),
        p=round(change.p, 6),
        drift=is_drift,
        change=_in_words(name, training, new) if is_drift else "",
    )


def _in_words(name: str, training: np.ndarray, new: np.ndarray) -> str:
    """Which way most photos have moved: the mean place of a new photo among the training photos, against a half."""
    below = np.concatenate([[0], np.cumsum(training)[:-1]]) / training.sum()
    middle = below + training / training.sum() / 2
    place = float((middle * new).sum() / new.sum())
    lower, higher = WORDS[name]
    if abs(place - 0.5) < 0.05:
        return f"both {lower} and {higher}"
    return lower if place < 0.5 else higher


def _median(edges: Sequence[float], counts: Sequence[int]) -> float:
    """The edge that is nearest to the median."""
    shares = np.cumsum(counts)[:-1] / sum(counts)
    return edges[int(np.argmin(np.abs(shares - 0.5)))]
