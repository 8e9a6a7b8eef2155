"""`python -m benchmarks.steadiness`: the figures of models whose answers follow from the photo by simple arithmetic."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, assert_one_line_error, run_module, write_photo
from PIL import Image
from small_network import PREPARE, light_meter

from benchmarks.disturbances import disturbances
from benchmarks.steadiness import CHUNK, Answers, ask, labelled_photos, load, measure, steadiness
from realage.core.errors import UserError
from realage.core.files import read_json
from realage.inference.age_model import AgeModel
from realage.predict import predict_photos
from synthetic.sample import SampleParams, write_sample

FACES = PREPARE.model_copy(update={"crop": "face"})
GREYS = range(20, 160, 4)  # one photo of each: values that brightness +40% leaves below 255


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, SampleParams(photos=60, label_noise=3.0, seed=7))
    return folder


@pytest.fixture
def plain(workspace) -> Path:
    """Evenly grey photos, labels by which the light meter is right, and splits with the darkest photo in training."""
    rows = []
    for value in GREYS:
        name = f"{value:03}.png"
        Path("photos").mkdir(exist_ok=True)
        Image.fromarray(np.full((70, 70, 3), value, np.uint8)).save(Path("photos", name))
        rows.append({"file_name": name, "real_age": value / 255 * 100})
    labels = pd.DataFrame(rows)
    labels.to_csv("labels.csv", index=False)
    splits = labels.assign(photo=labels["file_name"], split=["train", *["val"] * (len(labels) - 1)])
    splits.to_csv("splits.csv", index=False)
    return workspace


def measured(monkeypatch, *arguments: str) -> dict:
    command = ["steadiness", *arguments, "--images", "photos", "--labels", "labels.csv", "--json", "out.json"]
    monkeypatch.setattr("sys.argv", command)
    steadiness()
    return read_json(Path("out.json"))


def by_name(model: dict) -> dict[str, dict]:
    return {row["disturbance"]: row for row in model["disturbances"]}


def test_figures_are_those_of_the_arithmetic(plain, monkeypatch, capsys):
    light_meter(Path("age.keras"))
    found = measured(monkeypatch, "age.keras", "--splits", "splits.csv")
    assert (found["home"], found["split"], found["photos"]) == ("central", "val", len(GREYS) - 1)
    rows, ages = by_name(found["models"][0]), np.array(GREYS[1:]) / 255 * 100
    assert rows["none"]["mae"] == pytest.approx(0, abs=1e-3) and "no_face" not in rows["none"]
    for steady in ("margin +0.1", "margin +0.2", "rotation 10°", "rotation 20°", "rotation 30°", "half resolution",
                   "blur", "grey"):
        assert rows[steady]["change_mean"] == pytest.approx(0, abs=0.01)
    for name in ("brightness -40%", "brightness +40%"):
        changes = 0.4 * ages
        assert rows[name]["change_mean"] == pytest.approx(changes.mean(), abs=0.1)
        assert rows[name]["change_p95"] == pytest.approx(np.quantile(changes, 0.95), abs=0.2)
        assert rows[name]["mae_change"] == pytest.approx(changes.mean(), abs=0.1)
        assert rows[name]["mae_change_ci95_lo"] < changes.mean() < rows[name]["mae_change_ci95_hi"]
    lost = ages.mean() * (1 - (1.4 / 1.6) ** 2)  # to the border's share of the photo
    assert rows["margin +0.3"]["change_mean"] == pytest.approx(lost, rel=0.1)

    real, invented = capsys.readouterr().out.strip().split("\n\n")[-2:]
    assert "| brightness +40% |" in real and "[+" in real and "| ΔMAE [95% interval] |" in real
    assert [line.split(" | ")[0].strip("| ") for line in invented.splitlines()[2:]] == [
        "margin +0.3", "black bars", "pasted on a background",
    ]  # fmt: skip


def test_several_models_stand_side_by_side_and_one_that_seeks_faces_counts_photos_without(plain, monkeypatch, capsys):
    light_meter(Path("one.keras"))
    light_meter(Path("other.keras"), 50, FACES)
    one, other = measured(monkeypatch, "one.keras", "other.keras", "--home", "whole")["models"]
    assert other["prepare"]["crop"] == "face"
    brighter = [by_name(model)["brightness +40%"] for model in (one, other)]
    assert brighter[0]["change_mean"] == pytest.approx(2 * brighter[1]["change_mean"], rel=0.01)
    assert brighter[1]["mae_change"] < 0 and brighter[1]["no_face"] == len(GREYS) and "no_face" not in brighter[0]
    said = capsys.readouterr().out
    assert "- 1: `one.keras`" in said and "| 2: no face |" in said and "| 1: no face |" not in said
    assert len({line.count("|") for line in said.splitlines() if line.startswith("|")}) == 1


def test_photos_go_through_what_predict_does(sample, workspace):
    """Faces of the sample, cropped: more photos than are in memory at once, and one that cannot be read."""
    Path("bad.png").write_text("no photo")
    rows = labelled_photos(sample / "final_files", sample / "labels.csv", None, "val")
    photos = [Path("bad.png"), *(sample / "final_files" / name for name in rows["file_name"][: CHUNK + 2])]
    model = load(light_meter(Path("age.keras"), prepare=FACES))
    readable, (answers,) = ask([model], photos, disturbances("whole")[:1])
    expected = [row for (row,) in predict_photos(AgeModel.load(Path("age.keras")), photos)]
    assert [row["error"] == "" for row in expected] == readable.tolist() and not readable[0]
    sound = [row for row in expected if row["error"] == ""]
    assert answers.faces[:, 0].tolist() == [row["faces"] for row in sound] and answers.faces.any()
    assert answers.ages[:, 0] == pytest.approx([row["age"] for row in sound], abs=0.051)
    with pytest.raises(UserError, match="none of the photos can be read"):
        ask([model], photos[:1], disturbances("whole"))


def test_the_figures_by_hand():
    real, changes = np.array([30.0, 40, 50]), disturbances("central")[:2]
    answers = Answers(np.array([[31.0, 34], [38, 39], [50, 40]]), np.array([[1.0, 0], [1, 2], [1, 0]]))
    none, wider = measure(real, np.arange(3), answers, changes)
    assert none["mae"] == 1 and none["no_face"] == 0
    assert wider == {
        "disturbance": "margin +0.1",
        "invented": False,
        "n": 3,
        "change_mean": pytest.approx(14 / 3),
        "change_p95": pytest.approx(3 + 0.9 * 7),
        "mae": 5,
        "mae_change": pytest.approx(4),
        "no_face": 2,
    }  # no interval: three people are too few


def test_rows_that_cannot_judge_are_left_out_and_counted(workspace, capsys):
    write_photo(Path("photos/a.png"), 1)
    Path("labels.csv").write_text("file_name,real_age\na.png,30\nb.png,40\nc.png,old\n")
    assert labelled_photos(Path("photos"), Path("labels.csv"), None, "val")["file_name"].tolist() == ["a.png"]
    assert "left out 2 rows" in capsys.readouterr().err


def test_a_users_mistake_is_one_line(plain, monkeypatch):
    done = run_module("benchmarks.steadiness", plain, "age.keras", "--images", "nowhere", "--labels", "labels.csv")
    assert_one_line_error(done, "nowhere: no such folder")
    with pytest.raises(UserError, match="age.keras.*dvc repro"):
        measured(monkeypatch, "age.keras")


def test_splits_have_to_fit_the_labels(plain):
    images, labels, splits = Path("photos"), Path("labels.csv"), Path("splits.csv")
    with pytest.raises(UserError, match="no photos in split 'test': it has train, val"):
        labelled_photos(images, labels, splits, "test")
    Path("photos/024.png").unlink()
    with pytest.raises(UserError, match="for 1 of 34 photos of split 'val', such as 024.png"):
        labelled_photos(images, labels, splits, "val")
    pd.read_csv(splits).drop(columns="split").to_csv(splits, index=False)
    with pytest.raises(UserError, match="no column split"):
        labelled_photos(images, labels, splits, "val")


def test_the_program_runs_on_the_sample_as_documented(sample, workspace):
    light_meter(Path("age.keras"))
    done = run_module("benchmarks.steadiness", workspace, "age.keras", "--images", str(sample / "final_files"),
                      "--labels", str(sample / "labels.csv"), "--json", "out/steadiness.json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "photos that cannot be read" in done.stderr and "| grey |" in done.stdout and "[-" in done.stdout
    assert len(read_json(Path("out/steadiness.json"))["models"][0]["disturbances"]) == 15
    assert "python -m benchmarks.steadiness" in (PROJECT / "docs/study.md").read_text(encoding="utf-8")
