"""`realage predict`: ages for photos and folders, and a reason for each photo without one."""

import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import assert_one_line_error, change, run_realage, write_photo
from matplotlib import get_data_path
from PIL import Image
from small_network import PREPARE, light_meter, tiny_model

from realage.calibration.interval import Calibration, Scale
from realage.core.errors import UserError
from realage.core.paths import EXPORTED, MODEL
from realage.export.convert import export_model
from realage.inference.age_model import AgeModel
from realage.inference.gate import Gate
from realage.network.contents import Recipe
from realage.network.model_file import load_model, predict_ages, save_model
from realage.network.quiet_keras import keras
from realage.photos.decode import load_photo
from realage.photos.framing import fit_square
from realage.photos.likeness import Seen, summarize
from realage.predict import Request, predict
from stages.evaluate import evaluate
from stages.package import package


@pytest.fixture
def photos(pipeline) -> list[str]:
    """Held-out photos of the small run, by name."""
    return list(pd.read_csv(pipeline / "data/predictions.csv")["file_name"])


def test_predicts_what_evaluation_predicted_and_names_a_bad_photo(pipeline, photos, tmp_path):
    expected = pd.read_csv(pipeline / "data/predictions.csv").set_index("file_name")["predicted_age"]
    (tmp_path / "bad.jpg").write_text("no photo")
    paths = [*(f"data/sample/final_files/{name}" for name in photos[:5]), str(tmp_path / "bad.jpg")]
    done = run_realage(pipeline, "predict", *paths, "--format", "json")
    assert_one_line_error(done, "1 of 6 photos")
    *rows, bad = json.loads(done.stdout)
    assert [row["photo"] for row in rows] == paths[:5] and bad["age"] is None and bad["error"]
    assert [row["age"] for row in rows] == pytest.approx(expected[photos[:5]].tolist(), abs=0.06)


def test_a_folder_as_csv_and_one_photo_as_table(pipeline, photos, workspace, capsys):
    for name in photos[:3]:
        shutil.copy(pipeline / "data/sample/final_files" / name, workspace)
    model = pipeline / "models/age.keras"
    predict([Path(".")], model, "csv")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "photo,age,error" and [line.split(",")[0] for line in lines[1:]] == sorted(photos[:3])
    predict([Path(photos[0])], model)
    said = capsys.readouterr()
    assert photos[0] in said.out and said.err == ""


def test_what_is_not_there_is_named(pipeline, tmp_path):
    assert_one_line_error(run_realage(pipeline, "predict", "nowhere.jpg"), "nowhere.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no photos"):
        predict([tmp_path / "empty"], pipeline / "models/age.keras")
    (tmp_path / "a.jpg").touch()
    with pytest.raises(UserError, match="age.keras.*dvc repro"):
        predict([tmp_path / "a.jpg"], Path("nowhere/age.keras"))


@pytest.fixture
def good_and_bad(workspace) -> list[str]:
    """Two photos with one between that is none, in the current folder."""
    for name, seed in (("a.png", 1), ("c.png", 2)):
        write_photo(Path(name), seed)
    Path("b.png").write_text("no photo")
    return ["a.png", "b.png", "c.png"]


def printed(capsys, model: str, style: str, photos: list[str]) -> str:
    arguments = [Path(photo) for photo in photos], Path(model), style
    if "b.png" in photos:
        with pytest.raises(UserError, match=f"1 of {len(photos)} photos have no age"):
            predict(*arguments)
    else:
        predict(*arguments)
    return capsys.readouterr().out


@pytest.mark.parametrize("style", ["table", "csv", "json", "jsonl"])
def test_names_in_a_folder_may_be_of_another_encoding(workspace, capsys, style):
    light_meter(Path("age.keras"))
    folder = os.fsencode(workspace) + b"/caf\xe9"
    os.mkdir(folder)
    for name in (b"/\xff.png", b"/a\nb.png"):
        Image.new("RGB", (40, 40), (51, 51, 51)).save(os.fsdecode(folder + name))
    predict([os.fsdecode(folder)], Path("age.keras"), style)
    shown = capsys.readouterr().out
    assert r"\udce9/\udcff.png" in shown and r"a\nb.png" in shown and shown.count("20.0") == 2


