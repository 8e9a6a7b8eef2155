"""Retraining a commit to verify it: the comparison by itself, then real runs in real clones."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ENVIRONMENT, MODELS, PROJECT, assert_one_line_error, run_dvc, run_module, run_tool

from realage.core.errors import UserError
from realage.project.run_diff import LOCK, SCORES, TOLERANCE, TOLERANT, Results, compare, read_results, read_stage

STAGES = """
prepare:
  cmd: python -m stages.prepare
  deps:
  - {path: data/faces/labels.csv, hash: md5, md5: labels, size: 10}
  - {path: realage/photos/decode.py, hash: md5, md5: photos-code, size: 20}
  params: {params.yaml: {prepare: {image_size: 64, fit: pad}}}
  outs:
  - {path: data/prepared, hash: md5, md5: photos.dir, size: 30, nfiles: 3}
train:
  cmd: python -m stages.train
  deps:
  - {path: data/prepared, hash: md5, md5: photos.dir, size: 30, nfiles: 3}
  - {path: realage/network/model.py, hash: md5, md5: model-code, size: 40}
  params: {params.yaml: {model.backbone: MobileNet, train: {seed: 1, augment: {zoom_range: 0.1}}}}
  outs:
  - {path: metrics/train.json, hash: md5, md5: learnt, size: 50}
  - {path: models/network.keras, hash: md5, md5: network, size: 60}
package:
  cmd: python -m stages.package
  deps:
  - {path: models/network.keras, hash: md5, md5: network, size: 60}
  outs:
  - {path: models/age.keras, hash: md5, md5: model, size: 65}
evaluate:
  cmd: python -m stages.evaluate
  deps:
  - {path: models/age.keras, hash: md5, md5: model, size: 65}
  outs:
  - {path: metrics/evaluate.json, hash: md5, md5: scores, size: 70}
report:
  cmd: python -m stages.report
  deps:
  - {path: metrics/evaluate.json, hash: md5, md5: scores, size: 70}
  outs:
  - {path: reports/index.html, hash: md5, md5: page, size: 80}
