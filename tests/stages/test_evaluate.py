"""`python -m stages.evaluate` on a model whose answers follow from the photo by simple arithmetic."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from conftest import write_params

from realage.core.digests import digest_of
from realage.core.errors import UserError
from realage.core.files import read_json, read_listing
from realage.network.contents import Recipe
from realage.network.model_file import save_model
from realage.network.quiet_keras import keras
from realage.photos.params import PrepareParams
from realage.photos.prepared import to_png, write_prepared
from stages import evaluate

GREYS = range(20, 160, 4)  # one validation photo of each: values that brightness +40% leaves below 255


@pytest.fixture
def project(workspace: Path, params: dict, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Evenly grey photos, and a model whose age is the mean grey: 255 is 100 years. Labels are 2 years above it."""
    monkeypatch.setattr(evaluate, "set_up_device", Mock())
    rows = []
    for value in GREYS:
        photo, contents = f"{value:064x}", to_png(np.full((32, 32, 3), value, np.uint8))
        Path("data/prepared").mkdir(parents=True, exist_ok=True)
        write_prepared(Path("data/prepared"), photo, contents)
        rows.append({"file_name": f"={value}.png", "real_age": value / 255 * 100 + 2, "photo": photo, "split": "val",
                     "digest": digest_of(contents)})
    held_out = pd.DataFrame(rows)
    for split, index in (("val", held_out), ("test", held_out.head(0)), ("calibration", held_out.head(0))):
        Path("data/index").mkdir(exist_ok=True)
        index[["photo", "real_age", "digest"]].to_csv(f"data/index/{split}.csv", index=False)
    training = held_out.head(1).assign(photo="f" * 64, split="train")
    Path("data/labels").mkdir()
    labelled = pd.concat([held_out, training])
    labelled.drop(columns="digest").to_csv("data/labels/splits.csv", index=False)
    labelled[["photo", "digest"]].assign(faces=0, eye_distance=None).to_csv("data/prepared.csv", index=False)

    pixels = keras.Input((32, 32, 3))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(100 / 255)(pixels))
    third = keras.initializers.Constant(1 / 3)
    age = keras.layers.Dense(1, use_bias=False, kernel_initializer=third)(mean)
    recipe = Recipe(prepare=PrepareParams(**params["prepare"]), train=params["train"])
    save_model(keras.Model(pixels, {"age": age}), Path("models/age.keras"), recipe)
    return params


def evaluated(params: dict, photos: int) -> tuple[dict, pd.DataFrame]:
    """The metrics and the list of changes, with so many photos changed."""
    params["evaluate"]["repeatability_photos"] = photos
    write_params(Path(), params)
    evaluate.evaluate()
    return read_json(Path("metrics/evaluate.json")), read_listing(Path("data/repeatability.csv"))


def test_changes_of_the_ages_are_those_of_the_arithmetic(project):
    metrics, listed = evaluated(project, 32)
    changes = 0.4 * np.array(GREYS[:32]) / 255 * 100  # the darkest have the lowest hashes
    by_name = {row["disturbance"]: row for row in metrics["by_synthetic_disturbance"]["val"]}
    for steady in ("half resolution", "blur", "JPEG quality 40", "grey"):
        assert by_name[steady]["change_mean"] == pytest.approx(0, abs=0.4)  # JPEG rounds greys
    brighter, darker = by_name["brightness +40%"], by_name["brightness -40%"]
    for found in (brighter, darker):
        assert found["n"] == 32 and found["change_mean"] == pytest.approx(changes.mean(), abs=0.1)
        assert found["change_p95"] == pytest.approx(np.quantile(changes, 0.95), abs=0.2)
        assert found["change_mean_ci95_lo"] < changes.mean() < found["change_mean_ci95_hi"]
    assert darker["mae_change"] == pytest.approx(changes.mean(), abs=0.1)
    assert brighter["mae_change"] == pytest.approx(np.mean(np.abs(changes - 2) - 2), abs=0.1)

    overall = metrics["val"]["synthetic_repeatability"]
    for key in ("change_mean", "mae_change"):
        assert overall[key] == pytest.approx(np.mean([row[key] for row in by_name.values()]), abs=1e-5)
    assert listed["file_name"][0] == "=144.png" and listed["photo"][0] == f"{144:064x}" and len(listed) == 32
    assert listed["disturbance"][0].startswith("brightness") and abs(float(listed["change"][0])) > 22


def test_turned_off_it_changes_no_other_figure(project):
    metrics, listed = evaluated(project, 100)
    assert metrics["val"]["synthetic_repeatability"]["n"] == metrics["val"]["n"] == len(GREYS)
    without, empty = evaluated(project, 0)
    del metrics["val"]["synthetic_repeatability"], metrics["by_synthetic_disturbance"]
    assert without == metrics and empty.empty and list(empty) == list(listed)


@pytest.mark.parametrize("answer", [np.nan, np.inf])
def test_predictions_that_are_no_numbers_are_an_error(monkeypatch, answer):
    for name in ("require_indexed", "PhotoDataset"):
        monkeypatch.setattr(evaluate, name, Mock())
    monkeypatch.setattr(evaluate, "read_index", lambda _: pd.DataFrame())
    monkeypatch.setattr(evaluate, "predict_ages", lambda model, photos: pd.DataFrame({"age": [40.0, answer]}))
    rows = pd.DataFrame({"photo": ["a", "b"], "real_age": [41.0, 42.0]})
    with pytest.raises(UserError, match="models/age.keras: it predicts ages that are NaN or infinite"):
        evaluate._predict(Mock(), rows, batch_size=1)


def test_an_age_that_is_no_number_after_a_change_is_an_error(monkeypatch):
    monkeypatch.setattr(evaluate, "read_prepared", lambda *_: np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setattr(evaluate, "predict_ages", lambda model, photos: pd.DataFrame({"age": [40.0] * 6 + [np.nan]}))
    with pytest.raises(UserError, match="models/age.keras: it predicts ages that are NaN or infinite"):
        evaluate._predict_changed(Mock(), pd.DataFrame({"photo": ["a"]}))
