"""What several tests share: small photos, parameter sections, and one small run of the real pipeline."""

import gc
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from filelock import FileLock
from forked import forked_commands, run_forked
from hypothesis import settings
from PIL import Image

from realage.cli import main
from realage.labels.dataset import SampleParams
from realage.network.recipe import TrainParams
from realage.runner.command import run
from synthetic.sample import write_sample

PROJECT = Path(__file__).parent.parent
PORTRAITS = SampleParams(photos=520, label_noise=2.0, seed=3)
# Stages find Python packages and the project's own modules as they would in the project's folder.
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "user.name",
    "GIT_CONFIG_VALUE_0": "tester",
    "GIT_CONFIG_KEY_1": "user.email",
    "GIT_CONFIG_VALUE_1": "tester@example.org",
    "COLUMNS": "500",
    "DVC_NO_ANALYTICS": "1",  # else each dvc command in a repository that a test makes starts a process that sends
}


@pytest.fixture
def params() -> dict:
    """The default params with everything made small, for a test to change."""
    return small_params()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run stages in, made the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def small_params() -> dict:
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params["sample"] |= {"photos": 160}
    params["split"] |= {"val_fraction": 0.3, "test_fraction": 0.3}  # enough people for intervals
    params["validate"] |= {"max_rejected": 0.2}
    params["prepare"] |= {"image_size": 32}
    params["model"] |= {"backbone": "MobileNet", "weights": "none", "dense_units": 16, "dropout": 0.1}
    # The last epoch's weights hold what every epoch and dropout's random state have done.
    params["train"] |= {"epochs": 3, "learning_rate": 0.001, "keep": "last"}
    return params


def recipe(**changes) -> TrainParams:
    """Section `train` for a test that trains without a params file."""
    defaults = {
        "photos": None,
        "epochs": 10,
        "batch_size": 4,
        "learning_rate": 0.1,
        "warmup_epochs": 2,
        "weight_decay": 0.0,
        "weight_average": 0.0,
        "loss": "mse",
        "label_spread": 2.0,
        "balance": 0.0,
        "final_rate": 0.0,
        "keep": "best",
        "seed": 1,
        "precision": "float32",
        "backend": "tensorflow",
        "threads": 2,
        "augment": {
            "rotation_range": 0,
            "width_shift_range": 0,
            "height_shift_range": 0,
            "shear_range": 0,
            "zoom_range": 0,
            "brightness_range": 0,
            "horizontal_flip": False,
            "interpolation_order": 1,
            "random_erasing": 0,
        },
    }
    return TrainParams(**{**defaults, **changes})


def write_params(folder: Path, params: dict) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def change(folder: Path, section: str, **values: object) -> None:
    """Change some keys of the params file in `folder`."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params[section] |= values
    write_params(folder, params)


def lock(folder: Path) -> dict:
    """What dvc.lock says, by stage."""
    return yaml.safe_load((folder / "dvc.lock").read_text())["stages"]


def write_photo(path: Path, seed: int, size: tuple[int, int] = (48, 48)) -> None:
    """Write a photo of noise, as JPEG or PNG by its name; every seed gives other pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def run_module(module: str, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run `python -m MODULE` in `folder` as a user would."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT), **environment},
        capture_output=True,
        text=True,
    )


def run_stages(folder: Path, *names: str, **environment: str) -> subprocess.CompletedProcess:
    """Run stages one after the other, up to the first that fails; the result is that of the last that ran."""
    for name in names:
        done = run_module(f"stages.{name}", folder, **environment)
        if done.returncode:
            break
    return done