def test_no_file_name_writes_to_the_terminal_or_is_a_formula(workspace, capsys):
    tiny_model(Path("age.keras"), "regression")
    names = ["\x1b[31mred.png", "\u202egnp.a.png", "=1+1.png", "-1.png", "Screenshot 9.41\u202fAM.png"]
    for seed, name in enumerate(names):
        write_photo(Path(name), seed)
    shown = ["\\x1b[31mred.png", "\\u202egnp.a.png", "=1+1.png", "-1.png", "Screenshot 9.41\u202fAM.png"]
    table = printed(capsys, "age.keras", "table", names).splitlines()[1:]
    assert [line.strip().rpartition(".png")[0] + ".png" for line in table] == shown
    rows = pd.read_csv(io.StringIO(printed(capsys, "age.keras", "csv", names)))
    assert list(rows["photo"]) == [*shown[:2], "'=1+1.png", "'-1.png", shown[4]]
    assert rows["age"].dtype == "float64"
    assert [row["photo"] for row in json.loads(printed(capsys, "age.keras", "json", names))] == names


@pytest.mark.parametrize("name", ["distribution", "ordinal"])
def test_a_head_with_a_spread_says_it_beside_the_age(good_and_bad, capsys, name):
    tiny_model(Path("age.keras"), name)
    pixels = np.stack([fit_square(load_photo(Path(photo)), PREPARE) for photo in ("a.png", "c.png")])
    expected = predict_ages(load_model(Path("age.keras")), pixels.astype("float32"))
    assert expected["spread"].min() > 0.1

    first, bad, last = json.loads(printed(capsys, "age.keras", "json", good_and_bad))
    assert list(first) == ["photo", "age", "spread", "error"]
    assert bad["photo"] == "b.png" and bad["age"] is None and bad["spread"] is None and bad["error"]
    for row, photo, age, spread in zip((first, last), ("a.png", "c.png"), expected["age"], expected["spread"]):
        assert row == {"photo": photo, "age": round(age, 1), "spread": round(spread, 1), "error": ""}

    header, first_line, bad_line, _ = printed(capsys, "age.keras", "csv", good_and_bad).splitlines()
    assert header == "photo,age,spread,error" and bad_line.startswith("b.png,,,")
    assert first_line == f"a.png,{first['age']},{first['spread']},"
    table = printed(capsys, "age.keras", "table", good_and_bad).splitlines()
    assert table[0].split() == ["photo", "age", "spread", "error"]
    assert table[1].split() == ["a.png", str(first["age"]), str(first["spread"])] and "NaN" not in "".join(table)


@pytest.mark.parametrize("name, per_spread", [("regression", None), ("distribution", 0.5)])
def test_a_calibrated_model_gives_the_interval_of_each_age(good_and_bad, capsys, name, per_spread):
    scale = Scale(base=1.0, per_spread=per_spread, ages=[0, 100], factors=[1.0, 2.0])
    tiny_model(Path("age.keras"), name, Calibration(coverage=0.9, low=-2, high=3, scale=scale, photos=60, people=60))
    rows = json.loads(printed(capsys, "age.keras", "json", good_and_bad))
    spread = ["spread"] if per_spread else []
    assert [list(row) for row in rows] == [["photo", "age", "age_lo", "age_hi", *spread, "error"]] * 3
    assert rows[1]["age_lo"] is None and rows[1]["age_hi"] is None and rows[1]["error"]
    for row in (rows[0], rows[2]):
        expected = (1 + (per_spread or 0) * row.get("spread", 0)) * (1 + row["age"] / 100)
        assert row["age_lo"] == pytest.approx(max(row["age"] - 2 * expected, 0), abs=0.4)
        assert row["age_hi"] == pytest.approx(row["age"] + 3 * expected, abs=0.4)
    header = printed(capsys, "age.keras", "csv", ["a.png"]).splitlines()[0]
    assert header == ",".join(["photo", "age", "age_lo", "age_hi", *spread, "error"])


def test_a_calibration_that_was_tampered_with_is_one_line(good_and_bad):
    tiny_model(Path("age.keras"), "regression")
    with zipfile.ZipFile("age.keras", "a") as archive:
        archive.writestr("calibration.json", '{"coverage": 2}')
    with pytest.raises(UserError, match="age.keras: not a model that this project trained: calibration.json in it"):
        predict([Path("a.png")], Path("age.keras"))