"""
MAE = {"val": 4.85, "test": 4.95}
SAME = ("identical", "same inputs, same bytes")
RETRAINED = "network=network2", "model,=model2,", "scores=scores2", "page=page2"


def results(*changes: str, mae: dict[str, float] = MAE) -> Results:
    """A run as STAGES has it; a change 'old=new' replaces a text wherever it stands."""
    text = STAGES
    for old, new in (change.split("=") for change in changes):
        assert f" {old}" in text, old
        text = text.replace(f" {old}", f" {new}")
    return Results({name: read_stage(entry) for name, entry in yaml.safe_load(text).items()}, mae)


def judged(committed: Results, retrained: Results) -> dict[str, tuple[str, str]]:
    return {stage: (verdict, why) for stage, verdict, why in compare(committed, retrained)}


def test_the_same_run_is_identical():
    assert judged(results(), results()) == dict.fromkeys(("prepare", "train", "package", "evaluate", "report"), SAME)


def test_sizes_and_counts_of_files_are_no_inputs():
    assert set(judged(results(), results("30=31", "3=4")).values()) == {SAME}


@pytest.mark.parametrize(
    "change, stage, name",
    [
        ("photos-code=other", "prepare", "realage/photos/decode.py"),
        ("labels=other", "prepare", "data/faces/labels.csv"),
        ("pad=crop", "prepare", "params.yaml:prepare.fit"),
        ("0.1}=0.2}", "train", "params.yaml:train.augment.zoom_range"),
        ("MobileNet=ResNet50", "train", "params.yaml:model.backbone"),
        ("model-code=other", "train", "realage/network/model.py"),
        ("python -m stages.report=python -m stages.pages", "report", "command"),
    ],
)
def test_a_stage_made_with_another_input_is_different_and_the_input_named(change, stage, name):
    verdicts = judged(results(), results(change))
    assert verdicts.pop(stage) == ("different", f"dvc.lock was made with another {name}: run 'dvc repro' and commit")
    assert set(verdicts.values()) == {SAME}, "their inputs are the same bytes"


def test_an_input_that_only_one_run_has_is_another_input_even_where_it_is_null():
    for before, after in (("fit:=no_fit:", "fit:=fit:"), ("pad=null", "fit:=no_fit:")):
        verdict, why = judged(results(before), results(after))["prepare"]
        assert verdict == "different" and "prepare.fit" in why


def test_many_other_inputs_are_counted():
    why = judged(results(), results("labels=x", "photos-code=x", "64=32", "pad=crop", "stages.prepare=x"))["prepare"][1]
    assert "another command, data/faces/labels.csv, params.yaml:prepare.fit and 2 more: run" in why


def test_another_list_of_outs_is_another_input_within_no_tolerance():
    verdict, why = judged(results(), results("reports/index.html=reports/pages.html"))["report"]
    assert verdict == "different" and "another list of outs" in why


def test_stages_after_a_different_one_name_it_and_not_its_outs_as_their_own():
    verdicts = judged(results(), results("photos-code=other", "photos.dir=other.dir", *RETRAINED))
    made_with = "dvc.lock was made with another realage/photos/decode.py"
    assert verdicts["prepare"][1] == f"{made_with}: run 'dvc repro' and commit"
    assert verdicts["train"] == ("different", "its input data/prepared differs, see prepare")
    assert verdicts["package"] == ("different", "its input models/network.keras differs, see train")
    assert verdicts["evaluate"] == ("different", "its input models/age.keras differs, see package")
    assert verdicts["report"] == ("different", "its input metrics/evaluate.json differs, see evaluate")


def test_an_own_input_is_named_before_one_that_an_earlier_stage_made():
    verdicts = judged(results(), results("photos.dir=other.dir", "model-code=other"))
    assert verdicts["train"][1] == "dvc.lock was made with another realage/network/model.py: run 'dvc repro' and commit"


def test_a_file_inside_an_earlier_stages_folder_is_its_out():
    inside = "data/prepared, hash: md5, md5: photos.dir, size: 30, nfiles: 3}\n  - {path: realage/network/model.py"
    before = inside.replace("data/prepared", "data/prepared/a.png").replace(" photos.dir", " photo")
    after = before.replace(" photo,", " photo2,")
    verdicts = judged(results(f"{inside}={before}"), results(f"{inside}={after}", "photos.dir=other.dir"))
    assert verdicts["train"] == ("different", "its input data/prepared/a.png differs, see prepare")


def test_an_input_from_an_identical_stage_shows_a_dvc_lock_of_two_runs():
    read = "models/age.keras, hash: md5, md5: model, size: 65}\n  outs"
    verdicts = judged(results(f"{read}={read.replace('model,', 'old,')}"), results())
    assert verdicts["train"] == SAME
    assert verdicts["evaluate"][1] == "dvc.lock was made with another models/age.keras: run 'dvc repro' and commit"


def test_integer_work_with_other_bytes_is_different():
    assert judged(results(), results("photos.dir=other.dir"))["prepare"] == (
        "different",
        "same inputs, other outs: data/prepared",
    )


def test_training_with_other_bytes_is_judged_by_its_errors():
    near = results(*RETRAINED, mae={"val": 4.91, "test": 4.95 - TOLERANCE / 2})
    verdicts = judged(results(), near)
    figures = f"val MAE 4.85, here 4.91 years; test MAE 4.95, here {4.95 - TOLERANCE / 2:.2f} years"
    assert verdicts.pop("prepare") == SAME and set(verdicts) == set(TOLERANT)
    assert set(verdicts.values()) == {("within tolerance", figures)}


@pytest.mark.parametrize("split", ["val", "test"])
def test_errors_further_apart_than_the_tolerance_are_different_in_either_split(split):
    far = results(*RETRAINED, mae=MAE | {split: MAE[split] + TOLERANCE + 0.01})
    verdicts = judged(results(), far)
    assert verdicts["train"][0] == "different" and verdicts["train"][1].endswith(f"more than {TOLERANCE:g} apart")
    assert verdicts["evaluate"][1] == "its input models/age.keras differs, see package"


def test_without_a_test_split_validation_decides():
    verdicts = judged(results(mae={"val": 4.85}), results(*RETRAINED, mae={"val": 4.86}))
    assert verdicts["report"] == ("within tolerance", "val MAE 4.85, here 4.86 years")


def test_the_same_bytes_from_a_network_within_tolerance_are_within_tolerance():
    assert judged(results(), results("network=network2", "model,=model2,"))["evaluate"][0] == "within tolerance"


def test_tolerance_holds_for_the_named_stages_alone():
    runs = [
        Results({**run.stages, "export": run.stages["report"]}, run.mae) for run in (results(), results(*RETRAINED))
    ]
    assert judged(*runs)["export"] == ("different", "its input metrics/evaluate.json differs, see evaluate")


def test_stages_that_one_run_lacks_are_different():
    without = Results({name: stage for name, stage in results().stages.items() if name != "report"}, MAE)
    assert judged(without, results())["report"] == ("different", "dvc.lock lacks it: run 'dvc repro' and commit")
    verdicts = compare(results(), without)
    assert verdicts[-1] == ("report", "different", "not in dvc.yaml: delete it from dvc.lock too, and commit")


def test_results_are_read_in_the_locks_order(workspace):
    shutil.copy(PROJECT / LOCK, LOCK)
    SCORES.parent.mkdir()
    shutil.copy(PROJECT / SCORES, SCORES)
    found = read_results()
    assert list(found.stages) == list(yaml.safe_load(LOCK.read_text())["stages"]) and set(found.mae) == {"val", "test"}


@pytest.mark.parametrize(
    "lock, scores, named",
    [
        (None, "{}", "dvc.lock: not in the commit"),
        ("stages: {}", None, "metrics/evaluate.json: not in the commit"),
        ("<<<<<<< HEAD\nstages: {}\n=======\n", "{}", "dvc.lock: not as DVC writes it"),
        ("", "{}", "dvc.lock: not as DVC writes it"),
        ("stages: {train: [1]}", "{}", "dvc.lock: not as DVC writes it"),
        ("stages: {train: {deps: []}}", "{}", "dvc.lock: not as DVC writes it"),
        ("stages: {}", "<<<<<<<", "metrics/evaluate.json: damaged or edited"),
        ("stages: {}", '{"test": {"mae": 1.0}}', "metrics/evaluate.json: not as"),
        ("stages: {}", '{"val": {"mae": null}}', "metrics/evaluate.json: not as"),
    ],
)
def test_missing_and_broken_results_are_named(workspace, lock, scores, named):
    SCORES.parent.mkdir()
    for path, text in ((LOCK, lock), (SCORES, scores)):
        if text is not None:
            path.write_text(text)
    with pytest.raises(UserError, match=named):
        read_results()


# From here on everything is real: DVC, Git, clones.

# Two stages on data under DVC; each run leaves a line in the file RUNS, which no clone holds.
SMALL_DAG = """
stages:
  prepare:
    cmd: cp -r data/faces data/prepared && echo prepare >> $RUNS
    deps: [data/faces]
    outs: [data/prepared]
  evaluate:
    cmd: mkdir -p metrics && cp data/prepared/scores.json metrics/evaluate.json && echo evaluate >> $RUNS
    deps: [data/prepared]
    params: [title]
    outs: [metrics/evaluate.json: {cache: false}]
