"""docs/merging.md on branches that meet, line ends and shallow clones: its commands, typed into real repositories."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import PROJECT, commands, run_dvc, run_tool, type_in

from realage.labels.params import ValidateParams
from realage.labels.rules import check_rows
from realage.labels.table import read_labels

PAGE = "docs/merging.md"
DAG = """
stages:
  prepare:
    cmd: ls data/faces/final_files > data/prepared
    deps: [data/faces/final_files]
    outs: [data/prepared]
  evaluate:
    cmd: >-
      cat data/prepared data/faces/labels.csv params.yaml > metrics/evaluate.json &&
      cp metrics/evaluate.json plots/curve.png && cp metrics/evaluate.json reports/card.md
    deps: [data/prepared, data/faces/labels.csv]
    params: [rate, size]
    outs:
      - metrics/evaluate.json: {cache: false}
      - plots/curve.png: {cache: false}
      - reports/card.md: {cache: false}
"""
LABELS = "file_name,real_age\n" + "".join(f"{name}.jpg,30\n" for name in "abcdefgh")


@pytest.fixture
def clones(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """Two colleagues' clones of a small project, with one remote; `request.param` is what `dvc add` was told."""
    run_tool(tmp_path, "git", "init", "-q", "--bare", "-b", "main", "origin")
    yours, theirs = tmp_path / "you/clone", tmp_path / "they/clone"
    run_tool(tmp_path, "git", "clone", "-q", "origin", str(yours))
    run_tool(yours, "dvc", "init", "-q")
    run_tool(yours, "dvc", "remote", "add", "-q", "-d", "team", str(tmp_path / "remote"))
    run_tool(yours, "dvc", "config", "core.autostage", "true")
    for name in ("data/faces/final_files", "metrics", "plots", "reports"):
        (yours / name).mkdir(parents=True)
    (yours / ".gitattributes").write_bytes((PROJECT / ".gitattributes").read_bytes())
    (yours / "dvc.yaml").write_text(DAG)
    (yours / "params.yaml").write_text("rate: 1\n# far enough from\n# the next line for\n# Git to merge\nsize: 1\n")
    (yours / "data/faces/labels.csv").write_text(LABELS)
    for name in "abcdefgh":
        (yours / f"data/faces/final_files/{name}.jpg").write_text(name)
    share(yours, request.param)
    run_tool(tmp_path, "git", "clone", "-q", "origin", str(theirs))
    run_tool(theirs, "dvc", "pull", "-q")
    return yours, theirs


def share(folder: Path, data: str, push: bool = True) -> None:
    """Commit a run on the data as they are, and push both unless told otherwise."""
    run_tool(folder, "dvc", "add", "-q", data)
    run_tool(folder, "dvc", "repro", "-q")
    run_tool(folder, "git", "add", "-A")
    run_tool(folder, "git", "commit", "-qm", "a run")
    if push:
        run_tool(folder, "git", "push", "-q", "origin", "HEAD")
        run_tool(folder, "dvc", "push", "-q")


def both_change_data(yours: Path, theirs: Path, data: str) -> None:
    """You remove photo b and add x, they remove g and add y; their version is pushed, and yours not yet."""
    for folder, gone, new in ((theirs, "g", "y"), (yours, "b", "x")):
        exchange(folder, gone, new)
        share(folder, data, push=folder == theirs)
    run_tool(yours, "git", "fetch", "-q")


def exchange(folder: Path, gone: str, new: str) -> None:
    """Remove one photo and add another, with their rows."""
    (folder / f"data/faces/final_files/{gone}.jpg").unlink()
    (folder / f"data/faces/final_files/{new}.jpg").write_text(new)
    labels = folder / "data/faces/labels.csv"
    # Of another length: Git can miss a change that leaves it, in the second in which the file was checked out.
    labels.write_text(labels.read_text().replace(f"{gone}.jpg,30\n", "") + f"{new}.jpg,50.5\n")


def settle_outputs(folder: Path) -> None:
    """The page's cure of outputs; afterwards they are those of the merged photos, rows and params, and committed."""
    assert "UU dvc.lock" in run_tool(folder, "git", "status", "--porcelain")
    type_in(folder, commands(PAGE, "## Conflicts in what stages write"))
    assert run_tool(folder, "git", "status", "--porcelain") == ""
    assert len(run_tool(folder, "git", "log", "-1", "--format=%P").split()) == 2
    assert "up to date" in run_tool(folder, "dvc", "status")
    photos = "".join(f"{path.name}\n" for path in sorted(folder.glob("data/faces/final_files/*")))
    inputs = [(folder / name).read_text() for name in ("data/faces/labels.csv", "params.yaml")]
    for name in ("metrics/evaluate.json", "plots/curve.png", "reports/card.md"):
        assert (folder / name).read_text() == "".join([photos, *inputs])


def assert_both_changes_are_there(folder: Path) -> None:
    photos = {path.stem: path.read_text() for path in folder.glob("data/faces/final_files/*.jpg")}
    assert photos == {name: name for name in "acdefhxy"}
    header, *rows = (folder / "data/faces/labels.csv").read_text().splitlines()
    assert header == "file_name,real_age"
    assert sorted(rows) == sorted(f"{name}.jpg,{50.5 if name in 'xy' else 30}" for name in photos)


@pytest.mark.parametrize("clones", ["data/faces"], indirect=True)
def test_outputs_in_conflict_are_made_again_from_the_merged_inputs(clones):
    for folder, key in zip(clones, ("rate", "size")):
        params = folder / "params.yaml"
        params.write_text(params.read_text().replace(f"{key}: 1", f"{key}: 2"))
        share(folder, "data/faces", push=folder != clones[0])
    type_in(clones[0], "git pull -q --no-rebase || true")
    settle_outputs(clones[0])
    assert {"rate: 2", "size: 2"} <= set((clones[0] / "reports/card.md").read_text().splitlines())