def run_dvc(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run `dvc ARGUMENTS` in `folder` as a user would, without the second that loading DVC takes."""
    return _forked(folder, "dvc", *arguments, **environment)


def fork_realage(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run `realage ARGUMENTS` so; for commands that load DVC or GTO, and not Keras."""
    return _forked(folder, "realage", *arguments)


def _forked(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess:
    return run_forked(folder, command, {**ENVIRONMENT, **environment})


def run_realage(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run `realage ARGUMENTS` in `folder` as a user would."""
    return run_module("realage", folder, *arguments, **environment)


def call_realage(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """The same in this process, without the seconds that loading DVC takes; for commands that print by themselves."""
    return _called(folder, main, "realage", *arguments)


def call_stages(folder: Path, *names: str) -> subprocess.CompletedProcess:
    """What `run_stages` does, in this process, where pandas is loaded already; for stages without Keras."""
    for name in names:
        stage = getattr(import_module(f"stages.{name}"), name)
        done = _called(folder, partial(run, stage), f"stages.{name}")
        if done.returncode:
            break
    return done


def _called(folder: Path, program: Callable[[], None], *command: str) -> subprocess.CompletedProcess:
    out, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as user, redirect_stdout(out), redirect_stderr(errors):
        user.chdir(folder)
        user.setattr(sys, "argv", [*command])
        for name, value in ENVIRONMENT.items():
            user.setenv(name, value)
        try:
            program()
            status = 0
        except SystemExit as end:
            status = end.code
    return subprocess.CompletedProcess(command, status, out.getvalue(), errors.getvalue())


def run_tool(folder: Path, *command: str) -> str:
    """Run a command in `folder`; returns what it prints, and fails the test if it fails."""
    if command[0] == "dvc":
        done = run_dvc(folder, *command[1:])
    else:
        done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def commands(page: str, heading: str) -> str:
    """The shell commands that a page of the project, such as docs/workflow.md, has under a heading, word for word."""
    _, found, section = (PROJECT / page).read_text(encoding="utf-8").partition(f"\n{heading}\n")
    section = re.split(r"^##+ ", section, maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)
    assert found and blocks, f"{page} has no commands under {heading}"
    return "".join(blocks)


def type_in(folder: Path, script: str, **environment: str) -> str:
    """Have a shell run what a user types in `folder`, up to the first command that fails, which fails the test."""
    path = f"{forked_commands()}{os.pathsep}{ENVIRONMENT['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**ENVIRONMENT, "PATH": path, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(
    BROWSER is None and "REALAGE_REQUIRE_BROWSER" not in os.environ, reason="needs Chromium"
)


def shown(address: str) -> str:
    """The contents of a page after its scripts have run, in a browser without a network."""
    assert BROWSER, "install Chromium"
    offline = ["--headless", "--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=60000"]
    return subprocess.run([BROWSER, *offline, "--dump-dom", address], capture_output=True, text=True).stdout


def assert_one_line_error(done: subprocess.CompletedProcess, *words: str) -> None:
    """A user's mistake: status 1, and one line on stderr that holds all `words`."""
    assert done.returncode == 1, done.stdout + done.stderr
    errors = [line for line in done.stderr.splitlines() if line]
    assert len(errors) == 1 and errors[0].startswith("error: "), done.stderr
    for word in words:
        assert word in errors[0], errors[0]


def err(folder: Path, split: str, by: float) -> None:
    """Have the committed model err `by` years more on each photo of `split`."""
    predicted = folder / "plots/evaluate/predicted.csv"
    table = pd.read_csv(predicted)
    away = (table["predicted_age"] >= table["real_age"]).map({True: by, False: -by})
    table.loc[table["split"] == split, "predicted_age"] += away
    table.to_csv(predicted, index=False)


def commit(folder: Path) -> None:
    run_tool(folder, "git", "commit", "-qam", "another model")


def copy_project(folder: Path, without: tuple[str, ...]) -> None:
    """Copy what Git has or would add of the project, but for names that begin with one of `without`."""
    for name in run_tool(PROJECT, "git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if not name.startswith(without) and (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((PROJECT / name).read_bytes())


# Pages of commands are typed in whatever the model is: make test has the stages with Keras replaced by small ones that
# write the same files, make test-all has the real ones too.
MODELS = ["stand-in", pytest.param("network", marks=pytest.mark.slow)]


def use_model(folder: Path, model: str) -> None:
    """Give the project in `folder` the stages of one of MODELS."""
    if model == "stand-in":
        shutil.copytree(PROJECT / "tests/system/stand_in", folder / "stages", dirs_exist_ok=True)


def copy_with_cache(pipeline: Path, folder: Path, copy: Callable = shutil.copy2) -> Path:
    """A copy of the finished run in `folder`, with a cache of its own beside it, which a test may damage."""
    shutil.copytree(pipeline.parent / "cache", folder / "cache", copy_function=copy)
    clone = Path(shutil.copytree(pipeline, folder / "clone", symlinks=True))
    use_cache(clone, folder / "cache")
    return clone


def use_cache(clone: Path, cache: Path) -> None:
    """What `dvc cache dir --local` does, in no time."""
    (clone / ".dvc/config.local").write_text(f"[cache]\n    dir = {cache}\n")


def flip_a_byte(file: Path) -> None:
    """As a failing disk does: neither size, time nor rights show it."""
    before, contents = file.stat(), bytearray(file.read_bytes())
    contents[len(contents) // 2] ^= 0xFF
    file.chmod(0o644)
    file.write_bytes(contents)
    file.chmod(before.st_mode)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def stage_error(done: subprocess.CompletedProcess) -> str:
    """The one line that a stage of ours had to say in a `dvc repro` that it let fail."""
    assert done.returncode == 255 and "Traceback" not in done.stderr, done.stdout + done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return error


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Git clone of the project with small params, run once by the real `dvc repro` and committed.

    All processes of a test run share it. They only read it: tests that change it, or have DVC do so, work on a copy.
    """
    return made_once(tmp_path_factory, "pipeline", run_small_pipeline)


@pytest.fixture(scope="session")
def stand_in_pipeline(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the stand-in model, where a run takes seconds; shared and only read, too."""
    return made_once(tmp_path_factory, "stand-in", lambda folder: run_stand_in_pipeline(pipeline, folder))


@pytest.fixture(scope="session")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of 520 portraits, `labels.csv` and `final_files`, of which few are broken; shared and only read."""
    return made_once(tmp_path_factory, "portraits", lambda folder: write_sample(folder, PORTRAITS))


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, once for all processes of a test run."""
    shared = factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, ready = shared / name / "clone", shared / name / "ready"
    with FileLock(shared / f"{name}.lock"):
        if not ready.exists():
            shutil.rmtree(shared / name, ignore_errors=True)
            make(folder)
            ready.touch()
    return folder


def run_small_pipeline(folder: Path) -> None:
    copy_project(folder, without=("tests/",))
    write_params(folder, small_params())
    run_tool(folder, "git", "init", "-q")
    use_cache(folder, folder.parent / "cache")
    run_tool(folder, "dvc", "repro")
    run_tool(folder, "git", "add", "-A")
    run_tool(folder, "git", "commit", "-qm", "small run")
    shutil.rmtree(folder / "checkpoints")  # three times as large as all the rest, in every copy


def run_stand_in_pipeline(pipeline: Path, folder: Path) -> None:
    copy_with_cache(pipeline, folder.parent, copy=os.link)
    use_model(folder, "stand-in")
    run_tool(folder, "dvc", "repro")
    run_tool(folder, "git", "add", "-A")
    run_tool(folder, "git", "commit", "-qm", "small run of the stand-in")


@pytest.fixture
def clone(pipeline: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, with a cache of its own, that a test may change."""
    return copy_with_cache(pipeline, tmp_path, copy=os.link)  # nothing writes into an object of the cache


@pytest.fixture
def stand_in_clone(stand_in_pipeline: Path, tmp_path: Path) -> Path:
    """The same of the run with the stand-in model."""
    return copy_with_cache(stand_in_pipeline, tmp_path, copy=os.link)


@pytest.fixture
def fresh_clone(pipeline: Path, tmp_path: Path) -> Path:
    """A Git clone of that run with nothing to restore: no data, an empty cache of its own, and no dvc.lock."""
    folder = tmp_path / "fresh"
    run_tool(tmp_path, "git", "clone", "-q", str(pipeline), str(folder))
    use_cache(folder, tmp_path / "fresh-cache")
    (folder / "dvc.lock").unlink()
    return folder


# Python imports a module of this name when it starts. The variable goes before the command runs: it may run Python too.
HOOK = """
import fnmatch, os, sys

def hook(event, arguments):
    if event == os.environ.get("AT_EVENT"):
        path, mode = (arguments[1], "w") if event == "os.rename" else arguments[:2]
        if "w" in (mode or "r") and fnmatch.fnmatch(str(path), os.environ["AT_GLOB"]):
            del os.environ["AT_EVENT"]
            os.system(os.environ["AT_COMMAND"])

sys.addaudithook(hook)
"""


@pytest.fixture
def at(tmp_path: Path) -> Callable[[str, str, str], dict[str, str]]:
    """`at(event, glob, command)`: environment in which a Python process runs the shell `command` when it first does so.

    `event` is `open`, for writing, or `os.rename`, and `glob` matches the path that it makes. The process waits for the
    command, so that things happen at a point of the program and not at a time.
    """
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/sitecustomize.py").write_text(HOOK)

    def environment(event: str, glob: str, command: str) -> dict[str, str]:
        return {"PYTHONPATH": str(tmp_path / "hooks"), "AT_EVENT": event, "AT_GLOB": glob, "AT_COMMAND": command}

    return environment


# The files with the longest tests, which start first, so that no process ends with one of them alone. The first makes
# the shared run; those beside it need none, or they would wait for it.
LONGEST = (
    *("test_verify", "test_warm_start", "test_fit", "test_model", "test_contributing", "test_reruns", "test_workflow"),
    *("test_kill", "test_pipeline", "test_script"),
)


def pytest_configure(config: pytest.Config) -> None:
    # A slow machine is no failing test, and the same examples each time no flaky one.
    examples = 40 if config.option.markexpr == "not slow" else 200
    settings.register_profile("steady", deadline=None, derandomize=True, max_examples=examples)
    settings.load_profile("steady")


def pytest_collection_finish() -> None:
    gc.freeze()  # the objects of TensorFlow, which each collection of garbage would go through


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))
