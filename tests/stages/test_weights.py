"""Pretrained weights: downloaded, from a file, or none; and what is said when they cannot be had."""

import json
import os
from urllib.error import URLError

import numpy as np
import pytest
from conftest import write_params

from realage.core.errors import UserError
from realage.network.backbones import ModelParams
from realage.network.pretrained import build_backbone
from realage.network.quiet_keras import keras
from stages.weights import weights


@pytest.fixture
def project(workspace, params):
    def choose(source: str) -> ModelParams:
        params["model"] |= {"backbone": "MobileNet", "weights": source}
        write_params(workspace, params)
        return ModelParams(**params["model"])

    return choose


def same_weights(a: keras.Model, b: keras.Model) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def test_a_file_of_the_users_is_taken_over_and_hashed(workspace, project):
    original = build_backbone(project("none"), 32, weights=None)
    original.save_weights(workspace / "mine.weights.h5")
    model = project("mine.weights.h5")
    weights()
    copy = build_backbone(model, 32, weights=None)
    assert not same_weights(original, copy)
    copy.load_weights(workspace / "data/weights/backbone.weights.h5")
    assert same_weights(original, copy)
    source = json.loads((workspace / "data/weights/source.json").read_text())
    assert source["weights"] == "mine.weights.h5" and len(source["sha256"]) == 64


@pytest.mark.parametrize("save, renamed", [
    (lambda model: model.save("old.h5"), "mine.weights.h5"),
    (lambda model: model.save_weights("new.weights.h5"), "mine.h5"),
])
def test_a_renamed_file_of_either_format_is_read(workspace, project, save, renamed):
    original = build_backbone(project("none"), 32, weights=None)
    save(original)
    next(workspace.glob("*.h5")).rename(workspace / renamed)
    model = project(renamed)
    weights()
    copy = build_backbone(model, 32, weights=None)
    copy.load_weights(workspace / "data/weights/backbone.weights.h5")
    assert same_weights(original, copy)


def test_none_writes_no_weights(workspace, project):
    project("none")
    weights()
    assert [path.name for path in (workspace / "data/weights").iterdir()] == ["source.json"]


def test_imagenet_comes_through_keras_downloader(workspace, project, monkeypatch):
    """The network is the one thing replaced: Keras' own code asks for its file by name and hash."""
    original = build_backbone(project("imagenet"), 32, weights=None)
    original.save_weights(workspace / "download.weights.h5")
    asked = []

    def download(name, origin, file_hash=None, **_):
        asked.append((name, origin))
        return str(workspace / "download.weights.h5")

    monkeypatch.setattr("keras.src.applications.mobilenet.file_utils.get_file", download)
    weights()
    ((name, origin),) = asked
    assert name.startswith("mobilenet_") and name.endswith("no_top.h5") and origin.startswith("https://")
    copy = build_backbone(project("none"), 32, weights=None)
    copy.load_weights(workspace / "data/weights/backbone.weights.h5")
    assert same_weights(original, copy)


def test_without_network_the_file_wanted_is_named(project, monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise URLError("Network is unreachable")

    project("imagenet")
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", refuse)
    with pytest.raises(UserError) as error:
        weights()
    for word in ("MobileNet", "mobilenet_", ".h5", "model.weights"):
        assert word in str(error.value), error.value


def test_another_networks_file_is_refused(workspace, project):
    other = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    other.save_weights(workspace / "other.weights.h5")
    project("other.weights.h5")
    with pytest.raises(UserError, match=r"other\.weights\.h5.*MobileNet\b"):
        weights()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(workspace, project, value):
    broken = build_backbone(project("none"), 32, weights=None)
    broken.weights[7].assign(np.full(broken.weights[7].shape, value))
    broken.save_weights(workspace / "broken.weights.h5")
    project("broken.weights.h5")
    with pytest.raises(UserError, match=r"broken\.weights\.h5.*NaN or infinite") as error:
        weights()
    assert "\n" not in str(error.value) and not list((workspace / "data/weights").iterdir())


def test_a_pipe_is_refused_at_once(workspace, project):
    os.mkfifo("pipe.weights.h5")
    project("pipe.weights.h5")
    with pytest.raises(UserError, match=r"pipe\.weights\.h5"):
        weights()


def test_a_torn_file_is_refused(workspace, project):
    (workspace / "torn.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n torn")
    project("torn.weights.h5")
    with pytest.raises(UserError, match=r"torn\.weights\.h5"):
        weights()
