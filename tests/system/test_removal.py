"""docs/removal.md: the commands of a person's removal, typed by a team that shares a real remote."""

import csv
import shutil
import zipfile
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from conftest import (
    MODELS,
    PROJECT,
    assert_one_line_error,
    call_realage,
    change,
    commands,
    copy_with_cache,
    run_tool,
    small_params,
    type_in,
    use_model,
    write_params,
    write_photo,
)

from realage.network.learnt import LearntPhotos

PAGE = "docs/removal.md"
LABELS = "data/faces/labels.csv"
# Objects and pages that were made of many photos, the person's among them.
MADE_OF_THEM = (
    LABELS,
    "data/labels/splits.csv",
    "data/predictions.csv",
    "data/saliency.csv",
    "models/network.keras",
    "models/age.keras",
    "plots/eda/contact_sheet.png",
    "plots/eda/mean_faces.png",
    "plots/worst.png",
    "reports/index.html",
)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def add_faces(folder: Path) -> dict[str, str]:
    """Put the sample's photos under `dvc add`; some of each split, and a broken one, are Anna's.

    Returns her file names, each with the hash of its pixels where it has one. What stages made of the sample stands for
    what they would make of these, the same photos and labels.
    """
    shutil.copytree(folder / "data/sample", folder / "data/faces")
    splits = rows(folder / "data/labels/splits.csv")
    hers = {row["file_name"]: row["photo"] for name in ("train", "val", "test") for row in of_split(splits, name)[:2]}
    broken = [row for row in rows(folder / "data/labels/rejected.csv") if row["rule"] == "unreadable_photo"]
    hers[broken[0]["file_name"]] = ""
    labels = [{**row, "subject": "anna" if row["file_name"] in hers else ""} for row in rows(folder / LABELS)]
    with (folder / LABELS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, labels[0])
        writer.writeheader()
        writer.writerows(labels)
    change(folder, "dataset", labels=LABELS, images="data/faces/final_files")
    change(folder, "sample", photos=0)
    run_tool(folder, "dvc", "add", "-q", "data/faces")
    return hers


def of_split(splits: list[dict[str, str]], name: str) -> list[dict[str, str]]:
    return [row for row in splits if row["split"] == name]


