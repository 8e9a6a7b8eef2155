"""Warm starts: an age model goes on in another training, and what it has learnt from is known and counted."""

import json
import os
import shutil
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, run_tool, small_params, write_params
from small_network import small_backbone

from realage.core.digests import digest_of
from realage.core.errors import UserError
from realage.core.files import write_csv
from realage.core.params import load
from realage.network.archive import LEARNT_FILE
from realage.network.backbones import ModelParams
from realage.network.contents import read_learnt, read_recipe
from realage.network.model_file import load_network
from realage.network.quiet_keras import keras
from realage.network.start import require_start
from realage.photos.prepared import to_png, write_prepared
from stages import evaluate, train
from stages.package import package
from stages.weights import weights

OLD = PROJECT / "tests/data/regression-0.1.keras"


def hash_of(number: int) -> str:
    return digest_of(str(number).encode())


class Project:
    """A folder in which stages `weights`, `train`, `package` and `evaluate` run within seconds.

    Photo n is grey; the lighter it is, the older the person.
    """

    def __init__(self, params: dict) -> None:
        self.params = params
        self.set("model", weights="none", dense_units=4, dropout=0.0, head="regression")
        self.set("train", epochs=30, batch_size=8, learning_rate=0.02, warmup_epochs=0, weight_average=0)
        self.use(train=range(0, 32), val=range(100, 140))
        for stage in ("validate", "split"):
            self.write(f"metrics/{stage}.json", json.dumps({"data_version": "d" * 16, "val_version": "v" * 16}))

    def set(self, section: str, **values: object) -> None:
        self.params[section] |= values
        if "train" in self.params and section == "train":
            augment = {name: 0 for name in self.params["train"]["augment"]}
            self.params["train"]["augment"] = {**augment, "horizontal_flip": False, "interpolation_order": 1}
        write_params(Path(), self.params)

    def write(self, name: str, text: str) -> None:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)

    def use(self, **splits: range) -> None:
        """Have `splits` consist of these photos."""
        rows = []
        Path("data/prepared").mkdir(parents=True, exist_ok=True)
        for split in ("train", "val", "test"):
            numbers = list(splits.get(split, []))
            digests = [self._prepare(number) for number in numbers]
            photos = [hash_of(number) for number in numbers]
            ages = [float(number % 40) for number in numbers]
            index = pd.DataFrame({"photo": photos, "real_age": ages, "digest": digests})
            write_csv(Path(f"data/index/{split}.csv"), index)
            rows.append(index.assign(file_name=photos, split=split).drop(columns="digest"))
        labelled = pd.concat(rows)
        write_csv(Path("data/labels/splits.csv"), labelled)
        write_csv(Path("data/prepared.csv"), labelled[["photo"]].drop_duplicates().assign(faces=0, eye_distance=None))
        write_csv(Path("data/index/calibration.csv"), index.head(0).assign(person=[], part=[]))  # too few photos

    def _prepare(self, number: int) -> str:
        contents = to_png(np.full((32, 32, 3), 5 * (number % 40) + 20, "uint8"))
        write_prepared(Path("data/prepared"), hash_of(number), contents)
        return digest_of(contents)

    def run(self, **model: object) -> dict:
        """Train and package; returns metrics/train.json."""
        self.set("model", **model)
        for stage in (weights, train.train, package):
            keras.utils.clear_session()  # as in a process of its own
            stage()
        return json.loads(Path("metrics/train.json").read_text())


def make_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realage.network.model.build_backbone", small_backbone)
    for stage in ("train", "package", "evaluate"):
        monkeypatch.setattr(f"stages.{stage}.set_up_device", lambda *_: "a processor")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a model that has learnt from photos 0 to 31."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(tmp_path_factory.mktemp("large"))
        make_small(monkeypatch)
        Project(small_params()).run()
        return Path.cwd()


@pytest.fixture
def project(workspace: Path, params: dict, monkeypatch: pytest.MonkeyPatch, large: Path) -> Project:
    """A project with few photos, one epoch and a low rate, and that model as `large.keras`."""
    make_small(monkeypatch)
    made = Project(params)
    made.use(train=range(200, 208), val=[*range(28, 36), *range(300, 316)], test=range(30, 34))
    made.set("train", epochs=1, learning_rate=0.0001)
    shutil.copy(large / "models/age.keras", "large.keras")
    return made


def layer(file: str, name: str) -> list[np.ndarray]:
    model = load_network(Path(file))
    network = model if model.name == "network" else model.get_layer("network")
    return network.get_layer(name).get_weights()


