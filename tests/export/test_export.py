"""The exported ONNX file: the answers of the Keras model, the same bytes each time, and a stage that checks both."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from conftest import ENVIRONMENT, PROJECT, assert_one_line_error, call_realage, write_params
from PIL import Image
from small_network import PREPARE, intervals, light_meter, tiny_model
from tensorflow.lite.tools import flatbuffer_utils

from realage.core.errors import UserError
from realage.core.files import read_json, write_csv
from realage.export.command import export as export_file
from realage.export.convert import export_model
from realage.export.litert_file import answer_litert
from realage.inference.age_model import AgeModel
from realage.inference.facts import Facts
from realage.inference.keras_engine import KerasEngine
from realage.inference.onnx_engine import OnnxEngine
from realage.network.contents import Recipe
from realage.network.model_file import save_model
from realage.network.quiet_keras import keras
from realage.photos.likeness import Seen, summarize
from realage.photos.prepared import to_png, write_prepared
from stages.export import export

NOISE = np.random.default_rng(5).integers(0, 256, (5, 32, 32, 3), np.uint8)
PICTURES = np.concatenate([NOISE, np.zeros((1, 32, 32, 3), np.uint8), np.full((1, 32, 32, 3), 255, np.uint8)])
MODEL, EXPORTED = Path("models/age.keras"), Path("models/export/age.onnx")


@pytest.mark.parametrize("head, per_spread", [("regression", None), ("distribution", 0.5), ("ordinal", None)])
def test_it_answers_as_the_keras_model_does(workspace, head, per_spread):
    tiny_model(Path("age.keras"), head, intervals(per_spread))
    keras.utils.clear_session()  # operations get the same names again, as in another process
    export_model(Path("age.keras"), Path("age.onnx"), "float32")
    original, exported = KerasEngine(Path("age.keras")), OnnxEngine(Path("age.onnx"))
    assert exported.outputs == original.outputs >= {"age", "age_lo", "age_hi", "familiarity"}
    expected = original.answer(PICTURES)
    for name, years in exported.answer(PICTURES).items():
        assert years.dtype == np.float32 and years == pytest.approx(expected[name], abs=1e-3), name
    (alone,) = exported.answer(PICTURES[2:3])["age_hi"]
    assert alone == pytest.approx(expected["age_hi"][2], abs=1e-3)


def test_intervals_begin_at_0_years_and_follow_the_factor_of_the_age(workspace):
    light_meter(Path("age.keras"), calibration=intervals())
    export_model(Path("age.keras"), Path("age.onnx"), "float32")
    greys = np.array([0, 51, 115, 204, 255], np.uint8)  # 0, 20, 45, 80 and 100 years
    answers = OnnxEngine(Path("age.onnx")).answer(np.tile(greys[:, None, None, None], (1, 32, 32, 3)))
    ages, factors = greys / 255 * 100, np.array([1, 2, 2.5, 2, 2])
    factors[2] = np.interp(ages[2], [10, 30, 60], [1, 3, 2])
    assert answers["age"] == pytest.approx(ages, abs=1e-3)
    assert answers["age_lo"] == pytest.approx(np.maximum(ages - 2 * factors, 0), abs=1e-3)
    assert answers["age_hi"] == pytest.approx(ages + 3 * factors, abs=1e-3)


def test_a_network_trained_in_16_bits_is_exported_in_32(workspace):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        tiny_model(Path("age.keras"), "distribution")
    finally:
        keras.config.set_dtype_policy("float32")
    export_model(Path("age.keras"), Path("age.onnx"), "float32")
    weights = onnx.load("age.onnx").graph.initializer
    expected = KerasEngine(Path("age.keras")).answer(PICTURES)["age"]
    assert OnnxEngine(Path("age.onnx")).answer(PICTURES)["age"] == pytest.approx(expected, abs=1)
    assert onnx.TensorProto.BFLOAT16 not in {weight.data_type for weight in weights}


WRITE = "from pathlib import Path; from realage.export.convert import export_model; "
WRITE += "export_model(Path('age.keras'), Path('again.onnx'), 'float32')"


def test_the_same_model_gives_the_same_bytes_which_hold_no_path(workspace):
    tiny_model(Path("age.keras"), "ordinal", intervals())
    export_model(Path("age.keras"), Path("age.onnx"), "float32")
    environment = {**ENVIRONMENT, "PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", WRITE], check=True, env=environment)
    contents = Path("age.onnx").read_bytes()
    assert contents == Path("again.onnx").read_bytes()
    assert str(workspace).encode() not in contents and b"tmp" not in contents


def test_a_weight_beyond_16_bits_is_refused(workspace):
    pixels = keras.Input((32, 32, 3))
    wide = keras.layers.Dense(256, activation="relu")(keras.layers.GlobalAveragePooling2D()(pixels))
    constant = keras.initializers.Constant(1e5)
    age = keras.layers.Dense(1)(keras.layers.Dense(64, kernel_initializer=constant)(wide))
    save_model(keras.Model(pixels, {"age": age}), Path("large.keras"), Recipe(prepare=PREPARE, train={}))
    with pytest.raises(UserError, match="large.keras: a weight of it is too large for float16: export it in float32"):
        export_model(Path("large.keras"), Path("large.onnx"), "float16")
    assert not Path("large.onnx").exists()


@pytest.fixture(scope="module")
def convolved(tmp_path_factory) -> Path:
    """A model with kernels of several sizes, whose channels have weights of very different sizes."""
    path = tmp_path_factory.mktemp("convolved") / "age.keras"
    keras.utils.set_random_seed(3)
    pixels = keras.Input((32, 32, 3))
    layers = [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(128, 5, 4, activation="relu"),
        keras.layers.DepthwiseConv2D(3, activation="relu"),
        keras.layers.Conv2D(256, 1, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(256, activation="relu"),
        keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(30.0)),
    ]
    age = pixels
    for layer in layers:
        age = layer(age)
        if layer.weights:
            kernel, *rest = layer.get_weights()
            layer.set_weights([kernel * np.geomspace(0.5, 8, kernel.shape[-1]), *rest])
    model, (kernel, bias) = keras.Model(pixels, {"age": age}), layers[-1].get_weights()
    layers[-1].set_weights([kernel * 20 / np.ptp(model.predict(PICTURES, verbose=0)["age"]), bias])  # ages differ by 20
    save_model(model, path, Recipe(prepare=PREPARE, train={}))
    return path


@pytest.mark.parametrize("precision, share, closeness", [("float16", 0.55, 0.1), ("int8", 0.32, 1)])
def test_fewer_digits_take_less_space_and_change_ages_by_little(convolved, tmp_path, precision, share, closeness):
    for name in ("float32", precision):
        export_model(convolved, tmp_path / f"{name}.onnx", name)
    full, short = (OnnxEngine(tmp_path / f"{name}.onnx").answer(PICTURES)["age"] for name in ("float32", precision))
    assert 0 < np.abs(short - full).max() < closeness
    sizes = [(tmp_path / f"{name}.onnx").stat().st_size for name in (precision, "float32")]
    assert sizes[0] < share * sizes[1]


@pytest.mark.parametrize("precision, closeness", [("float32", 1e-3), ("float16", 0.1), ("int8", 5)])
def test_litert_answers_as_the_keras_model_does_and_says_what_it_says(convolved, tmp_path, precision, closeness):
    out = tmp_path / "age.tflite"
    export_model(convolved, out, precision)
    expected = KerasEngine(convolved)
    assert answer_litert(out, PICTURES)["age"] == pytest.approx(expected.answer(PICTURES)["age"], abs=closeness)
    entries = {entry.name: entry.buffer for entry in flatbuffer_utils.read_model(str(out)).metadata}
    facts = bytes(flatbuffer_utils.read_model(str(out)).buffers[entries[b"realage"]].data)
    assert Facts.model_validate_json(facts) == expected.facts
    contents = out.read_bytes()
    export_model(convolved, out, precision)
    assert out.read_bytes() == contents and str(tmp_path).encode() not in contents


def test_a_file_that_answers_otherwise_is_not_written(convolved, tmp_path):
    (tmp_path / "photos").mkdir()
    for number, picture in enumerate(PICTURES):
        Image.fromarray(picture).save(tmp_path / f"photos/{number}.png")
    options = ("export", str(convolved), "--out", "age.onnx", "--precision", "int8")
    assert_one_line_error(call_realage(tmp_path, *options), "--precision int8: changes the answers", "with --photos")
    assert_one_line_error(call_realage(tmp_path, *options, "--photos", "none"), "none: no such folder")
    options += ("--photos", "photos")
    refused = call_realage(tmp_path, *options)
    assert_one_line_error(refused, "age.onnx: not written: an answer would differ by 0.", "--tolerance")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
    (tmp_path / "photos/text.png").write_text("no photo")
    done = call_realage(tmp_path, *options, "--tolerance", "2")
    assert done.returncode == 0 and "on 7 photos of photos" in done.stdout and (tmp_path / "age.onnx").exists()
    assert done.stderr.startswith("export: passed over text.png: ") and done.stderr.count("\n") == 1


def test_a_file_has_its_name_only_once_its_answers_are_compared(convolved, workspace, monkeypatch):
    def end(*_: object) -> None:
        assert list(Path().iterdir()) == [Path(".part.age.onnx")]
        raise KeyboardInterrupt

    monkeypatch.setattr("realage.export.parity.largest_difference", end)
    with pytest.raises(KeyboardInterrupt):
        export_file(convolved, Path("age.onnx"), "float32", 0.05)
    assert list(Path().iterdir()) == []


def test_the_file_says_what_the_model_file_says(workspace):
    summary = summarize(Seen(100 + n, 50, 20, 0.4, 60) for n in range(120))
    tiny_model(Path("age.keras"), "regression", intervals(), summary=summary)
    export_model(Path("age.keras"), Path("age.onnx"), "float32")
    facts = AgeModel.load("age.onnx").facts
    assert facts == AgeModel.load("age.keras").facts
    assert facts.summary == summary and facts.coverage == 0.9 and facts.prepare == PREPARE


@pytest.fixture
def project(workspace, params) -> pd.DataFrame:
    """A packaged model, prepared photos, and the table of its answers for them, which is returned."""
    write_params(Path(), params)
    tiny_model(MODEL, "regression", intervals())
    answers = KerasEngine(MODEL).answer(PICTURES)
    for number, pixels in enumerate(PICTURES):
        Path("data/prepared").mkdir(parents=True, exist_ok=True)
        write_prepared(Path("data/prepared"), f"{number:032x}", to_png(pixels))
    names = [f"{number:032x}" for number in range(len(PICTURES))]
    predictions = pd.DataFrame({
        "file_name": "a.png", "photo": names, "real_age": 30.0, "split": "val", "predicted_age": answers["age"],
        "predicted_lo": answers["age_lo"], "predicted_hi": answers["age_hi"],
    })  # fmt: skip
    write_csv(Path("data/predictions.csv"), predictions)
    return predictions


def test_the_stage_writes_the_file_and_how_close_its_answers_are(project, capsys):
    export()
    metrics = read_json(Path("metrics/export.json"))
    assert metrics["photos"] == len(PICTURES) and metrics["bytes"] == EXPORTED.stat().st_size
    assert metrics["largest_difference"] < 0.01 and abs(metrics["mae_change"]) < 0.01
    assert f"on {len(PICTURES)} held-out photos within" in capsys.readouterr().out


@pytest.mark.parametrize("column", ["predicted_age", "predicted_lo", "predicted_hi"])
def test_the_stage_fails_if_an_answer_is_not_the_evaluated_one(project, column):
    project.loc[3, column] += 0.1
    write_csv(Path("data/predictions.csv"), project)
    with pytest.raises(UserError, match=r"age.onnx: an answer differs by 0\.1\d* years .* more than export.tolerance"):
        export()
    assert not Path("metrics/export.json").exists() and not EXPORTED.exists()


def test_the_tolerance_is_a_param(project, params):
    project.loc[3, "predicted_age"] += 0.1
    write_csv(Path("data/predictions.csv"), project)
    params["export"]["tolerance"] = 0.2
    write_params(Path(), params)
    export()
    assert read_json(Path("metrics/export.json"))["largest_difference"] == pytest.approx(0.1, abs=0.01)


def test_any_model_file_can_be_exported_from_the_command_line(workspace):
    tiny_model(Path("age.keras"), "regression")
    done = call_realage(Path(), "export", "age.keras", "--out", "age.onnx")
    assert done.returncode == 0 and "age.onnx: 0.0 MB, within" in done.stdout and done.stderr == ""
    assert "of age.keras on 8 pictures of noise" in done.stdout
    assert AgeModel.load("age.onnx").outputs == {"age"}
    before = Path("age.onnx").read_bytes()
    assert_one_line_error(call_realage(Path(), "export", "age.keras", "--out", "age.onnx"), "age.onnx: exists already")
    assert_one_line_error(call_realage(Path(), "export", "age.keras", "--out", "age.tfl"), "ends in .onnx, or .tflite")
    phone = call_realage(Path(), "export", "age.keras", "--out", "age.tflite")
    assert phone.returncode == 0 and "age.tflite: 0.0 MB, within" in phone.stdout and phone.stderr == ""
    Path("other.keras").write_bytes(before)
    assert_one_line_error(call_realage(Path(), "export", "other.keras", "--out", "b.onnx"), "other.keras: not a model")
    assert Path("age.onnx").read_bytes() == before and not Path("b.onnx").exists()