@pytest.fixture(params=MODELS)
def team(pipeline: Path, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, Path, dict[str, str]]:
    """Your clone, a colleague's with a cache of its own, and Anna's photos; all is pushed to one remote."""
    yours, theirs = copy_with_cache(pipeline, tmp_path / "you"), tmp_path / "they/clone"
    use_model(yours, request.param)
    run_tool(yours, "dvc", "remote", "add", "-q", "-d", "team", str(tmp_path / "remote"))
    hers = add_faces(yours)
    run_tool(yours, "git", "add", "-A")
    run_tool(yours, "git", "commit", "-qm", "faces")
    run_tool(tmp_path, "git", "init", "-q", "--bare", "origin.git")
    run_tool(yours, "git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    run_tool(yours, "git", "push", "-q", "-u", "origin", "HEAD:main")
    run_tool(yours, "git", "config", "push.default", "upstream")
    run_tool(yours, "dvc", "push", "-q", "--run-cache")
    run_tool(tmp_path, "git", "clone", "-q", "-b", "main", "origin.git", str(theirs))
    run_tool(theirs, "dvc", "pull", "-q", "--run-cache")
    return yours, theirs, hers


def traces(folder: Path, names: set[bytes], contents: set[bytes]) -> list[Path]:
    """The files below `folder` that are one of `contents` or hold one of `names`; what Git packs is not looked at."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    return [path for path in files if (data := path.read_bytes()) in contents or any(name in data for name in names)]


def test_a_removed_person_is_gone_from_data_caches_and_remote_and_the_rest_is_not(team, tmp_path):
    yours, theirs, hers = team
    others = {row["file_name"] for row in rows(yours / LABELS)} - set(hers)
    prepared = [yours / f"data/prepared/{photo}.png" for photo in hers.values() if photo]
    photos = [*prepared, *(yours / "data/faces/final_files" / name for name in hers)]
    contents = {file.read_bytes() for file in [*photos, *(yours / name for name in MADE_OF_THEM)]}
    check, remote = commands(PAGE, "## See that it worked"), str(tmp_path / "remote")

    with pytest.raises(AssertionError, match="no row has the subject"):
        type_in(yours, commands(PAGE, "## A version without them"), PERSON="nobody")
    type_in(yours, commands(PAGE, "## A version without them"), PERSON="anna")
    assert set(type_in(yours, "grep -F .jpg ../removed.txt").split()) == set(hers)
    before = type_in(yours, check, REMOTE=remote)
    assert [before.count(f"  {place}/files/md5/") for place in (remote, yours.parent / "cache")] == [len(photos)] * 2
    kept = run_tool(yours, "dvc", "gc", "--all-commits", "--cloud", "--dry")
    assert not [line for line in before.splitlines() if "  /" in line and line.split()[1] in kept]
    names = {name.encode() for name in hers}
    assert len(traces(tmp_path / "remote", names, contents)) >= len(photos) + len(MADE_OF_THEM)

    type_in(yours, commands(PAGE, "## Delete all other versions"))
    type_in(theirs, commands(PAGE, "## In every other clone"))
    nothing, no_table, *in_git = type_in(yours, check, REMOTE=remote).splitlines()
    assert (nothing, no_table) == ("no photo is left", "no table names one")
    assert {line.partition(":")[2] for line in in_git} == {"plots/evaluate/predicted.csv"}, "hashes, as the page says"
    assert not {path.name for path in (yours / ".store").rglob("*")} & set(hers.values())
    (yours.parent / "removed.txt").unlink()
    assert traces(tmp_path, names, contents) == []

    run_tool(tmp_path, "git", "clone", "-q", "-b", "main", "origin.git", "fresh")
    run_tool(tmp_path / "fresh", "dvc", "pull", "-q")
    assert "up to date" in run_tool(tmp_path / "fresh", "dvc", "repro", "--dry")
    assert {row["file_name"] for row in rows(tmp_path / "fresh" / LABELS)} == others
    assert others & {path.name for path in (tmp_path / "fresh/data/faces/final_files").iterdir()}


@pytest.fixture
def faces(workspace: Path) -> Path:
    """Three photos, one of them Anna's and one a copy of hers, and a label of hers that leads outside."""
    for number, name in enumerate(("final_files/a.jpg", "final_files/b.jpg", "final_files/c.jpg", "outside.jpg")):
        write_photo(workspace / "data/faces" / name, seed=number)
    labels = "file_name,real_age,subject\na.jpg,30,anna\n../outside.jpg,31,anna\nb.jpg,32,\nc.jpg,33,\n"
    (workspace / LABELS).write_text(labels)
    (workspace / "data/labels").mkdir()
    splits = "a.jpg,30,0a,train,\nb.jpg,32,0b,excluded,a.jpg\nc.jpg,33,0c,val,\n"
    header = "file_name,real_age,photo,split,near_duplicate_of\n"
    (workspace / "data/labels/splits.csv").write_text(header + splits)
    params = small_params()
    params["dataset"] |= {"labels": LABELS, "images": "data/faces/final_files"}
    write_params(workspace, params)
    return workspace / "data/faces"


def test_names_that_are_printed_cannot_write_to_the_terminal(faces, workspace):
    splits = workspace / "data/labels/splits.csv"
    splits.write_text(splits.read_text().replace("b.jpg", "\x1b[31mb.jpg"))
    assert "they look like copies: \\x1b[31mb.jpg" in remove(workspace, "anna").stderr


def remove(folder: Path, *who: str) -> CompletedProcess:
    return call_realage(folder, "remove-person", *who, "--list", "removed.txt")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.jpg")}


def test_what_the_search_for_suspects_keeps_goes_too(faces, workspace):
    for name in ("suspects.csv", "suspects.png", "photos/0a.png", "training/0/epoch-00001.npz", "folds/1.csv"):
        (workspace / "data/suspects" / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / "data/suspects" / name).touch()
    assert "data/suspects" in remove(workspace, "anna").stdout and not (workspace / "data/suspects").exists()


def test_no_label_has_a_file_outside_the_folder_deleted_and_copies_are_named(faces, workspace):
    done = remove(workspace, "anna")
    assert done.returncode == 0 and "check these too, they look like copies: b.jpg" in done.stderr
    assert "not found, look for them under another name: ../outside.jpg" in done.stderr
    assert names(faces) == {"b.jpg", "c.jpg", "outside.jpg"}
    assert [row["file_name"] for row in rows(workspace / LABELS)] == ["b.jpg", "c.jpg"]


def test_a_model_that_training_starts_from_and_that_learnt_from_them_is_named(faces, workspace):
    photo = "0a" * 16
    splits = workspace / "data/labels/splits.csv"
    splits.write_text(splits.read_text().replace(",0a,", f",{photo},").replace(",0b,", f",{'0b' * 16},"))
    (workspace / "data/weights").mkdir()
    (workspace / "data/weights/source.json").write_text('{"weights": "large.keras"}')
    with zipfile.ZipFile(PROJECT / "tests/data/regression-0.1.keras") as old:
        with zipfile.ZipFile(workspace / "data/weights/age.keras", "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
            new.writestr("learnt_photos.bin", LearntPhotos.of([photo]).to_bytes())
    assert "large.keras has learnt from 1 of these photos: set model.weights" in remove(workspace, "anna").stderr


def test_photos_are_removed_by_name_where_labels_name_nobody(faces, workspace):
    assert remove(workspace, "--files", "a.jpg", "c.jpg").returncode == 0
    assert names(faces) == {"b.jpg", "outside.jpg"}


@pytest.mark.parametrize("who", [["nobody"], ["--files", "a.jpg", "nowhere.jpg"]])
def test_whoever_is_not_there_has_nothing_removed(faces, workspace, who):
    assert_one_line_error(remove(workspace, *who), who[-1])
    assert len(names(faces)) == 4 and len(rows(workspace / LABELS)) == 4


def test_the_list_of_another_removal_is_not_written_over(faces, workspace):
    assert remove(workspace, "--files", "c.jpg").returncode == 0
    listed = (workspace / "removed.txt").read_text()
    assert_one_line_error(remove(workspace, "anna"), "removed.txt", "name a new file")
    assert (workspace / "removed.txt").read_text() == listed and "a.jpg" in names(faces)


def test_a_photo_whose_name_differs_in_case_from_its_label_goes_too(faces, workspace):
    (faces / "final_files/a.jpg").rename(faces / "final_files/A.JPG")
    assert remove(workspace, "anna").returncode == 0
    assert not (faces / "final_files/A.JPG").exists() and "A.JPG" in (workspace / "removed.txt").read_text()
