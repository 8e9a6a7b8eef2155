"""The command `realage`: its subcommands, their old names, usage errors, and how it ends; and as an installed wheel."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import (
    ENVIRONMENT,
    PROJECT,
    assert_one_line_error,
    call_realage,
    copy_project,
    run_module,
    run_realage,
    write_photo,
)

from realage.cli import main
from realage.export.convert import export_model

MODEL = PROJECT / "tests/data/regression-0.1.keras"
COMMANDS = (
    "predict", "adapt", "summary", "compare", "compare-data", "verify", "reproducible", "promote", "script", "params",
    "presets", "mend-cache", "remove-person", "remote", "suspects", "relabel",
    "export", "serve", "watch",
)  # fmt: skip
OLD_NAMES = {
    "realage.predict": "realage predict",
    "realage.compare": "realage compare",
    "realage.compare_data": "realage compare-data",
    "tools.promote": "realage promote",
    "tools.summary": "realage summary",
    "tools.verify": "realage verify",
    "tools.reproducible": "realage reproducible",
    "tools.mend_cache": "realage mend-cache",
    "tools.remove_person": "realage remove-person",
    "tools.make_script": "realage script",
}


def test_help_lists_every_command_and_each_explains_itself(tmp_path):
    shown = run_realage(tmp_path, "--help")
    assert shown.returncode == 0 and all(f" {command} " in shown.stdout for command in COMMANDS)
    for command in COMMANDS:
        done = call_realage(tmp_path, command, "--help")
        assert done.returncode == 0 and f"Usage: realage {command} " in done.stdout


@pytest.mark.parametrize("module", OLD_NAMES)
def test_the_names_of_release_0_1_still_work(tmp_path, module):
    done = run_module(module, tmp_path, "--help")
    assert done.returncode == 0 and f"Usage: {OLD_NAMES[module]} " in done.stdout, done.stderr


def test_a_tool_that_was_removed_says_what_takes_its_place(tmp_path):
    done = run_module("tools.join_data", tmp_path, "ours", "base", "theirs")
    assert_one_line_error(done, "removed", "labels.csv in Git", "docs/merging.md")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nosuch"],
        ["predict"],
        ["predict", ""],
        ["predict", "a.jpg", "--format", "xml"],
        ["predict", "a.jpg", "--nosuch"],
        ["adapt", "age.keras", "--labels", "labels.csv", "--images", "photos"],
        ["compare"],
        ["compare", "a", "b", "c"],
        ["promote"],
        ["remove-person", "anna"],
        ["remove-person", "anna", "bert", "--list", "removed.txt"],
    ],
    ids=" ".join,
)
def test_a_usage_error_ends_with_status_2_and_the_usage(tmp_path, arguments):
    done = run_realage(tmp_path, *arguments)
    assert done.returncode == 2 and "Usage: realage " in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_version(tmp_path):
    done = run_realage(tmp_path, "--version")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1


def test_predict_as_a_line_of_json_a_photo(tmp_path):
    write_photo(tmp_path / "a.jpg", seed=1)
    (tmp_path / "b.jpg").write_text("no photo")
    done = run_realage(tmp_path, "predict", "a.jpg", "b.jpg", "--model", str(MODEL), "--format", "jsonl")
    assert_one_line_error(done, "1 of 2 photos")
    good, bad = map(json.loads, done.stdout.splitlines())
    assert good["photo"] == "a.jpg" and good["age"] > 0 and bad["age"] is None and bad["error"]


def test_a_reader_that_has_had_enough_is_no_error(tmp_path):
    (tmp_path / "metrics").symlink_to(PROJECT / "metrics")
    (tmp_path / "params.yaml").symlink_to(PROJECT / "params.yaml")
    command = f"set -o pipefail; {sys.executable} -m realage summary | :"
    environment = ENVIRONMENT | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_ends_with_status_130(monkeypatch, capsys):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("realage.project.summary.summary", interrupted)
    monkeypatch.setattr("sys.argv", ["realage", "summary"])
    with pytest.raises(SystemExit) as end:
        main()
    assert (end.value.code, capsys.readouterr().err) == (130, "interrupted\n")


def test_debug_shows_the_traceback(tmp_path):
    done = run_realage(tmp_path, "predict", "nowhere.jpg", "--debug")
    assert done.returncode == 1 and "Traceback" in done.stderr and "nowhere.jpg" in done.stderr


# What a base installation lacks.
TRAINING = ("tensorflow", "keras", "dvc", "pandas", "matplotlib", "scipy", "onnx", "gto", "jinja2", "pyarrow", "joblib")
SERVICE = ("fastapi", "starlette", "uvicorn", "prometheus_client")


def without(packages: tuple[str, ...]) -> list[str]:
    """The command `realage` where these packages are not installed."""
    code = f"import sys; sys.modules.update(dict.fromkeys({packages})); from realage.cli import main; main()"
    return [sys.executable, "-c", code]


@pytest.mark.parametrize("arguments, missing, extra", [
    (["summary"], TRAINING, "train"), (["verify"], TRAINING, "train"), (["promote", "prod"], TRAINING, "train"),
    (["export", "age.keras", "--out", "age.onnx"], TRAINING, "train"), (["serve"], SERVICE, "serve"),
])  # fmt: skip
def test_a_command_whose_packages_are_missing_names_the_extra(tmp_path, arguments, missing, extra):
    environment = {**ENVIRONMENT, "PYTHONPATH": str(PROJECT)}
    command = [*without(missing), *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert_one_line_error(done, "needs the package", f"run \"pip install 'realage[{extra}]'\"")


@pytest.mark.slow
def test_the_wheel_alone_predicts(tmp_path):
    """Built as a package index would get it, and used far from any clone, without what only a training needs."""
    source, empty, unpacked = (tmp_path / name for name in ("source", "empty", "unpacked"))
    empty.mkdir()
    copy_project(source, without=("tests/",))
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(source)]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("realage-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
        folders = {name.split("/")[0] for name in archive.namelist()}
        (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    needed = re.findall(r"^Requires-Dist: ([\w-]+)(.*)$", metadata, re.M)
    assert "onnxruntime" in {name for name, condition in needed if not condition}
    extras = {name: condition for name, condition in needed if "extra" in condition}
    assert "train" in extras["tensorflow"] and "train" in extras["dvc"] and "serve" in extras["fastapi"]
    assert (unpacked / "realage/service/page/page.js").exists() and (unpacked / "realage/__init__.pyi").exists()
    assert len(folders) == 2 and "realage" in folders
    write_photo(empty / "a.jpg", seed=1)

    def realage(*arguments: str) -> str:
        return python("-m", "realage", *arguments)

    def python(*arguments: str) -> str:
        environment = ENVIRONMENT | {"PYTHONPATH": str(unpacked)}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True, check=True).stdout

    assert Path(python("-c", "import realage; print(realage.__file__)").strip()).is_relative_to(unpacked)
    assert realage("--version").strip() == wheel.name.split("-")[1]
    export_model(MODEL, tmp_path / "age.onnx", "float32")
    arguments = ["predict", "a.jpg", "--format", "json", "--model", str(tmp_path / "age.onnx")]
    command = [*without(TRAINING + SERVICE), *arguments]
    environment = ENVIRONMENT | {"PYTHONPATH": str(unpacked)}
    done = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True, check=True)
    (row,) = json.loads(done.stdout)
    assert row["age"] > 0 and os.listdir(empty) == ["a.jpg"]