def test_the_interval_is_the_one_of_the_table_of_predictions(clone, monkeypatch, capsys):
    """Stages package and evaluate of a small run, where few people are enough."""
    monkeypatch.chdir(clone)
    monkeypatch.setattr("realage.calibration.fit.MIN_PEOPLE", 4)
    for stage in ("package", "evaluate"):
        monkeypatch.setattr(f"stages.{stage}.set_up_device", lambda *_: "a processor")
    change(clone, "evaluate", coverage=0.5)
    package()
    evaluate()
    table = pd.read_csv("data/predictions.csv")
    calibrating = set(pd.read_csv("data/index/calibration.csv")["photo"])
    assert set(table.loc[table["interval_part"] == "calibrating", "photo"]) == calibrating
    assert set(table.loc[table["split"] == "test", "interval_part"]) == {"judging"}
    shown = table.head(5)
    capsys.readouterr()
    predict([Path("data/sample/final_files", name) for name in shown["file_name"]], Path("models/age.keras"), "json")
    rows = json.loads(capsys.readouterr().out)
    for column, end in (("predicted_lo", "age_lo"), ("predicted_hi", "age_hi")):
        assert [row[end] for row in rows] == pytest.approx(shown[column].tolist(), abs=0.06)
    scores = json.loads(Path("metrics/evaluate.json").read_text())
    judged = table[(table["split"] == "val") & (table["interval_part"] == "judging")]
    inside = judged["real_age"].between(judged["predicted_lo"], judged["predicted_hi"])
    assert scores["val"]["coverage"] == pytest.approx(inside.mean()) and scores["val"]["coverage_n"] == len(judged)
    assert scores["calibration"]["coverage"] == 0.5
    assert sum(row.get("coverage_n", 0) for row in scores["by_decade"]["val"]) == len(judged)
    assert "predicted_lo" in pd.read_csv("plots/evaluate/predicted.csv")


def test_a_folder_says_how_many_files_it_passed_over_and_names_what_is_not_read(good_and_bad, capsys):
    tiny_model(Path("age.keras"), "regression")
    Path("sub").mkdir()
    for name in ("labels.csv", "Thumbs.db", ".DS_Store"):
        Path("sub", name).touch()
    Path("sub/d.heic").write_bytes(b"\0\0\0\x18ftypheic")
    write_photo(Path("sub/scan.jpg"), 1)
    Path("sub/scan.jpg").rename("sub/scan")
    with pytest.raises(UserError, match="1 of 2 photos have no age"):
        predict([Path("sub")], Path("age.keras"), "json")
    said = capsys.readouterr()
    assert said.err.splitlines()[0] == "sub: passed over 1 file that is no photo: labels.csv"
    heic, scan = json.loads(said.out)
    assert heic["error"] == "HEIC is not read: convert it to JPEG" and scan["photo"] == "sub/scan" and scan["age"]


def test_a_folder_of_other_files_alone_has_no_photos(workspace, capsys):
    Path("notes.txt").touch()
    with pytest.raises(UserError, match="no photos in this folder"):
        predict([Path(".")], Path("age.keras"))
    assert "passed over 1 file" in capsys.readouterr().err


def test_the_regression_has_no_column_of_spreads(good_and_bad, capsys):
    tiny_model(Path("age.keras"), "regression")
    rows = json.loads(printed(capsys, "age.keras", "json", good_and_bad))
    assert [list(row) for row in rows] == [["photo", "age", "error"]] * 3
    assert [row["age"] is None for row in rows] == [False, True, False]


@pytest.mark.parametrize("answer", [np.nan, np.inf, -np.inf, -0.3, 150.3])
def test_an_answer_that_is_no_age_is_an_error_of_its_photo(good_and_bad, capsys, monkeypatch, answer):
    tiny_model(Path("age.keras"), "distribution")
    answers = pd.DataFrame({"age": [40.0, answer], "spread": [5.0, 5.0]})
    monkeypatch.setattr("realage.inference.keras_engine.predict_ages", lambda model, photos: answers)
    with pytest.raises(UserError, match="1 of 2 photos have no age: the column 'error'"):
        predict([Path("a.png"), Path("c.png")], Path("age.keras"), "json")
    good, bad = json.loads(capsys.readouterr().out)
    assert good == {"photo": "a.png", "age": 40.0, "spread": 5.0, "error": ""}
    assert bad["age"] is None and bad["spread"] is None and f"age {answer:g}" in bad["error"]


