"""A stage does not run on what a damaged cache handed out: DVC would lock its results as those of sound inputs."""

import shutil
from pathlib import Path

import pytest
import yaml
from conftest import (
    assert_one_line_error,
    change,
    copy_with_cache,
    flip_a_byte,
    lock,
    run_dvc,
    run_module,
    run_tool,
    stage_error,
)

from realage.core.errors import UserError
from realage.project import mend_cache
from realage.runner.recorded import require_recorded

DAG = {"stages": {"copy": {"cmd": "cp -r faces copy", "deps": ["faces"], "outs": ["copy"]}}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder under DVC: data of the user's in `faces`, and a stage's out in `copy`."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "faces/final_files").mkdir(parents=True)
    for name in ("labels.csv", "final_files/a.jpg", "final_files/ü b.jpg", "final_files/a-c.jpg"):
        (folder / "faces" / name).write_text(f"of {name}")
    (folder / "dvc.yaml").write_text(yaml.safe_dump(DAG))
    run_tool(folder, "dvc", "init", "-q", "--no-scm")
    run_tool(folder, "dvc", "add", "-q", "faces")
    run_tool(folder, "dvc", "repro", "-q")
    return folder


@pytest.fixture
def inside(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is a copy of the project."""
    shutil.copytree(project, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")


def test_sound_inputs_pass_and_so_does_what_dvc_has_no_record_of(inside):
    Path("code.py").write_text("1")
    require_recorded([Path("faces"), Path("copy"), Path("faces/final_files"), Path("faces/labels.csv")])
    require_recorded([Path("code.py"), Path("/dev/null")])


@pytest.mark.parametrize(
    ("damaged", "read", "named"),
    [
        ("faces/labels.csv", "faces/labels.csv", "faces"),
        ("faces/final_files/a.jpg", "faces/final_files", "faces"),
        ("copy/labels.csv", "copy", "copy"),
    ],
)
def test_a_damaged_input_is_named(inside, damaged, read, named):
    flip_a_byte(Path(damaged))
    with pytest.raises(UserError, match=f"^{named}: not the bytes that DVC recorded"):
        require_recorded([Path(read)])


def test_nobody_is_told_to_delete_data_of_their_own(inside):
    flip_a_byte(Path("faces/labels.csv"))
    with pytest.raises(UserError, match="if you changed it, run 'dvc add faces'") as error:
        require_recorded([Path("faces")])
    assert "elete" not in str(error.value)


def test_what_dvc_ignores_does_not_count(inside):
    Path(".dvcignore").write_text(".DS_Store\n")
    Path("faces/.git").mkdir()
    for name in ("faces/.git/HEAD", "faces/final_files/.DS_Store", "copy/.DS_Store"):
        Path(name).write_text("not of the data")
    require_recorded([Path("faces"), Path("copy")])
    flip_a_byte(Path("copy/labels.csv"))
    with pytest.raises(UserError, match="^copy: not the bytes"):
        require_recorded([Path("copy")])


def test_a_photo_too_few_or_too_many_is_noticed(inside):
    Path("copy/labels.csv").unlink()
    Path("faces/final_files/new.jpg").write_text("new")
    for folder in ("copy", "faces"):
        with pytest.raises(UserError, match=folder):
            require_recorded([Path(folder)])


def test_what_the_stage_does_not_read_is_not_looked_at(inside):
    flip_a_byte(Path("copy/labels.csv"))
    require_recorded([Path("faces")])


def test_an_index_from_a_damaged_cache_is_refused_and_mended_as_the_line_says(stand_in_pipeline, tmp_path):
    clone, cache = copy_with_cache(stand_in_pipeline, tmp_path), tmp_path / "cache"
    before = lock(clone)
    (md5,) = [out["md5"] for out in before["index"]["outs"] if out["path"] == "data/index/train.csv"]
    index, stored = clone / "data/index/train.csv", cache / "files/md5" / md5[:2] / md5[2:]
    sound = stored.read_text()
    stored.chmod(0o644)
    stored.write_text(f"{sound[:-2]}?\n")
    stored.chmod(0o444)
    index.unlink()
    run_tool(clone, "dvc", "checkout")
    change(clone, "train", seed=2)

    error = stage_error(run_dvc(clone, "repro", "train"))
    assert error.startswith("error: data/index/train.csv: not the bytes that DVC recorded")
    assert lock(clone)["train"] == before["train"]

    index.unlink()
    mended = run_module("realage", clone, "mend-cache")
    assert f"{stored}: damaged, moved to .dvc/tmp/damaged/{md5}" in mended.stdout and "1 of" in mended.stdout
    assert (clone / ".dvc/tmp/damaged" / md5).is_file()
    run_tool(clone, "dvc", "repro", "train")
    assert index.read_text() == sound
    assert "0 of" in run_module("realage", clone, "mend-cache").stdout


def test_mending_asks_for_a_project_and_takes_no_word_for_yes(tmp_path, project):
    assert_one_line_error(run_module("realage", tmp_path, "mend-cache"), "no DVC project")
    assert "Usage" in run_module("realage", project, "mend-cache", "--help").stdout


def test_the_name_of_a_cache_does_not_write_to_the_terminal(inside, monkeypatch, capsys):
    cache = Path("cache\x1b[2J")
    stored = cache / "files/md5/00" / ("0" * 30)
    stored.parent.mkdir(parents=True)
    stored.write_text("damaged")
    monkeypatch.setattr(mend_cache, "dvc", lambda *_: f"{cache}\n")
    mend_cache.mend_cache()
    said = capsys.readouterr().out
    assert "\x1b" not in said and "cache\\x1b[2J" in said and "1 of 1 files were damaged" in said