"""


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a committed run of SMALL_DAG, and settings of a user whose projects share one cache."""
    parent = tmp_path_factory.mktemp("small")
    folder = parent / "project"
    (folder / "data/faces").mkdir(parents=True)
    (folder / "data/faces/scores.json").write_text('{"val": {"mae": 4.85}}')
    (folder / "dvc.yaml").write_text(SMALL_DAG)
    (folder / "params.yaml").write_text("title: one\n")
    (parent / "user").mkdir()
    (parent / "user/config").write_text(f"[cache]\n    dir = {parent / 'shared'}\n")
    run_tool(folder, "git", "init", "-q")
    for command in (["init"], ["add", "data/faces"], ["repro"]):
        done = run_dvc(folder, *command, **user(folder))
        assert done.returncode == 0, done.stderr
    run_tool(folder, "git", "add", "-A")
    run_tool(folder, "git", "commit", "-qm", "small run")
    return folder


@pytest.fixture
def small(small_run: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(small_run.parent, tmp_path / "small", symlinks=True)) / "project"


def user(folder: Path) -> dict[str, str]:
    """The environment of the user of `folder`, whose temporary folders can be looked at."""
    (folder.parent / "tmp").mkdir(exist_ok=True)
    return {
        "DVC_GLOBAL_CONFIG_DIR": str(folder.parent / "user"),
        "RUNS": str(folder.parent / "runs"),
        "TMPDIR": str(folder.parent / "tmp"),
    }


