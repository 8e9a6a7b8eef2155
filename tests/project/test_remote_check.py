"""`realage remote check`: what the remote lacks of a commit, whatever DVC believes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, assert_one_line_error, commands, fork_realage, run_tool, type_in

from realage.core.digests import file_md5

PHOTOS = 30

# Ends DVC, as a kill does, when it has written a third of the photos to its index.
KILLED = """
import os, sys
from dvc.cli import main
from dvc_data.index import DataIndex

write, written = DataIndex.__setitem__, []

def write_or_die(self, key, entry):
    write(self, key, entry)
    if key[0] in ("push", "fetch"):
        written.append(key)
    if len(written) == 10:
        os._exit(9)

DataIndex.__setitem__ = write_or_die
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a folder of photos and a model that a stage made, beside a folder remote that has all of it."""
    folder = tmp_path_factory.mktemp("shared") / "project"
    photos = folder / "data/faces"
    photos.mkdir(parents=True)
    for number in range(PHOTOS):
        (photos / f"{number}.jpg").write_text(f"photo {number}")
    run_tool(folder, "git", "init", "-q")
    run_tool(folder, "dvc", "init", "-q")
    (folder / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: cp data/faces/1.jpg model && echo 3 > mae.json\n    deps: [data/faces]\n"
        "    outs:\n    - model\n    - mae.json:\n        cache: false\n"
    )
    type_in(folder, "dvc add -q data/faces; dvc repro -q; dvc remote add -d team ../remote; git add -A; dvc push")
    run_tool(folder, "git", "commit", "-qm", "Photos and model")
    return folder.parent


@pytest.fixture
def project(shared: Path, tmp_path: Path) -> Path:
    shutil.copytree(shared, tmp_path, dirs_exist_ok=True)
    return tmp_path / "project"


def stored(project: Path, number: int) -> Path:
    """The remote's object of a photo."""
    md5 = file_md5(project / f"data/faces/{number}.jpg")
    return project.parent / "remote/files/md5" / md5[:2] / md5[2:]


def the_list(project: Path) -> Path:
    (found,) = (project.parent / "remote").rglob("*.dir")
    return found


def empty_the_remote(project: Path) -> None:
    shutil.rmtree(project.parent / "remote")


def check(project: Path, *revision: str) -> subprocess.CompletedProcess:
    return fork_realage(project, "remote", "check", *revision)


def interrupted(project: Path, command: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, command], cwd=project, env=ENVIRONMENT, capture_output=True)
    assert done.returncode == 9, done.stderr


def mend(project: Path, said: str) -> None:
    """Type in the commands that the check has printed."""
    type_in(project, "\n".join(line for line in said.splitlines() if line.startswith("  ")))


def test_a_remote_that_has_everything_is_sound(project):
    done = check(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"has all {PHOTOS + 1} objects of the working tree" in done.stdout  # the model is one of the photos


def test_an_interrupted_push_that_dvc_takes_for_finished_is_found_and_mended(project):
    empty_the_remote(project)
    interrupted(project, "push")
    run_tool(project, "dvc", "push")
    assert "Everything is up to date" in run_tool(project, "dvc", "push")
    done = check(project)
    assert done.returncode == 1 and re.search(rf"data/faces: \d+ of {PHOTOS + 1} objects are missing", done.stdout)
    mend(project, done.stdout)
    assert check(project).returncode == 0
    shutil.rmtree(project / ".dvc/cache")
    run_tool(project, "dvc", "pull", "--force")


@pytest.mark.parametrize("command", ["push", "pull"])
def test_after_an_interruption_a_cleared_index_has_dvc_look_for_everything(project, command):
    if command == "push":
        empty_the_remote(project)
    else:
        shutil.rmtree(project / ".dvc/cache")
        shutil.rmtree(project / "data/faces")
    interrupted(project, command)
    type_in(project, commands("docs/remotes.md", "## After an interrupted push or pull").replace("push", command))
    assert len(list((project / "data/faces").iterdir())) == PHOTOS and check(project).returncode == 0


def test_each_missing_object_is_counted_with_its_out_and_nothing_is_changed(project):
    for number in (1, 7):
        stored(project, number).unlink()
    stored(project, 8).chmod(0o644)
    stored(project, 8).write_text("damaged")
    before = sorted((project.parent / "remote").rglob("*"))
    done = check(project)
    assert done.returncode == 1 and sorted((project.parent / "remote").rglob("*")) == before
    assert f"data/faces: 2 of {PHOTOS + 1} objects are missing" in done.stdout
    assert "model: 1 of 1 objects are missing" in done.stdout
    assert f"lacks 2 of {PHOTOS + 1} known objects" in done.stdout
    assert f"rm {the_list(project)}" in done.stdout
    mend(project, done.stdout)
    assert check(project).returncode == 0


def test_a_commit_that_was_pushed_is_told_from_a_working_tree_that_was_not(project):
    (project / "data/faces/new.jpg").write_text("another photo")
    run_tool(project, "dvc", "add", "-q", "data/faces")
    assert "objects of HEAD (" in check(project, "HEAD").stdout and check(project, "HEAD").returncode == 0
    done = check(project)
    assert done.returncode == 1 and f"data/faces: 2 of {PHOTOS + 2} objects are missing" in done.stdout


def test_without_the_bytes_no_cure_is_promised(project):
    stored(project, 7).unlink()
    shutil.rmtree(project / ".dvc/cache")
    done = check(project)
    assert done.returncode == 1 and "The cache here has 0 of these" in done.stdout and "dvc push" not in done.stdout
    the_list(project).unlink()
    done = check(project)
    assert done.returncode == 1 and "its list of files is neither here nor in the remote" in done.stdout


def test_a_damaged_list_is_not_believed(project):
    shutil.rmtree(project / ".dvc/cache")
    the_list(project).chmod(0o644)
    the_list(project).write_text("[]")
    done = check(project)
    assert done.returncode == 1 and "its list of files is neither here nor in the remote" in done.stdout


def test_a_store_that_is_not_there_is_told_from_one_with_a_gap(project):
    stored(project, 7).unlink()
    assert "It has none" not in check(project).stdout
    empty_the_remote(project)
    assert "It has none" in check(project).stdout


def test_an_out_that_was_never_made_is_named(project):
    (project / "dvc.lock").unlink()
    done = check(project)
    assert done.returncode == 1 and "model: no hash is recorded: run 'dvc repro'" in done.stdout


def test_what_cannot_be_asked_is_one_line(project, tmp_path):
    assert_one_line_error(check(project, "nowhere"), "nowhere", "no such commit")
    assert_one_line_error(fork_realage(tmp_path, "remote", "check"), "run this in the project's folder")
    run_tool(project, "dvc", "remote", "modify", "team", "url", "gs://bucket/of-a-store-without-its-extra")
    assert_one_line_error(check(project), "DVC cannot ask the remote", "dvc-gs", "docs/remotes.md")
    run_tool(project, "dvc", "remote", "remove", "team")
    assert_one_line_error(check(project), "no default remote", "dvc remote add")
