"""`python -m stages.package`: the trained network becomes a model that answers in years, with its recipe inside."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import write_params

from realage.calibration.interval import Calibration, read_calibration
from realage.core.digests import digest_of
from realage.core.errors import UserError
from realage.inference.keras_engine import read_summary
from realage.network.backbones import ModelParams
from realage.network.contents import RECIPE_VERSION, Recipe, read_recipe
from realage.network.heads import build_head
from realage.network.learnt import LearntPhotos
from realage.network.model_file import load_model, predict_ages, save_model
from realage.network.quiet_keras import keras
from realage.photos.params import PrepareParams
from realage.photos.prepared import read_prepared, to_png, write_prepared
from stages.package import package

VERSIONS = {"data_version": "d" * 16, "val_version": "v" * 16}
PIXELS = np.random.default_rng(3).integers(0, 256, (4, 32, 32, 3)).astype("float32")


PHOTOS = 90  # in the index of those that calibrate, every third for the scale


@pytest.fixture
def project(workspace: Path, params: dict, monkeypatch: pytest.MonkeyPatch) -> dict:
    """A folder with metrics of data and a network for package to read; its params, for a test to change."""
    monkeypatch.setattr("stages.package.set_up_device", lambda *_: "a processor")
    write_photos(0)
    write_training_photos(0)
    for stage, figures in (("validate", {"data_version": VERSIONS["data_version"]}),
                           ("split", {"val_version": VERSIONS["val_version"], "val": {"n": 3}})):
        Path("metrics").mkdir(exist_ok=True)
        Path(f"metrics/{stage}.json").write_text(json.dumps(figures))
    return params


def write_training_photos(count: int, light: int = 128, eye_distance: int | None = None) -> None:
    """Write so many training photos, of one brightness, and their rows in `data/prepared.csv`."""
    index = write_photos(0).drop(columns=["person", "part"])
    for number in range(count):
        photo, contents = 2 * f"{number:08x}", to_png(np.full((32, 32, 3), light, np.uint8))
        write_prepared(Path("data/prepared"), photo, contents)
        index.loc[number] = photo, 30.0, digest_of(contents)
    index.to_csv("data/index/train.csv", index=False)
    index[["photo", "digest"]].assign(faces=1, eye_distance=eye_distance).to_csv("data/prepared.csv", index=False)


def write_photos(count: int) -> pd.DataFrame:
    """Write so many photos that calibrate, and their index, which is returned."""
    random, folder = np.random.default_rng(8), Path("data/prepared")
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(count):
        photo, contents = 2 * f"{number:016x}", to_png(random.integers(0, 256, (32, 32, 3), np.uint8))
        write_prepared(folder, photo, contents)
        part = "quantile" if number % 3 else "scale"
        rows.append((photo, float(random.integers(20, 60)), digest_of(contents), number, part))
    index = pd.DataFrame(rows, columns=["photo", "real_age", "digest", "person", "part"])
    Path("data/index").mkdir(exist_ok=True)
    index.to_csv("data/index/calibration.csv", index=False)
    index[["photo", "real_age", "digest"]].to_csv("data/index/val.csv", index=False)
    return index


def calibration() -> Calibration | None:
    return read_calibration(Path("models/age.keras"), ["age", "spread"])


def write_network(params: dict, head: str, learnt: LearntPhotos | None = None) -> keras.Model:
    params["model"] |= {"head": head, "flip_average": False}
    write_params(Path(), params)
    keras.utils.set_random_seed(4)
    pixels = keras.Input((32, 32, 3))
    features = keras.layers.GlobalAveragePooling2D(name="pooling")(keras.layers.Rescaling(1 / 255)(pixels))
    units = build_head(ModelParams(**params["model"])).units
    network = keras.Model(pixels, keras.layers.Dense(units)(features), name="network")
    model = {key: value for key, value in params["model"].items() if key != "flip_average"}
    recipe = Recipe(prepare=PrepareParams(**params["prepare"]), model=model, train=params["train"])
    save_model(network, Path("models/network.keras"), recipe, learnt)
    return network


@pytest.mark.parametrize("head", ["regression", "distribution", "ordinal"])
def test_the_model_gives_the_years_of_the_networks_head(project, head):
    network = write_network(project, head)
    package()
    ages = predict_ages(load_model(Path("models/age.keras")), PIXELS)
    years = build_head(ModelParams(**project["model"])).years(network(PIXELS))
    assert ages["age"].to_numpy() == pytest.approx(np.asarray(years).ravel(), abs=1e-3)
    assert ("spread" in ages) == (head != "regression")


def test_the_recipe_says_how_it_came_about(project):
    write_network(project, "regression")
    package()
    recipe = read_recipe(Path("models/age.keras"))
    assert (recipe.version, recipe.data, recipe.train) == (RECIPE_VERSION, VERSIONS, project["train"])
    assert recipe.model == project["model"] and recipe.prepare.model_dump() == project["prepare"]


def test_the_same_network_gives_the_same_bytes_and_another_answer_another_model(project):
    write_network(project, "regression")
    made = []
    write_photos(PHOTOS)
    for flip_average in (False, False, True):
        project["model"]["flip_average"] = flip_average
        write_params(Path(), project)
        keras.utils.clear_session()
        package()
        made.append(Path("models/age.keras").read_bytes())
    same, other = made[0] == made[1], made[0] == made[2]
    assert same and not other


@pytest.mark.parametrize("head", ["regression", "distribution", "ordinal"])
def test_the_intervals_of_the_models_own_answers_hold_the_photos_that_calibrated_them(project, head, capsys):
    index = write_photos(PHOTOS)
    write_network(project, head)
    package()
    found, model = calibration(), load_model(Path("models/age.keras"))
    photos = index[index["part"] == "quantile"]
    assert (found.coverage, found.photos, found.people) == (0.9, len(photos), len(photos))
    assert (found.scale.per_spread is None) == (head == "regression")
    pixels = np.stack([read_prepared(Path("data/prepared"), photo) for photo in photos["photo"]]).astype("float32")
    ends = found.intervals(predict_ages(model, pixels))
    inside = photos["real_age"].between(ends["age_lo"].set_axis(photos.index), ends["age_hi"].set_axis(photos.index))
    assert 0.9 <= inside.mean() < 1
    assert "no intervals" not in capsys.readouterr().out


def test_with_few_photos_the_model_has_no_intervals_and_says_so(project, capsys):
    write_photos(30)
    write_network(project, "regression")
    package()
    said = capsys.readouterr().out
    assert "no intervals: the validation photos that calibrate them show 20 people, fewer than 30" in said
    assert calibration() is None


def test_photos_of_one_person_are_too_few(project):
    write_photos(PHOTOS).assign(person=1).to_csv("data/index/calibration.csv", index=False)
    write_network(project, "regression")
    package()
    assert calibration() is None


def test_photos_that_the_model_has_learnt_from_do_not_calibrate(project):
    index = write_photos(PHOTOS)
    write_network(project, "regression", LearntPhotos.of(index["photo"][index["part"] == "quantile"][:20]))
    package()
    assert calibration().photos == PHOTOS * 2 // 3 - 20


def test_another_coverage_gives_other_intervals(project):
    write_photos(300)
    write_network(project, "regression")
    widths = []
    for coverage in (0.5, 0.9, 0.95):
        project["evaluate"]["coverage"] = coverage
        write_params(Path(), project)
        package()
        widths.append(calibration().high - calibration().low)
    assert widths == sorted(widths) and widths[0] < widths[1] < widths[2]


def test_the_model_knows_its_training_photos_if_there_are_enough(project):
    write_network(project, "regression")
    package()
    assert read_summary(Path("models/age.keras")) is None
    write_training_photos(150, light=90, eye_distance=44)
    package()
    summary = read_summary(Path("models/age.keras"))
    assert summary.photos == 150
    edges = {name: found.edges for name, found in summary.measures.items()}
    assert edges == {"brightness": (90,), "contrast": (0,), "sharpness": (0,), "face_pixels": (44,)}
    write_photos(PHOTOS * 2)
    package()
    model = load_model(Path("models/age.keras"))
    ages = read_summary(Path("models/age.keras")).measures["age"]
    assert ages.photos == PHOTOS * 2
    names = pd.read_csv("data/index/val.csv", dtype={"photo": str})["photo"]
    pixels = np.stack([read_prepared(Path("data/prepared"), name) for name in names]).astype("float32")
    assert ages.edges[0] <= predict_ages(model, pixels)["age"].median() <= ages.edges[-1]
    familiarity = np.linalg.norm(pixels.mean(axis=(1, 2)) / 255, axis=1)
    found = read_summary(Path("models/age.keras")).measures["familiarity"]
    assert found.photos == PHOTOS * 2 and found.edges[0] <= np.median(familiarity) <= found.edges[-1]


def test_answers_that_are_no_numbers_and_altered_photos_stop_the_stage(project, monkeypatch):
    write_photos(PHOTOS)
    write_network(project, "regression")
    with monkeypatch.context() as patch:
        patch.setattr("stages.package.predict_ages", lambda *_: pd.DataFrame({"age": np.full(PHOTOS, np.nan)}))
        with pytest.raises(UserError, match="it predicts ages that are NaN or infinite"):
            package()
    write_prepared(Path("data/prepared"), 2 * f"{1:016x}", to_png(np.zeros((32, 32, 3), np.uint8)))
    with pytest.raises(UserError, match="missing or damaged"):
        package()