def clones(folder: Path) -> list[Path]:
    return list((folder.parent / "tmp").glob("realage-verify-*"))


def commit(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    run_tool(folder, "git", "commit", "-qam", "change")


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_the_pipeline_is_verified_to_the_byte_by_another_user_in_another_place(model, request, tmp_path):
    """By a cron job: other rights for new files, another home with settings of Keras, language, time, worker count."""
    clone = request.getfixturevalue("stand_in_clone" if model == "stand-in" else "clone")
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras/keras.json").write_text('{"floatx": "float64", "image_data_format": "channels_first"}')
    inherited = {name: value for name, value in ENVIRONMENT.items() if not name.startswith(("LC_", "LANG"))}
    cron = {"HOME": str(tmp_path), "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "0", "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        [sys.executable, "-m", "realage", "verify"],
        cwd=clone,
        env=inherited | cron | {"REALAGE_WORKERS": "4"},
        umask=0o077,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    stages = list(yaml.safe_load((clone / "dvc.yaml").read_text())["stages"])
    table = [line.split(maxsplit=2) for line in done.stdout.splitlines() if line.endswith("same bytes")]
    assert sorted(stage for stage, *_ in table) == sorted(stages) and {row[1] for row in table} == {"identical"}
    assert done.stdout.count("Running stage") == len(stages)
    assert f"passed: {len(stages)} of {len(stages)} stages" in done.stdout.splitlines()[-1]
    assert run_tool(clone, "git", "status", "--porcelain") == "", "the original stays as it was"


def test_no_shared_cache_stands_in_for_a_run_and_a_stale_dvc_lock_is_told(small):
    commit(small, "params.yaml", "title: two\n")
    commit(small, "dvc.lock", (small / "dvc.lock").read_text() + "  gone:\n    cmd: echo gone\n")
    (small / "new.py").touch()
    done = run_module("realage", small, "verify", **user(small))
    assert (small.parent / "runs").read_text().split() == ["prepare", "evaluate"] * 2, "once by dvc repro, once here"
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and "uncommitted" in lines[0] and lines[-1].endswith("are different")
    assert "prepare   identical         same inputs, same bytes" in lines
    assert any(line.startswith("evaluate  different") and "params.yaml:title" in line for line in lines)
    assert any(line.startswith("gone      different") and "not in dvc.yaml" in line for line in lines)
    assert clones(small) == []


def test_a_users_hooks_and_gits_variables_for_hooks_do_not_matter(small):
    hooks = small.parent / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "post-checkout").chmod(0o755)
    settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": str(hooks)}
    commit(small, "dvc.lock", "broken")
    index = Path(shutil.copy(small / ".git/index", small.parent / "index"))
    contents = index.read_bytes()
    done = run_module("realage", small, "verify", **user(small), **settings, GIT_INDEX_FILE=str(index))
    assert_one_line_error(done, "dvc.lock: not as DVC writes it")
    assert index.read_bytes() == contents, "Git would have written the clone's index there"


def test_a_result_in_git_that_dvc_lock_does_not_name_is_refused(small):
    commit(small, "metrics/evaluate.json", '{"val": {"mae": 1.0}}')
    assert_one_line_error(run_module("realage", small, "verify", **user(small)), "metrics/evaluate.json", "dvc repro")


def test_a_training_of_two_devices_is_told(small):
    (small / "metrics/train.json").write_text('{"earlier_devices": "AMD to epoch 3"}')
    run_tool(small, "git", "add", "-f", "metrics/train.json")
    commit(small, "dvc.yaml", SMALL_DAG.replace("cp -r data/faces", "cp -r data/nothing"))
    done = run_module("realage", small, "verify", **user(small))
    assert "on another device (AMD to epoch 3), says metrics/train.json" in done.stdout


def test_data_that_no_cache_holds_are_asked_for(small):
    (small.parent / "user/config").unlink()
    done = run_module("realage", small, "verify", **user(small))
    error = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and error.startswith("error: data/faces.dvc") and "dvc pull" in error


def test_a_failing_stage_is_shown_and_the_clone_removed(small):
    commit(small, "dvc.yaml", SMALL_DAG.replace("cp -r data/faces", "cp -r data/nothing"))
    done = run_module("realage", small, "verify", **user(small))
    assert done.returncode == 1 and "failed to reproduce 'prepare'" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: 'dvc repro' of ")
    assert clones(small) == []


def test_ctrl_c_ends_the_stage_and_removes_the_clone(small):
    commit(small, "dvc.yaml", SMALL_DAG.replace("cp -r data/faces", "echo begun && sleep 600 && cp -r data/faces"))
    process = subprocess.Popen(
        [sys.executable, "-m", "realage", "verify"],
        cwd=small,
        env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT), **user(small)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whatever a shell starts in the background, such as a test run, ignores Ctrl-C, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert any(line == "begun\n" for line in process.stdout)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 130 and clones(small) == []


def test_a_clone_that_a_killed_run_left_is_deleted_by_the_next_one_and_that_of_a_running_one_is_not(small):
    blocked = SMALL_DAG.replace("cp -r data/faces", "echo begun && read line < $GATE && cp -r data/faces")
    gate = small.parent / "gate"
    os.mkfifo(gate)
    before = (small / "dvc.yaml").read_text()
    commit(small, "dvc.yaml", blocked)
    process = subprocess.Popen(
        [sys.executable, "-m", "realage", "verify"],
        cwd=small,
        env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT), **user(small), "GATE": str(gate)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert any(line == "begun\n" for line in process.stdout)
    (left,) = clones(small)
    strange = small.parent / "tmp/realage-verify-link"
    strange.symlink_to(small)

    commit(small, "dvc.yaml", before)
    assert str(left) not in run_module("realage", small, "verify", **user(small)).stdout and left.is_dir()
    process.kill()  # DVC still runs the stage
    process.wait()
    assert str(left) not in run_module("realage", small, "verify", **user(small)).stdout and left.is_dir()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    assert any((left / "work/clone").rglob("scores.json"))
    done = run_module("realage", small, "verify", **user(small))
    assert f"verify: {left}: deleted: left by an earlier run that was killed" in done.stdout.splitlines()
    assert clones(small) == [strange] and (small / "dvc.yaml").is_file()


def test_outside_of_git_it_says_where_to_run_it(tmp_path):
    assert_one_line_error(run_module("realage", tmp_path, "verify"), "not a git repository", "run this in a clone")
