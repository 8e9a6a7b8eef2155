"""What a model sees of a photo: its faces, framed as in training, and in what each is unlike the training photos."""

from itertools import islice
from typing import NamedTuple

import numpy as np

from realage.inference.facts import Facts
from realage.photos.framing import Framed, frame_faces
from realage.photos.likeness import Seen, look_at

Box = tuple[float, float, float, float]  # left, top, width, height, in pixels of the upright photo


class View(NamedTuple):
    """A framed photo: uint8 RGB (image_size, image_size, 3).

    `size` is the width and height of the upright photo. `box` is that of its face, None without one. `faces` is the
    number of faces in the photo, None where the model does not search for faces. `seen` are measures of the view, None
    where the model does not know those of its training photos, and `reasons` are those of `TrainingSummary.reasons`.
    """

    pixels: np.ndarray
    size: tuple[int, int]
    box: Box | None
    faces: int | None
    seen: Seen | None
    reasons: tuple[str, ...]


def frame_views(pixels: np.ndarray, facts: Facts, all_faces: bool) -> list[View]:
    """Frame a photo, uint8 RGB (height, width, 3): its largest face, or `all_faces`, the largest first.

    A photo without a face is used whole, as in training. Raises UserError as `find_faces` does.
    """
    framed, size = frame_faces(pixels, facts.prepare), (pixels.shape[1], pixels.shape[0])
    return [_view(each, size, facts) for each in (framed if all_faces else islice(framed, 1))]


def _view(framed: Framed, size: tuple[int, int], facts: Facts) -> View:
    box = framed.face.box if framed.face else None
    if facts.summary is None:
        return View(framed.pixels, size, box, framed.faces, None, ())
    seen = look_at(framed.pixels, facts.prepare, framed.eye_distance)
    return View(framed.pixels, size, box, framed.faces, seen, facts.summary.reasons(seen))
