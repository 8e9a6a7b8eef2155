"""Model files that are damaged, foreign or made to do harm: one line each, before Keras or the memory notices."""

import json
import os
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import PROJECT, recipe

from realage.core.errors import UserError
from realage.network import model_file
from realage.network.archive import LEARNT_FILE, LIMITS, OPTIONAL
from realage.network.contents import Recipe, read_learnt, read_recipe
from realage.network.learnt import LearntPhotos
from realage.network.model_file import load_model, load_network, save_model
from realage.network.quiet_keras import keras
from realage.photos.params import PrepareParams

SOUND = PROJECT / "tests/data/regression-0.1.keras"
FOREIGN = r"age\.keras: not a model that this project trained: "
Members = dict[str, bytes]


@pytest.fixture
def file(workspace: Path) -> Path:
    return Path("age.keras")


@pytest.fixture
def without_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras must not see the file."""

    def load(*_, **__):
        raise AssertionError("Keras was asked to load it")

    monkeypatch.setattr(model_file.keras.models, "load_model", load)


def write(file: Path, members: Members, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)


def sound_members() -> Members:
    with zipfile.ZipFile(SOUND) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def change_json(file: Path, name: str, change: Callable[[dict], object]) -> None:
    """Write the sound model with one of its JSON members changed."""
    members = sound_members()
    contents = json.loads(members[name])
    change(contents)
    write(file, members | {name: json.dumps(contents).encode()})


def save(file: Path, outputs: Callable, size: int = 32) -> None:
    """Save a small model whose outputs are `outputs` of its one feature, with a recipe for 32 pixels."""
    pixels = keras.Input((size, size, 3))
    feature = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(pixels))
    prepare = PrepareParams(image_size=32, crop="none", margin=0.0, fit="pad")
    save_model(keras.Model(pixels, outputs(feature)), file, Recipe(prepare=prepare, train=recipe().model_dump()))


def assert_refused(file: Path, pattern: str, load: Callable = load_model) -> None:
    with pytest.raises(UserError, match=FOREIGN + pattern) as error:
        load(file)
    said = str(error.value)
    assert "\n" not in said and len(said) < 700 and said.endswith("with 'dvc pull'")


@pytest.mark.parametrize("contents", [b"", b"no zip", b"PK\x03\x04 torn"])
def test_what_is_no_archive_is_refused(file, contents):
    file.write_bytes(contents)
    assert_refused(file, "File is not a zip file", read_recipe)


def test_a_missing_model_is_named(file):
    with pytest.raises(UserError, match="age.keras: no such file: train one"):
        read_recipe(file)


def test_a_pipe_is_refused_at_once_and_so_is_a_folder(file):
    os.mkfifo(file)
    assert_refused(file, "it is not a regular file")
    file.unlink()
    file.mkdir()
    assert_refused(file, "it is not a regular file")


@pytest.mark.parametrize("name", [name for name in LIMITS if name not in OPTIONAL])
def test_a_member_that_is_missing_or_damaged_is_named(file, without_keras, name):
    members = sound_members()
    write(file, {other: members[other] for other in members if other != name})
    assert_refused(file, f"it has to contain .*{name}.* and contains ")
    contents = bytearray(SOUND.read_bytes())
    start = contents.index(members[name])
    contents[start + len(members[name]) // 2] ^= 1
    file.write_bytes(contents)
    assert_refused(file, f"({name} in it is damaged|Bad CRC-32 for file '{name}')")


def test_a_member_that_keras_does_not_write_and_one_that_is_there_twice_are_refused(file, without_keras):
    write(file, sound_members() | {"../evil.py": b""})
    assert_refused(file, r"it has to contain .*evil\.py")
    write(file, sound_members())
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
    assert_refused(file, "it has to contain .* and contains .*config.json.*config.json")


@pytest.mark.parametrize("name", LIMITS)
def test_a_bomb_is_refused_by_its_declared_size(file, without_keras, name):
    write(file, sound_members() | {name: b"0" * 1_000_000}, zipfile.ZIP_DEFLATED)
    assert_refused(file, "[a-z.0-9]+ in it is compressed")
    if name.endswith("json"):
        write(file, sound_members() | {name: b"0" * (LIMITS[name] + 1)})
        assert_refused(file, rf"{name} in it has [\d,]+ bytes, and the limit is")


def test_photos_that_a_model_learnt_from_travel_in_its_file_and_may_be_missing(file):
    save(file, lambda feature: {"age": feature})
    assert read_learnt(file) is None and read_learnt(SOUND) is None
    with_photos = file.with_name("with_photos.keras")
    save_model(load_model(file), with_photos, read_recipe(file), LearntPhotos.of(["0f" * 16, "1e" * 16]))
    assert read_learnt(with_photos).count(["1e" * 16, "2d" * 16]) == 1
    assert load_model(with_photos).output_names == load_model(file).output_names


@pytest.mark.parametrize("contents", [b"no hashes", b"\xff" * 16])
def test_a_list_of_photos_that_is_none_is_refused(file, contents):
    write(file, sound_members() | {LEARNT_FILE: contents})
    assert_refused(file, "learnt_photos.bin in it: (it has 9 bytes|its hashes are not in order)", read_learnt)


def test_a_list_of_photos_that_is_too_large_or_there_twice_is_refused(file, without_keras, monkeypatch):
    monkeypatch.setitem(LIMITS, LEARNT_FILE, 16)
    write(file, sound_members() | {LEARNT_FILE: bytes(24)})
    assert_refused(file, "learnt_photos.bin in it has 24 bytes, and the limit is 16", read_learnt)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(LEARNT_FILE, b"")
    assert_refused(file, "it has to contain .* and contains .*learnt_photos.bin, learnt_photos.bin", read_learnt)


def test_members_that_share_their_bytes_are_refused(file, without_keras):
    """Stored, but each member as large as the file: a directory can name the same bytes several times."""
    write(file, sound_members())
    size = file.stat().st_size
    contents = bytearray(file.read_bytes())
    entry = contents.rindex(b"PK\x01\x02", 0, contents.rindex(b"model.weights.h5"))
    contents[entry + 20 : entry + 28] = size.to_bytes(4, "little") * 2
    file.write_bytes(contents)
    assert_refused(file, "its members are larger than the file")


def test_weights_that_unpack_to_more_than_their_file_are_refused(file, without_keras):
    for options in ({"data": np.zeros(10**6), "compression": "gzip"}, {"shape": (10**12,), "dtype": "f4"}):
        weights = BytesIO()
        with h5py.File(weights, "w") as bomb:
            bomb.create_dataset("layers/dense/vars/0", chunks=(10**5,), **options)
        write(file, sound_members() | {"model.weights.h5": weights.getvalue()})
        assert_refused(file, "the weights in model.weights.h5 are larger than it")
    write(file, sound_members() | {"model.weights.h5": b"\x89HDF\r\n\x1a\n torn"})
    assert_refused(file, "Unable to")


@pytest.mark.parametrize("name", [name for name in LIMITS if name.endswith("json")])
@pytest.mark.parametrize("depth", [200, 100_000])
def test_json_that_is_absurdly_deep_is_refused(file, without_keras, name, depth):
    write(file, sound_members() | {name: b"[" * depth + b"]" * depth})
    assert_refused(file, f"{name} in it is nested more than 100 deep")


@pytest.mark.parametrize(("contents", "problem"), [
    (b"{}", "prepare: Field required"),
    (b"[]", "all of it: Input should be"),
    (b'{"prepare": {"image_size": "large"}}', "prepare.image_size: Input should be a valid integer"),
    (b"no JSON", "not JSON"),
    (b"\xff", "not JSON"),
])
def test_a_foreign_recipe_is_refused(file, without_keras, contents, problem):
    write(file, sound_members() | {"realage.json": contents})
    assert_refused(file, f"realage.json in it.*{problem}")


def test_an_encrypted_recipe_is_refused(file):
    contents = bytearray(SOUND.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # of the member, and of the directory
        member = contents.rindex(header, 0, contents.rindex(b"realage.json", 0, contents.rindex(header) + 100) + 1)
        contents[member + flags] |= 1
    file.write_bytes(contents)
    assert_refused(file, ".*encrypted", read_recipe)


def test_a_recipe_for_another_size_than_the_networks_is_refused(file):
    change_json(file, "realage.json", lambda recipe: recipe["prepare"].update(image_size=64))
    assert_refused(file, r"its recipe has prepare.image_size 64, and its network takes .* \(None, 32, 32, 3\)")


def test_outputs_that_are_no_ages_are_refused(file):
    save(file, lambda feature: {"years": feature})
    assert_refused(file, "its outputs have to be age, or age and spread, .*, and are years")
    save(file, lambda feature: [feature, feature])
    assert_refused(file, "its outputs have to be age, .* without names")
    save(file, lambda feature: {"age": keras.layers.Concatenate()([feature, feature])})
    assert_refused(file, "its outputs have to be age, or age and spread, one number")
    save(file, lambda feature: feature)
    assert load_network(file).output_shape == (None, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(file, value):
    def broken(feature):
        return {"age": keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(value), name="last")(feature)}

    save(file, broken)
    assert_refused(file, "its weight last/bias has values that are NaN or infinite")


def test_what_keras_cannot_load_is_one_short_line(file):
    def first_layer(**changes) -> Callable[[dict], object]:
        return lambda config: config["config"]["layers"][1].update(changes)

    for change, problem in (
        (first_layer(module="absent_package.layers", class_name="Magic", registered_name="Magic"), "class 'Magic'"),
        (first_layer(module="keras.layers", class_name="Unknown", registered_name=None), "'keras.layers.Unknown'"),
        (first_layer(config={"units": "many"}), "unexpected keyword argument 'units'"),
        (lambda config: config.clear(), "Expected object"),
        (lambda config: config.update(config={}), "Unable to revive model from config"),
    ):
        change_json(file, "config.json", change)
        assert_refused(file, f"Keras cannot load it: [^:]*{problem}")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (h5py.ExternalLink("/etc/hostname", "/x"), "is a link"),
        (h5py.SoftLink("/layers"), "is a link"),
        (np.zeros(3, "complex64"), "is no array of numbers"),
        (np.full(3, b"text"), "is no array of numbers"),
    ],
)
def test_weights_are_numbers_of_the_file_itself(file, without_keras, value, words):
    with zipfile.ZipFile(SOUND) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    weights = BytesIO(members["model.weights.h5"])
    with h5py.File(weights, "r+") as contents:
        contents["other"] = value
    with zipfile.ZipFile(file, "w") as archive:
        for name, member in (members | {"model.weights.h5": weights.getvalue()}).items():
            archive.writestr(name, member)
    with pytest.raises(UserError, match=FOREIGN + f"other in model.weights.h5 {words}"):
        load_model(file)