def test_a_model_that_overflows_has_no_age_for_any_photo(good_and_bad, capsys):
    """Its weights are finite, but not the numbers that come of them."""
    pixels = keras.Input((32, 32, 3))
    features = keras.layers.Dense(3, kernel_initializer=keras.initializers.Constant(3e38))(pixels)
    age = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(features))
    save_model(keras.Model(pixels, {"age": age}), Path("age.keras"), Recipe(prepare=PREPARE, train={}))
    with pytest.raises(UserError, match="2 of 2 photos have no age"):
        predict([Path("a.png"), Path("c.png")], Path("age.keras"), "jsonl")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(row["age"] is None and "no age from 0 to 150 years" in row["error"] for row in rows)


def test_bad_photos_alone_have_neither_age_nor_spread(good_and_bad, capsys):
    tiny_model(Path("age.keras"), "distribution")
    (row,) = json.loads(printed(capsys, "age.keras", "json", ["b.png"]))
    assert row["age"] is None and row["spread"] is None and row["error"]
    assert len(json.loads(printed(capsys, "age.keras", "json", ["a.png", "c.png"]))) == 2


def write_grey(path: str, years: float) -> None:
    Image.new("RGB", (40, 40), (round(years * 2.55),) * 3).save(path)


def test_a_gate_passes_refuses_or_asks_and_asks_without_an_age(workspace, capsys):
    light_meter(Path("age.keras"))
    expected = {"a.png": (15, "refuse"), "b.png": (20, "ask"), "c.png": (40, "pass"), "d.png": (None, "ask")}
    for name, (years, _) in expected.items():
        write_grey(name, years) if years else Path(name).write_text("no photo")
    with pytest.raises(UserError, match="1 of 4 photos"):
        predict(expected, Path("age.keras"), "json", Request(gate=Gate(18, 25)))
    rows = json.loads(capsys.readouterr().out)
    assert {row["photo"]: row["decision"] for row in rows} == {name: word for name, (_, word) in expected.items()}


def test_who_looks_unlike_the_training_photos_is_asked_whatever_the_age(workspace, capsys):
    usual = summarize(Seen(100 + n / 10, 0, 0, np.nan, np.nan) for n in range(200))
    tiny_model(Path("age.keras"), "regression", summary=usual)
    write_grey("usual.png", 43)
    write_grey("dark.png", 5)
    predict(["usual.png", "dark.png"], Path("age.keras"), "json", Request(gate=Gate(1, 2)))
    usual, dark = json.loads(capsys.readouterr().out)
    assert (usual["reasons"], usual["decision"], dark["reasons"], dark["decision"]) == ("", "pass", "dark", "ask")