def test_backbone_and_head_go_on_and_beat_a_cold_start(project, capsys):
    warm = project.run(weights="large.keras")
    said = capsys.readouterr().out
    assert "goes on from large.keras: backbone and head at learning rate 0.0001, after 0.02" in said
    assert not np.array_equal(layer("large.keras", "backbone")[0], layer("models/age.keras", "backbone")[0])
    for name in ("backbone", "dense", "outputs"):
        for before, after in zip(layer("large.keras", name)[:2], layer("models/age.keras", name)[:2], strict=True):
            np.testing.assert_allclose(before, after, atol=0.001)
    cold = project.run(weights="none")
    assert warm["val_mae"] < 0.5 * cold["val_mae"]
    assert "started_from" not in cold


@pytest.mark.parametrize("file", ["models/age.keras", "models/network.keras"])
def test_both_files_of_a_model_are_taken(project, large, file):
    project.set("train", learning_rate=1e-9)
    project.run(weights=str(large / file))
    np.testing.assert_allclose(layer("large.keras", "outputs")[1], layer("models/age.keras", "outputs")[1], rtol=1e-5)


@pytest.mark.parametrize("other", [{"dense_units": 0}, {"dense_units": 8}, {"head": "ordinal"}])
def test_a_head_of_another_kind_starts_anew(project, capsys, other):
    metrics = project.run(weights="large.keras", **other)
    assert "goes on from large.keras: backbone, with a new head," in capsys.readouterr().out
    assert metrics["started_from"][0]["head_taken"] is False
    before, after = (layer(file, "backbone")[0] for file in ("large.keras", "models/age.keras"))
    np.testing.assert_allclose(before, after, atol=0.001)


def test_the_recipe_says_from_which_models_it_started(project):
    project.run(weights="large.keras")
    shutil.copy("models/age.keras", "second.keras")
    metrics = project.run(weights="second.keras")
    first, second, third = (read_recipe(Path(file)) for file in ("large.keras", "second.keras", "models/age.keras"))
    assert first.lineage == [] and third.lineage[1:] == second.lineage
    assert [start.weights for start in third.lineage] == ["second.keras", "large.keras"]
    source = json.loads(Path("data/weights/source.json").read_text())
    assert third.lineage[0].sha256 == source["sha256"] == sha256(Path("second.keras").read_bytes()).hexdigest()
    assert third.lineage[0].data == second.data and second.data["val_version"] == "v" * 16
    assert metrics["started_from"] == [start.model_dump() for start in third.lineage]


def test_photos_that_judge_and_were_learnt_from_are_counted_in_training_and_evaluation(project, capsys):
    project.run(weights="large.keras")
    said = capsys.readouterr().err
    assert "train: warning: large.keras learnt from 4 of 24 validation photos: errors on these" in said
    evaluate.evaluate()
    said = capsys.readouterr().err
    assert "evaluate: warning: large.keras learnt from 4 of 24 validation photos, 2 of 4 test photos: errors" in said
    metrics = json.loads(Path("metrics/evaluate.json").read_text())
    assert (metrics["val"]["seen"], metrics["test"]["seen"]) == (4, 2)


def test_what_ancestors_learnt_from_is_not_forgotten_and_a_cold_start_says_nothing(project, capsys):
    project.run(weights="large.keras")
    shutil.copy("models/age.keras", "second.keras")
    project.use(train=range(400, 408), val=[0, *range(500, 516)])
    project.run(weights="second.keras")
    learnt = [*range(32), *range(200, 208), *range(400, 408)]
    assert read_learnt(Path("models/age.keras")).count(map(hash_of, [*learnt, 32, 208])) == len(learnt)
    assert "second.keras, large.keras learnt from 1 of 17 validation photos" in capsys.readouterr().err
    project.run(weights="none")
    assert len(read_learnt(Path("models/age.keras"))) == 8
    evaluate.evaluate()
    assert capsys.readouterr().err == ""
    assert "seen" not in json.loads(Path("metrics/evaluate.json").read_text())["val"]


def test_a_model_that_does_not_say_what_it_learnt_from_is_named(project, capsys, monkeypatch):
    with zipfile.ZipFile("large.keras") as full, zipfile.ZipFile("unknown.keras", "w") as part:
        for name in set(full.namelist()) - {LEARNT_FILE}:
            part.writestr(name, full.read(name))
    Path("unknown.keras").rename("large.keras")
    project.run(weights="large.keras")
    assert "large.keras has no list of the photos that it learnt from: whether validation" in capsys.readouterr().err
    assert read_recipe(Path("models/network.keras")).lineage[0].learnt_photos is None


def test_a_rate_that_is_not_lower_is_warned_of(project, capsys):
    project.set("train", learning_rate=0.02)
    project.run(weights="large.keras")
    assert "warning: train.learning_rate 0.02 is not lower than 0.02, with which large.keras" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_warm_start_goes_on_to_the_same_bytes_and_never_from_another_model(project, capsys, monkeypatch):
    def end(path: Path, table: pd.DataFrame) -> None:
        raise KeyboardInterrupt  # after the first checkpoint

    project.set("train", epochs=2)
    project.run(weights="large.keras")
    whole = Path("models/age.keras").read_bytes()
    shutil.rmtree("checkpoints")
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(train, "write_csv", end)
        project.run(weights="large.keras")
    capsys.readouterr()
    project.run(weights="large.keras")
    same = Path("models/age.keras").read_bytes() == whole
    assert same and "resumes after epoch 1 of 2" in capsys.readouterr().out
    shutil.copy("models/age.keras", "large.keras")
    project.run(weights="large.keras")
    said = capsys.readouterr().out
    assert "not used: the training differs in data/weights" in said and "resumes" not in said


