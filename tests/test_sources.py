"""Data in a stage's outs: DVC dies before any stage and names no key; `check` and `realage params` name it."""

from pathlib import Path

import pytest
from conftest import PROJECT, assert_one_line_error, run_realage, run_tool, small_params, write_params

from realage.core.errors import UserError
from realage.sources import require_apart


@pytest.fixture
def dag(workspace: Path) -> Path:
    """The project's own dvc.yaml, as the current folder."""
    (workspace / "dvc.yaml").symlink_to(PROJECT / "dvc.yaml")
    (workspace / "data").mkdir()
    (workspace / "link").symlink_to("data")
    return workspace


@pytest.mark.parametrize(
    "path",
    [
        "data/faces/labels.csv",
        "data/faces",
        "data/photo",
        "faces",
        "link/faces",
        "../faces",
        "data/sample",
        "data/sample/labels.csv",
        "data/sample/final_files",
        "data/prepared/../faces",
    ],
)
def test_data_of_the_users_own_and_the_sample_may_be_used(dag, path):
    require_apart({"dataset.images": Path(path)})
    require_apart({"dataset.images": dag / path})


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("data", "contains data/checked.txt"),
        (".", "contains data/checked.txt"),
        ("..", "contains data/checked.txt"),
        ("/", "contains data/checked.txt"),
        ("data/faces/..", "contains data/checked.txt"),
        ("link", "contains data/checked.txt"),
        ("models", "contains models/network.keras, an out of stage 'train'"),
        ("metrics/validate.json", "is metrics/validate.json, an out of stage 'validate'"),
        ("metrics/evaluate.json", "is metrics/evaluate.json, an out of stage 'evaluate'"),
        ("data/labels/clean.csv", "is data/labels/clean.csv, an out of stage 'validate'"),
        ("link/labels/clean.csv", "is data/labels/clean.csv, an out of stage 'validate'"),
        ("data/prepared", "is data/prepared, an out of stage 'prepare'"),
        ("data/prepared/faces", "is in data/prepared, an out of stage 'prepare'"),
        ("data/weights/backbone.weights.h5", "is in data/weights, an out of stage 'weights'"),
    ],
)
def test_data_in_or_around_an_out_are_refused_and_the_key_named(dag, path, words):
    for written in (path, str(dag / path)):
        with pytest.raises(UserError) as error:
            require_apart({"dataset.labels": Path("labels.csv"), "model.weights": Path(written)})
        assert str(error.value).startswith(f"model.weights: {Path(written)}: {words}"), error.value


def test_a_link_from_outside_into_an_out_is_followed(dag, tmp_path_factory):
    link = tmp_path_factory.mktemp("elsewhere") / "photos"
    link.symlink_to(dag / "data/prepared")
    with pytest.raises(UserError, match="dataset.images: .*/photos: is data/prepared"):
        require_apart({"dataset.images": link})


def test_a_copy_of_an_out_with_the_same_place_in_the_cache_is_the_users_own(dag):
    """With `cache.type symlink` both are links to the same file."""
    (dag / "cached").touch()
    (dag / "data/labels").mkdir()
    for name in ("data/labels/clean.csv", "labels.csv"):
        (dag / name).symlink_to(dag / "cached")
    require_apart({"dataset.labels": Path("labels.csv")})


def test_without_dvc_yaml_there_are_no_outs(workspace):
    require_apart({"dataset.images": Path()})


@pytest.mark.parametrize(
    ("section", "key", "path"),
    [
        ("dataset", "images", "data"),
        ("dataset", "labels", "data/labels/clean.csv"),
        ("model", "weights", "models/network.keras"),
    ],
)
def test_what_stops_dvc_is_named_by_a_command(dag, section, key, path):
    params = small_params()
    params[section][key] = path
    write_params(dag, params)
    assert_one_line_error(run_realage(dag, "params"), f"{section}.{key}: {path}: ")


def test_dvc_refuses_photos_around_outs_too(dag):
    params = small_params()
    params["dataset"] = {"labels": "data/labels.csv", "images": "data"}
    write_params(dag, params)
    run_tool(dag, "dvc", "init", "-q", "--no-scm")
    with pytest.raises(AssertionError, match="both a dependency and an output"):
        run_tool(dag, "dvc", "repro", "--dry")
