"""`realage adapt`: portraits of the sample as another camera takes them, and as the model knows them."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import (
    PORTRAITS,
    assert_one_line_error,
    call_realage,
    made_once,
    recipe,
    run_realage,
    small_params,
    write_params,
    write_photo,
)
from PIL import Image, ImageEnhance, ImageFilter
from test_predict import tiny_model

from realage.adaptation.command import adapt
from realage.adaptation.head import Features
from realage.adaptation.source import read_source
from realage.calibration.interval import Calibration, Scale, read_calibration
from realage.core.errors import UserError
from realage.inference.age_model import AgeModel
from realage.labels.params import ValidateParams
from realage.network.backbones import ModelParams
from realage.network.contents import Recipe, read_learnt, read_recipe
from realage.network.heads import build_head
from realage.network.learnt import LearntPhotos
from realage.network.model import build_predictor
from realage.network.model_file import load_model, save_model
from realage.network.quiet_keras import keras
from realage.photos.decode import PhotoError, load_photo
from realage.photos.framing import fit_square
from realage.photos.params import PrepareParams
from realage.predict import predict_photos
from realage.splits.people import people_apart

PREPARE = PrepareParams(image_size=32, crop="none", margin=0.0, fit="pad")
LEARNT = 400  # the model has learnt from the first of the portraits


@pytest.fixture(scope="session")
def cameras(portraits, tmp_path_factory) -> Path:
    """A folder with params, a model of the first portraits, and the others in `known` and, disturbed, in `new`."""
    return made_once(tmp_path_factory, "cameras", lambda folder: make_cameras(folder, portraits))


def make_cameras(folder: Path, portraits: Path) -> None:
    folder.mkdir(parents=True)
    write_params(folder, small_params())
    rows = pd.read_csv(portraits / "labels.csv", dtype=str)
    sound = rows[rows["real_age"].str.fullmatch(r"\d+\.\d", na=False) & ~rows["file_name"].duplicated(keep=False)]
    sound = sound[sound["file_name"] < f"{PORTRAITS.photos:06d}"]  # no copies
    sound = sound[[is_sound(portraits / "final_files" / name) for name in sound["file_name"]]]
    learnt = sound["file_name"] < f"{LEARNT:06d}"
    make_model(folder, portraits, sound[learnt])
    for camera, disturb in {"known": lambda image: image, "new": disturbed}.items():
        (folder / camera).mkdir()
        sound[~learnt].to_csv(folder / f"{camera}.csv", index=False)
        for name in sound.loc[~learnt, "file_name"]:
            disturb(Image.open(portraits / "final_files" / name)).save(folder / camera / name, quality=90)


def is_sound(photo: Path) -> bool:
    try:
        return min(load_photo(photo).shape[:2]) > 32
    except PhotoError:
        return False


def disturbed(image: Image.Image) -> Image.Image:
    """Grey, blurred and brighter."""
    blurred = image.convert("L").convert("RGB").filter(ImageFilter.GaussianBlur(1.5))
    return ImageEnhance.Brightness(blurred).enhance(1.25)


def make_model(folder: Path, portraits: Path, rows: pd.DataFrame) -> None:
    """A linear model of the colours in 16 parts of the photo, by ridge regression."""
    photos = [fit_square(load_photo(portraits / "final_files" / name), PREPARE) for name in rows["file_name"]]
    pixels, real = np.stack(photos).astype("float32"), rows["real_age"].astype(float).to_numpy()
    inputs = keras.Input((32, 32, 3), name="pixels")
    parts = keras.layers.AveragePooling2D(8)(keras.layers.Rescaling(1 / 255)(inputs))
    features = keras.layers.Flatten()(parts)
    last = keras.layers.Dense(1, name="outputs")
    network = keras.Model(inputs, last(features), name="network")
    seen = keras.Model(inputs, features).predict(pixels, verbose=0).astype("float64")
    centred = seen - seen.mean(axis=0)
    slopes = np.linalg.solve(centred.T @ centred + 0.1 * np.eye(48), centred.T @ (real - real.mean()))
    last.set_weights([slopes[:, None], np.array([real.mean() - seen.mean(axis=0) @ slopes])])
    params = small_params()["model"] | {"head": "regression", "output": "linear"}
    model = build_predictor(network, build_head(ModelParams(**params)), flip_average=True)
    learnt = LearntPhotos.of([f"{number:016x}{0:016x}" for number in range(LEARNT)])
    scale = Scale(base=1.0, per_spread=None, ages=[0], factors=[1.0])
    calibration = Calibration(coverage=0.9, low=-9, high=9, scale=scale, photos=60, people=60).to_json()
    save_model(model, folder / "age.keras", Recipe(prepare=PREPARE, train=recipe().model_dump()), learnt, calibration)


def adapt_in(
    folder: Path, cameras: Path, camera: str, rows: pd.DataFrame, out="adapted.keras", run: Callable = run_realage
) -> subprocess.CompletedProcess:
    """Run the command in `folder`, with the model and the photos in `cameras` and labels of some of them."""
    rows.to_csv(folder / "labels.csv", index=False)
    write_params(folder, small_params())
    labels, images = ("--labels", "labels.csv"), ("--images", str(cameras / camera))
    return run(folder, "adapt", str(cameras / "age.keras"), *labels, *images, "--out", out)


def predicted(model: Path, photos: list[Path]) -> np.ndarray:
    return np.array([row["age"] for (row,) in predict_photos(AgeModel.load(model), photos)])


def test_a_new_camera_is_mended_also_on_photos_that_were_not_labelled(cameras, tmp_path):
    rows = pd.read_csv(cameras / "new.csv", dtype=str)
    labelled, others = rows.iloc[:90], rows.iloc[90:]
    missing = pd.DataFrame({"file_name": ["gone.jpg"], "real_age": ["30"]})
    done = adapt_in(tmp_path, cameras, "new", pd.concat([labelled, missing]))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("adapt: rejected: gone.jpg: missing_photo: ") and "adapted.keras" in done.stdout

    assert "it gives no intervals" in done.stdout
    assert read_calibration(cameras / "age.keras", ["age"])
    assert read_calibration(tmp_path / "adapted.keras", ["age"]) is None

    real, photos = others["real_age"].astype(float).to_numpy(), [cameras / "new" / name for name in others["file_name"]]
    before = predicted(cameras / "age.keras", photos)
    after = predicted(tmp_path / "adapted.keras", photos)
    assert np.abs(after - real).mean() < np.abs(before - real).mean() - 2
    assert isinstance(keras.models.load_model(tmp_path / "adapted.keras"), keras.Model)

    old, new = read_recipe(cameras / "age.keras"), read_recipe(tmp_path / "adapted.keras")
    assert new.model_copy(update={"adaptation": {}}) == old
    assert len(read_learnt(tmp_path / "adapted.keras")) == len(read_learnt(cameras / "age.keras")) + 90
    origin = new.adaptation
    assert origin["model_md5"] == hashlib.md5((cameras / "age.keras").read_bytes()).hexdigest()
    assert origin["photos"] == 90 and origin["difference_ci95_hi"] < 0
    assert origin["difference"] == pytest.approx(origin["mae_after"] - origin["mae_before"], abs=1e-3)

    again = adapt_in(tmp_path, cameras, "new", labelled.iloc[::-1], out="again.keras")
    assert again.returncode == 0, again.stderr
    same = (tmp_path / "again.keras").read_bytes() == (tmp_path / "adapted.keras").read_bytes()
    assert same  # a comparison of megabytes would fill the screen


def test_a_camera_that_the_model_knows_is_refused(cameras, tmp_path):
    done = adapt_in(tmp_path, cameras, "known", pd.read_csv(cameras / "known.csv", dtype=str))
    assert_one_line_error(done, "no correction lowers its error", "95% interval", "nothing is written")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.csv", "params.yaml"]


def test_too_few_photos_or_people_are_refused_with_their_number(cameras, tmp_path):
    rows = pd.read_csv(cameras / "new.csv", dtype=str)
    done = adapt_in(tmp_path, cameras, "new", rows.head(49), run=call_realage)
    assert_one_line_error(done, "labels.csv: 49 usable photos", "50")
    people = rows.head(60).assign(subject=[f"person {number % 20}" for number in range(60)])
    done = adapt_in(tmp_path, cameras, "new", people, run=call_realage)
    assert_one_line_error(done, "60 photos count as", "people, fewer than 30")
    assert not (tmp_path / "adapted.keras").exists()


@pytest.fixture
def arguments(workspace) -> dict[str, Path]:
    """Arguments that pass the first checks, in the current folder."""
    write_params(workspace, small_params())
    Path("labels.csv").write_text("file_name,real_age\na.png,30\n")
    write_photo(Path("photos/a.png"), seed=1)
    tiny_model(Path("age.keras"), "regression")
    return {"model_file": Path("age.keras"), "labels": Path("labels.csv"), "images": Path("photos"),
            "out": Path("new.keras")}  # fmt: skip


@pytest.mark.parametrize(
    ("argument", "path", "words"),
    [
        ("out", "age.keras", "age.keras: exists already"),
        ("out", "new.h5", "new.h5: .*keras"),
        ("labels", "none.csv", "none.csv: no such label file"),
        ("images", "none", "none: no such folder"),
        ("model_file", "none.keras", "none.keras: no such file"),
    ],
)
def test_a_wrong_argument_is_named(arguments, argument, path, words):
    with pytest.raises(UserError, match=words):
        adapt(**arguments | {argument: Path(path)})
    assert not Path("new.keras").exists()


def test_an_adapted_model_is_not_adapted_again(arguments):
    model = load_model(Path("age.keras"))
    recipe = read_recipe(Path("age.keras")).model_copy(update={"adaptation": {"method": "shift"}})
    save_model(model, Path("adapted.keras"), recipe)
    with pytest.raises(UserError, match="adapted.keras: it is an adapted model"):
        adapt(**arguments | {"model_file": Path("adapted.keras")})


def test_a_model_with_other_layers_has_no_features():
    pixels = keras.Input((32, 32, 3))
    model = keras.Model(pixels, {"age": keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(pixels))})
    with pytest.raises(ValueError, match="its layers are not those"):
        Features.of(model, np.zeros((1, 32, 32, 3), "uint8"))


def test_photos_are_read_by_the_rules_of_validate(workspace, capsys):
    rules = ValidateParams(min_age=0, max_age=100, min_pixels=32, on_reject="quarantine", max_rejected=0.7)
    for seed, name in enumerate(("a.png", "b.png", "unlabelled.png")):
        write_photo(Path("photos") / name, seed)
    write_photo(Path("elsewhere.png"), seed=9)
    Path("photos/link.png").symlink_to(Path("elsewhere.png").absolute())
    Path("photos/text.png").write_text("no photo")
    ages = {"a.png": "30", "b.png": "260", "link.png": "30", "text.png": "30"}
    pd.DataFrame(ages.items(), columns=["file_name", "real_age"]).to_csv("labels.csv", index=False)
    with pytest.raises(UserError, match="75.0% of rows"):
        read_source(Path("labels.csv"), Path("photos"), PREPARE, rules)
    said = capsys.readouterr().err
    rejected = {"b.png": "out_of_range", "link.png": "unsafe_path", "text.png": "unreadable_photo"}
    assert all(f"adapt: rejected: {name}: {rule}: " in said for name, rule in rejected.items())
    assert "unlabelled" not in said
    source = read_source(Path("labels.csv"), Path("photos"), PREPARE, rules.model_copy(update={"max_rejected": 0.8}))
    assert list(source.rows["file_name"]) == ["a.png"] and source.pixels.shape == (1, 32, 32, 3)


def test_a_chain_of_subjects_and_near_duplicates_is_one_person():
    """The first and second photo show anna, the second is a copy of the third; nobody knows who is in the others."""
    hashes = [np.random.default_rng(seed).bytes(32).hex() for seed in range(4)]
    rows = pd.DataFrame({
        "photo": list("abcde"),
        "perceptual_hash": [hashes[0], hashes[1], hashes[1], hashes[2], hashes[3]],
        "subject": ["anna", "anna", "", "unknown", "unknown"],
    })  # fmt: skip
    who = people_apart(rows)
    assert who[0] == who[1] == who[2] and len(set(who)) == 3
