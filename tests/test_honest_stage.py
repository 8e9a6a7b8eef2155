"""A stage whose own code, data or params change while it runs fails and names them, instead of being locked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import change, lock, run_module, run_tool, stage_error

from realage import dvc_stage
from realage.errors import UserError

DAG = {
    "stages": {
        "train": {
            "cmd": "python -m stages.train",
            "deps": ["code.py", "${dataset.images}", "data/weights"],
            "params": ["train", "model.backbone"],
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
    for name in ("code.py", "faces/final_files/a.jpg", "data/weights/source.json", "elsewhere.py", ".dvc/tmp/x"):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text("as it was")
    monkeypatch.setenv("DVC_STAGE", "train")
    monkeypatch.setattr(dvc_stage, "_remembered", {})
    dvc_stage.remember_inputs()
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
        ("params.yaml", with_param("dataset", "images", "data/weights"), "faces/final_files/a.jpg"),
    ],
)
def test_a_changed_input_is_named(stage, file, text, named):
    with pytest.raises(UserError, match="changed while stage 'train' ran") as error:
        with dvc_stage.honest_stage():
            (stage / file).write_text(text)
    assert str(error.value).startswith(f"{named}: ")


def test_a_deleted_input_is_named(stage):
    with pytest.raises(UserError, match="^faces/final_files/a.jpg: changed"), dvc_stage.honest_stage():
        (stage / "faces/final_files/a.jpg").unlink()


def test_what_the_stage_does_not_read_may_change(stage):
    with dvc_stage.honest_stage():
        (stage / "elsewhere.py").write_text("edited")
        (stage / "params.yaml").write_text(with_param("model", "dropout", 0.5))
        (stage / "code.py").write_text("as it was")  # saved, but the same


def test_without_dvc_nothing_is_watched(stage, monkeypatch):
    monkeypatch.delenv("DVC_STAGE")
    with dvc_stage.honest_stage():
        (stage / "code.py").write_text("edited")


def test_code_edited_during_training_is_not_locked_and_no_epoch_is_lost(clone, at):
    change(clone, "train", seed=2)
    before = lock(clone)["train"]
    edit = at("os.rename", "*/epoch-00002.npz", "echo '# a second thought' >> realage/augment.py")
    done = run_module("dvc", clone, "repro", "train", **edit)
    assert "realage/augment.py: changed while stage 'train' ran" in stage_error(done)
    assert lock(clone)["train"] == before
    run_tool(clone, "git", "checkout", "realage/augment.py")
    assert "goes on after epoch 2 of 3" in run_tool(clone, "dvc", "repro", "train")
