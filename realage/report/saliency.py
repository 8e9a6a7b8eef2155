"""The maps of saliency in words and over their photos: which region of a photo its predicted age comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pandas as pd

from realage.core.columns import PREDICTED_AGE, REAL_AGE
from realage.evaluation.saliency import CELLS, contrast, read_maps, share_inside
from realage.photos.faces import find_faces

PLACES = (("upper left", "top", "upper right"), ("left", "middle", "right"), ("lower left", "bottom", "lower right"))
TINT = np.array([213, 94, 0])  # RGB; `.ramp` of page.css has it too
STRONGEST = 0.8  # opacity of the tint where the age moves most


@dataclass(frozen=True)
class Example:
    """One photo. `moved` is the most that its age moves, in years, and `place` where; None if it never moves.

    `in_face` is the share of its saliency in the detected face, and `face` the share of the photo that the face fills;
    None if no face was found.
    """

    kind: str
    real_age: float
    predicted_age: float
    moved: float
    place: str | None
    in_face: float | None
    face: float | None


def describe_saliency(table: pd.DataFrame, photos: Sequence[np.ndarray]) -> dict[str, Any]:
    """The facts of the page on `table`, `data/saliency.csv`, whose photos are uint8 RGB (size, size, 3).

    `examples`, one for each row; `contrast`, how many times as much ages depend on a pixel of the detected face as on
    another one, or None; `with_face`, the number of photos with a face.
    """
    maps, regions = read_maps(table), [_detected(photo) for photo in photos]
    found = [region is not None for region in regions]
    return {
        "examples": [_describe(row, saliency, region)
                     for row, saliency, region in zip(table.to_dict("records"), maps, regions)],
        "contrast": contrast(list(maps[found]), [region for region in regions if region is not None]),
        "with_face": sum(found),
    }


def tint(pixels: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """A photo in grey with its map over it, uint8 RGB (size, size, 3): full colour where its age moves most."""
    most = saliency.max()
    grey = pixels.mean(axis=2, keepdims=True)
    smooth = cv2.resize(saliency, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
    opacity = STRONGEST * smooth / most if most else np.zeros_like(grey)
    return np.round(grey + opacity * (TINT - grey)).astype(np.uint8)


def _detected(pixels: np.ndarray) -> np.ndarray | None:
    """The box of the largest face that is found in a photo: bool (size, size); None if there is none."""
    faces = find_faces(pixels)
    if not faces:
        return None
    left, top, width, height = faces[0].box
    rows, columns = np.mgrid[:pixels.shape[0], :pixels.shape[1]] + 0.5
    return (left <= columns) & (columns < left + width) & (top <= rows) & (rows < top + height)


def _describe(row: dict[str, Any], saliency: np.ndarray, region: np.ndarray | None) -> Example:
    peak = np.unravel_index(saliency.argmax(), saliency.shape)
    vertical, horizontal = ((2 * int(cell) + 1) * 3 // (2 * CELLS) for cell in peak)
    return Example(
        row["kind"], row[REAL_AGE], row[PREDICTED_AGE], float(saliency.max()),
        PLACES[vertical][horizontal] if saliency.any() else None,
        None if region is None else share_inside(saliency, region),
        None if region is None else float(region.mean()),
    )