def test_what_was_started_from_before_is_not_started_from_again(project):
    project.set("model", weights="large.keras")
    weights()
    project.set("model", weights="none")
    weights()
    assert [file.name for file in Path("data/weights").iterdir()] == ["source.json"]


def model_params(project: Project, **model: object) -> ModelParams:
    project.set("model", **model)
    return load("model", ModelParams)


@pytest.mark.parametrize(("key", "other"), [("backbone", "ResNet50"), ("pixel_scaling", "unit")])
def test_a_model_with_another_backbone_is_refused_before_anything_runs(project, key, other):
    with pytest.raises(UserError, match=rf"large\.keras: its model\.{key} is .*: set model\.{key} to that"):
        require_start(model_params(project, weights="large.keras", **{key: other}))
    with pytest.raises(UserError, match=rf"its model\.{key} is"):
        weights()


def test_a_file_of_neither_kind_and_a_torn_model_are_refused_before_anything_runs(project):
    project.write("notes.txt", "no weights")
    with pytest.raises(UserError, match="notes.txt': neither a model file of this project nor a weights file"):
        require_start(model_params(project, weights="notes.txt"))
    contents = bytearray(OLD.read_bytes())
    contents[len(contents) // 2] ^= 1
    Path("torn.keras").write_bytes(contents)
    with pytest.raises(UserError, match=r"torn\.keras: not a model that this project trained"):
        require_start(model_params(project, weights="torn.keras"))


def test_a_model_whose_layers_are_not_those_of_its_recipe_is_one_line(project):
    project.set("model", weights=str(OLD))
    weights()
    with pytest.raises(UserError, match=r"data/weights/age\.keras: its weights do not fit the network: ") as error:
        train.train()
    assert "\n" not in str(error.value)


@pytest.fixture
def promoted(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A repository whose model is promoted, in a DVC project without a remote."""
    for key, value in {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "tester",
                       "GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "tester@example.org"}.items():
        monkeypatch.setenv(key, value)
    Path("models").mkdir()
    Path("large.keras").rename("models/age.keras")
    run_tool(Path(), "git", "init", "-q")
    run_tool(Path(), "dvc", "init", "-q")
    run_tool(Path(), "dvc", "add", "-q", "models/age.keras")
    run_tool(Path(), "git", "add", "-A")
    run_tool(Path(), "git", "commit", "-qm", "model")
    for tag in ("age@v0.0.1", "age#prod#1", "age#prod#2"):
        run_tool(Path(), "git", "tag", tag)
    return project


def test_a_promoted_model_is_started_from_by_its_tag(promoted, capsys):
    contents = Path("models/age.keras").read_bytes()
    Path("models/age.keras").unlink()
    promoted.set("model", weights="age@v0.0.1")
    weights()
    same = Path("data/weights/age.keras").read_bytes() == contents
    assert same and json.loads(Path("data/weights/source.json").read_text())["weights"] == "age@v0.0.1"
    require_start(model_params(promoted, weights="age#prod#2"))


def test_a_clone_with_an_empty_cache_and_a_temporary_copy_without_tags_find_the_model(promoted):
    contents, here = Path("models/age.keras").read_bytes(), Path.cwd()
    run_tool(here, "git", "clone", "-q", str(here), "clone")
    copy = here / ".dvc/tmp/exps/temporary"
    run_tool(here, "git", "clone", "-q", "--no-tags", str(here), str(copy))
    run_tool(copy, "git", "remote", "remove", "origin")
    for folder in (here / "clone", copy):
        os.chdir(folder)
        promoted.set("model", weights="age@v0.0.1")
        require_start(load("model", ModelParams))
        weights()
        same = Path("data/weights/age.keras").read_bytes() == contents
        assert same, folder


@pytest.mark.parametrize(("tag", "words"), [
    ("age#prod", r"stage prod may get another model, .*: its newest tag is age#prod#2: use that"),
    ("age@prod", r"stage prod may get another model, .*: its newest tag is age#prod#2: use that"),
    ("age#beta", r"stage beta may .*: use a tag such as age@v0\.0\.1"),
    ("age@v9.9.9", r"no such tag: 'git tag' lists"),
])
def test_a_tag_that_moves_or_is_unknown_is_refused(promoted, tag, words):
    with pytest.raises(UserError, match=words):
        require_start(model_params(promoted, weights=tag))
    with pytest.raises(UserError, match=words):
        weights()
