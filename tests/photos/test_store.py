"""The store of decoded photos: sound entries or none, bounded, and without a say in any result."""

import shutil
from pathlib import Path

import pytest
from conftest import write_params, write_photo

from realage.photos import store as store_module
from realage.photos.store import Store
from stages.prepare import prepare
from stages.scan import scan

PARAMS = {"image_size": 32, "fit": "pad"}
CODE = ("decode", "hashes")


def test_an_entry_comes_back_whole(tmp_path):
    store = Store(tmp_path, "prepare", CODE, PARAMS)
    for contents in (b"", b"\n", b"a\nb\n", bytes(range(256))):
        store.write("a", contents)
        assert store.read("a") == contents


@pytest.mark.parametrize("damage", [lambda entry: b"", lambda entry: entry[:-1], lambda entry: entry + b"x",
                                    lambda entry: entry.replace(b"sound", b"sOund"), lambda entry: b"no entry"])
def test_a_damaged_or_foreign_entry_is_none(tmp_path, damage):
    store = Store(tmp_path, "prepare", CODE, PARAMS)
    store.write("a", b"a sound entry")
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    file.write_bytes(damage(file.read_bytes()))
    assert store.read("a") is None and store.read("never written") is None


def test_other_params_code_or_libraries_have_entries_of_their_own(tmp_path, monkeypatch):
    folders = {Store(tmp_path, "prepare", CODE, PARAMS).folder}
    folders.add(Store(tmp_path, "prepare", CODE, PARAMS | {"fit": "stretch"}).folder)
    folders.add(Store(tmp_path, "prepare", ("decode",), PARAMS).folder)
    folders.add(Store(tmp_path, "scan", CODE, PARAMS).folder)
    monkeypatch.setattr(store_module, "version", lambda name: "another")
    folders.add(Store(tmp_path, "prepare", CODE, PARAMS).folder)
    assert len(folders) == 5


def test_no_more_is_kept_than_one_run_needs(tmp_path):
    earlier, store = (Store(tmp_path, "prepare", CODE, PARAMS | {"image_size": n}) for n in (32, 64))
    earlier.write("a", b"1")
    for name in ("a", "b", "c"):
        store.write(name, b"2")
    store.keep_only(["a", "c", "never written"])
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(kept) == [store.folder / "a", store.folder / "c"]


@pytest.fixture
def project(workspace: Path, params: dict) -> Path:
    """A folder in which scan and prepare can run: four photos, one of them broken."""
    for seed, name in enumerate(("a.jpg", "b.jpg", "sub/c.png")):
        write_photo(workspace / "photos" / name, seed)
    (workspace / "photos/broken.jpg").write_text("no photo")
    params["dataset"]["images"] = "photos"
    write_params(workspace, params)
    return workspace


def results(project: Path) -> dict[str, bytes]:
    shutil.rmtree("data", ignore_errors=True)
    scan()
    prepare()
    return {path.as_posix(): path.read_bytes() for path in Path("data").rglob("*") if path.is_file()}


def test_with_and_without_the_store_and_with_a_damaged_one_the_results_are_the_same(project):
    without = results(project)
    assert len([name for name in without if name.endswith(".png")]) == 3
    assert results(project) == without
    for file in Path(".store").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert results(project) == without
