"""A stage whose own code, data or params change while it runs fails and names them, instead of being locked."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import change, lock, run_dvc, run_module, run_tool, stage_error

from realage.core.errors import UserError
from realage.runner import watch
from realage.training.identity import _digest

DAG = {
    "stages": {
        "train": {
            "cmd": "python -m stages.train",
            "deps": ["code.py", "${dataset.images}", "data/weights"],
            "params": ["train", "model.backbone", {"extra.yaml": ["a"]}],
        }
    }
}
PARAMS = {
    "dataset": {"images": "faces/final_files"},
    "train": {"seed": 1},
    "model": {"backbone": "ResNet50", "dropout": 0.0},
}


@pytest.fixture
def stage(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which DVC runs the stage `train`, whose inputs are remembered."""
    (workspace / "dvc.yaml").write_text(yaml.safe_dump(DAG))
    (workspace / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    (workspace / "extra.yaml").write_text("a: 1")
    for name in ("code.py", "faces/final_files/a.jpg", "data/weights/source.json", "elsewhere.py", ".dvc/tmp/x"):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text("as it was")
    (workspace / ".dvc/config").write_text("[core]\n    no_scm = True\n")
    monkeypatch.setenv("DVC_STAGE", "train")
    for name, nothing in (("_remembered", {}), ("_deps", []), ("_params", {})):
        monkeypatch.setattr(watch, name, nothing)
    watch.remember_inputs()
    return workspace


def with_param(section: str, key: str, value: object) -> str:
    return yaml.safe_dump(PARAMS | {section: PARAMS[section] | {key: value}})


@pytest.mark.parametrize(
    ("file", "text", "named"),
    [
        ("code.py", "edited", "code.py"),
        ("faces/final_files/a.jpg", "another", "faces/final_files/a.jpg"),
        ("faces/final_files/b.jpg", "new", "faces/final_files/b.jpg"),
        ("data/weights/source.json", "others", "data/weights/source.json"),
        ("params.yaml", with_param("train", "seed", 2), "params.yaml, train"),
        ("params.yaml", with_param("model", "backbone", "VGG16"), "params.yaml, model.backbone"),
        ("params.yaml", "train: {seed: [", "params.yaml, model.backbone"),
        ("extra.yaml", "a: 2", "extra.yaml, a"),
    ],
)
def test_a_changed_input_is_named(stage, file, text, named):
    with pytest.raises(UserError, match="changed while stage 'train' ran") as error:
        with watch.guarded_stage():
            (stage / file).write_text(text)
    assert str(error.value).startswith(f"{named}: ")


def test_a_deleted_input_is_named(stage):
    with pytest.raises(UserError, match="^faces/final_files/a.jpg: changed"), watch.guarded_stage():
        (stage / "faces/final_files/a.jpg").unlink()


def test_what_the_stage_does_not_read_may_change(stage):
    with watch.guarded_stage():
        (stage / "elsewhere.py").write_text("edited")
        (stage / "params.yaml").write_text(with_param("model", "dropout", 0.5))
        (stage / "code.py").write_text("as it was")  # saved, but the same


def test_what_dvc_ignores_may_come_and_go(stage):
    run_tool(stage, "dvc", "init", "-q", "--no-scm", "--force")
    (stage / ".dvcignore").write_text(".DS_Store\n")
    with watch.guarded_stage():
        (stage / "faces/final_files/.DS_Store").write_text("left by a file manager")
    with pytest.raises(UserError, match="^faces/final_files/b.jpg: changed"), watch.guarded_stage():
        (stage / "faces/final_files/b.jpg").write_text("new")


def test_without_dvc_nothing_is_watched(stage, monkeypatch):
    monkeypatch.delenv("DVC_STAGE")
    monkeypatch.setattr(watch, "_remembered", {})
    watch.remember_inputs()
    assert not watch.is_watched()
    with watch.guarded_stage():
        (stage / "code.py").write_text("edited")


@pytest.mark.slow
def test_code_edited_during_training_is_not_locked_no_epoch_is_lost_and_the_epochs_so_far_are_drawn(clone, at):
    change(clone, "train", seed=2)
    before = lock(clone)["train"]
    watch_it = "dvc plots show live/training.csv -x epoch -y val_mae -o seen && cp live/training.csv seen"
    edit = "echo '# a second thought' >> realage/training/augment.py"
    done = run_dvc(clone, "repro", "train", **at("os.rename", "*/epoch-00002.npz", f"{watch_it}; {edit}"))
    assert "realage/training/augment.py: changed while stage 'train' ran" in stage_error(done)
    assert lock(clone)["train"] == before
    epochs = [len(pd.read_csv(clone / folder / "training.csv")) for folder in ("seen", "live")]
    assert epochs == [1, 2] and "val_mae" in (clone / "seen/index.html").read_text()

    run_tool(clone, "git", "checkout", "realage/training/augment.py")
    (checkpoint,) = clone.glob("checkpoints/*/epoch-00002.npz")
    identity = json.loads((checkpoint.parent / "identity.json").read_text())
    code = "realage/training/augment.py"
    assert identity[code] == _digest([clone / code]), "the mended code resumes from there"


def test_code_that_is_saved_as_it_was_while_a_stage_runs_is_no_change(clone, at):
    change(clone, "validate", max_rejected=0.3)
    save = "touch realage/labels/table.py realage/labels/__init__.py stages/validate.py; cp README.md realage/labels"
    done = run_dvc(clone, "repro", "validate", **at("os.rename", "*/rejected.csv", save))
    assert done.returncode == 0 and (clone / "realage/labels/README.md").exists(), done.stderr
    assert "up to date" in run_tool(clone, "dvc", "status", "validate")


def test_a_module_of_a_package_that_is_a_dep_as_a_whole_is_watched_too(clone, at):
    change(clone, "validate", max_rejected=0.3)
    edit = at("os.rename", "*/rejected.csv", "echo 'x = 1' > realage/labels/new.py")
    done = run_dvc(clone, "repro", "validate", **edit)
    assert "realage/labels/new.py: changed while stage 'validate' ran" in stage_error(done)


@pytest.mark.slow
def test_what_was_learnt_by_hand_with_nobody_watching_is_not_taken_up(clone, at):
    change(clone, "train", seed=2)
    kill = at("os.rename", "models/network.keras", "kill -9 $PPID")
    assert run_module("stages.train", clone, **kill).returncode == -9
    output = run_tool(clone, "dvc", "repro", "train")
    assert "resumes after" not in output and "not used: the training differs in watched by DVC" in output