def test_every_face_has_a_row_with_its_box(workspace, capsys):
    hopper = Image.open(Path(get_data_path()) / "sample_data/grace_hopper.jpg")
    both = Image.new("RGB", (2 * hopper.width, hopper.height))
    both.paste(hopper, (0, 0))
    both.paste(hopper.resize((hopper.width // 2, hopper.height // 2)), (hopper.width, 0))
    both.save("two.png")
    write_grey("none.png", 30)
    light_meter(Path("age.keras"), prepare=PREPARE.model_copy(update={"crop": "face"}))
    predict(["two.png", "none.png"], Path("age.keras"), "json", Request(all_faces=True))
    large, small, none = json.loads(capsys.readouterr().out)
    assert (large["photo"], small["photo"]) == ("two.png", "two.png") and large["faces"] == small["faces"] == 2
    assert large["width"] > 1.7 * small["width"] and small["left"] > hopper.width > large["left"]
    assert none["faces"] == 0 and none["width"] is None and none["age"] == pytest.approx(30, abs=0.3)
    predict(["two.png"], Path("age.keras"), "csv")
    assert capsys.readouterr().out.splitlines()[0] == "photo,age,faces,error"


def test_patterns_and_standard_input_name_photos(workspace, capsys, monkeypatch):
    light_meter(Path("age.keras"))
    for name in ("a1.png", "a2.png", "b[1].png"):
        write_grey(name, 30)
    monkeypatch.setattr("sys.stdin", io.StringIO("a2.png\n\nb[1].png\r\n"))
    predict(["a?.png", "b[1].png", "-"], Path("age.keras"), "jsonl")
    names = [json.loads(line)["photo"] for line in capsys.readouterr().out.splitlines()]
    assert names == ["a1.png", "a2.png", "b[1].png"]  # one that is named twice has one row
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{'x' * 5_000}.png\na2.png\n"))
    with pytest.raises(UserError, match="1 of 2"):
        predict(["-"], Path("age.keras"), "jsonl")
    long, sound = map(json.loads, capsys.readouterr().out.splitlines())
    assert "File name too long" in long["error"] and sound["age"] == pytest.approx(30, abs=0.3)
    with pytest.raises(UserError, match=r"c\*\.png: no such photo or folder"):
        predict(["c*.png"], Path("age.keras"))


def test_a_dash_is_standard_input_unless_there_is_such_a_file(workspace, capsys, monkeypatch):
    light_meter(Path("age.keras"))
    for nothing in (None, io.StringIO(""), io.StringIO("\n")):
        monkeypatch.setattr("sys.stdin", nothing)
        with pytest.raises(UserError, match="no paths on standard input"):
            predict(["-"], Path("age.keras"))
    write_grey("other.png", 30)
    Path("other.png").rename("-")
    Path("dead.png").symlink_to("gone")
    with pytest.raises(UserError, match="1 of 2"):
        predict(["*-", "d*.png", "-"], Path("age.keras"), "json")
    dash, dead = json.loads(capsys.readouterr().out)
    assert dash["photo"] == "-" and dash["age"] and dead["error"] == "not a file"


def test_an_interrupted_run_goes_on_and_a_wrong_format_is_said_first(workspace, capsys, monkeypatch):
    light_meter(Path("age.keras"))
    names = [f"{number:03}.png" for number in range(6)]
    for number, name in enumerate(names):
        write_grey(name, 10 * number)
    Path(names[1]).write_text("no photo")
    with pytest.raises(UserError, match="1 of 6"):
        predict(names, Path("age.keras"), "csv", out=Path("whole.csv"))
    contents = Path("whole.csv").read_bytes()
    monkeypatch.setattr("realage.inference.stream.CHUNK", 2)
    Path(names[4]).rename("hidden")
    Path(names[4]).mkdir()  # no photo, but no reason to end
    Path(names[4]).rmdir()
    Path("hidden").rename(names[4])
    real = AgeModel.answer
    calls = []

    def answer(self, views):
        calls.append(len(views))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, views)

    monkeypatch.setattr(AgeModel, "answer", answer)
    with pytest.raises(KeyboardInterrupt):
        predict(names, Path("age.keras"), "csv", out=Path("ages.csv"))
    assert not Path("ages.csv").exists() and Path("ages.csv.part").exists()
    export_model(Path("age.keras"), Path("age.onnx"), "float16")
    with pytest.raises(UserError, match="left by a run with another model"):  # whose answers are a little different
        predict(names, Path("age.onnx"), "csv", out=Path("ages.csv"))
    capsys.readouterr()
    with pytest.raises(UserError, match="1 of 6 photos have no age"):
        predict(names, Path("age.keras"), "csv", out=Path("ages.csv"))
    assert "ages.csv: goes on after 3 of 6 photos" in capsys.readouterr().err
    assert Path("ages.csv").read_bytes() == contents and not list(Path().glob("*.part*"))
    with pytest.raises(UserError, match="--out writes csv or jsonl, and --format is table"):
        predict(names, Path("nowhere.keras"), out=Path("more.csv"))


def test_without_a_model_the_exported_one_is_used_if_it_is_that_of_the_model_file(workspace, capsys, monkeypatch):
    used = []
    load_file = AgeModel.load
    monkeypatch.setattr(AgeModel, "load", lambda path: used.append(Path(path)) or load_file(path))
    write_grey("a.png", 30)
    light_meter(MODEL)
    predict(["a.png"])
    assert used == [MODEL]
    EXPORTED.parent.mkdir()
    export_model(MODEL, EXPORTED, "float32")
    predict(["a.png"])
    assert used[1:] == [EXPORTED]
    capsys.readouterr()
    tiny_model(MODEL, "regression")
    predict(["a.png"])
    assert used[2:] == [EXPORTED, MODEL]
    assert "models/export/age.onnx was exported from another model" in capsys.readouterr().err
    MODEL.unlink()
    predict(["a.png"])
    assert used[-1] == EXPORTED


def test_gates_come_in_pairs(workspace):
    assert "go together" in run_realage(Path(), "predict", "a.png", "--threshold", "18").stderr
    done = run_realage(Path(), "predict", "a.png", "--threshold", "25", "--challenge", "18")
    assert done.returncode == 2 and "at or above" in done.stderr
    assert run_realage(Path(), "predict", "a.jpg", "--threshold", "nan", "--challenge", "nan").returncode == 2