@pytest.mark.parametrize("clones", ["data/faces"], indirect=True)
def test_a_merge_without_conflicts_is_followed_by_a_run(clones):
    yours, theirs = clones
    (theirs / "data/faces/final_files/y.jpg").write_text("y")
    share(theirs, "data/faces")
    (yours / "notes.txt").write_text("mine")
    run_tool(yours, "git", "add", "-A")
    run_tool(yours, "git", "commit", "-qm", "notes")
    run_tool(yours, "git", "pull", "-q", "--no-rebase", "--no-edit")
    for _ in range(2):  # the second time there is nothing to commit
        type_in(yours, commands(PAGE, "## A merge without conflicts"))
    assert (yours / "data/faces/final_files/y.jpg").exists()
    assert run_tool(yours, "git", "status", "--porcelain") == ""


@pytest.mark.parametrize("clones", ["data/faces/final_files"], indirect=True)
def test_the_driver_joins_photos_and_git_joins_rows(clones):
    yours, _ = clones
    both_change_data(*clones, "data/faces/final_files")
    type_in(yours, commands(PAGE, "## Conflicts of photos").rstrip() + " || true", THEIRS="origin/main")
    settle_outputs(yours)
    assert_both_changes_are_there(yours)


@pytest.mark.slow
@pytest.mark.parametrize("clones", ["data/faces"], indirect=True)
def test_a_whole_folder_is_merged_by_hand_and_the_driver_says_that_it_cannot(clones):
    yours, _ = clones
    both_change_data(*clones, "data/faces")
    setup = "\n".join(commands(PAGE, "## Conflicts of photos").splitlines()[:3])
    tried = type_in(yours, f"{setup}\ndvc fetch -q -A data/faces.dvc\n(git merge origin/main || true) 2>&1")
    assert "unable to auto-merge" in tried and "UU data/faces.dvc" in run_tool(yours, "git", "status", "--porcelain")
    before, after = commands(PAGE, "## Conflicts of a whole folder").split("dvc add", 1)
    differences = type_in(yours, before)
    assert "../theirs/final_files: y.jpg" in differences and "data/faces/final_files: g.jpg" in differences
    exchange(yours, "g", "y")
    type_in(yours, f"dvc add{after}")
    settle_outputs(yours)
    assert_both_changes_are_there(yours)
    assert sorted(path.name for path in yours.parent.iterdir()) == ["clone"]


@pytest.mark.parametrize(
    "yours, theirs, rules",
    [
        ("a.jpg,31\nb.jpg,30\n", "a.jpg,32\nb.jpg,30\n", {"conflicting_label"}),
        ("b.jpg,30\n", "a.jpg,30\nb.jpg,32\n", {"conflicting_label", "missing_photo"}),
        ("b.jpg,30\nx.jpg,50\n", "b.jpg,30\nb.jpg,30\n", {"repeated_row"}),
    ],
)
def test_what_a_union_of_rows_leaves_in_doubt_is_rejected(tmp_path, yours, theirs, rules):
    for name, rows in (("base", "a.jpg,30\nb.jpg,30\n"), ("yours", yours), ("theirs", theirs)):
        (tmp_path / name).write_text(f"file_name,real_age\n{rows}")
    run_tool(tmp_path, "git", "merge-file", "--union", "yours", "base", "theirs")
    params = ValidateParams(min_age=0, max_age=120, min_pixels=32, on_reject="fail", max_rejected=1)
    photos = pd.Series([f"{name}.jpg" for name in "abx" if f"{name}.jpg" in yours])
    assert set(check_rows(read_labels(tmp_path / "yours"), photos, params)["rule"]) == rules


def test_a_clone_with_windows_line_ends_would_run_nothing(pipeline, tmp_path):
    run_tool(tmp_path, "git", "clone", "-q", "-c", "core.autocrlf=true", str(pipeline), "clone")
    assert b"\r" not in (tmp_path / "clone/stages/train.py").read_bytes()
    planned = run_tool(tmp_path / "clone", "dvc", "repro", "--dry", "--allow-missing")
    assert "Running" not in planned and "up to date" in planned


def test_labels_saved_on_windows_have_the_bytes_of_every_other_clone(tmp_path):
    labels = tmp_path / "data/faces/labels.csv"
    labels.parent.mkdir(parents=True)
    labels.write_text(LABELS, newline="\r\n")
    (tmp_path / ".gitattributes").write_bytes((PROJECT / ".gitattributes").read_bytes())
    run_tool(tmp_path, "git", "init", "-q")
    type_in(tmp_path, commands(PAGE, "## Line ends"))
    assert labels.read_bytes() == LABELS.encode()


@pytest.mark.slow
def test_a_shallow_clone_has_what_training_needs_and_fetches_its_history_for_comparisons(clone, tmp_path):
    run_tool(clone, "dvc", "remote", "add", "-q", "-d", "team", str(tmp_path / "remote"))
    run_tool(clone, "git", "commit", "-qam", "share")
    run_tool(clone, "dvc", "push", "-q")
    shallow, found, history = commands(PAGE, "## Shallow clones").partition("git fetch --unshallow")
    assert "up to date" in type_in(tmp_path, shallow, URL=f"file://{clone}")
    assert "HEAD~1" in run_dvc(tmp_path / "shallow", "metrics", "diff", "HEAD~1").stderr
    type_in(tmp_path / "shallow", found + history)
