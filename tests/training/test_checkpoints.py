"""Checkpoints: training goes on as if it had never stopped, and never from what is damaged, foreign or old."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT, recipe

from realage.core.errors import UserError
from realage.core.machine import accepts_other_devices
from realage.core.params import load
from realage.network.backbones import ModelParams
from realage.network.heads import build_head
from realage.network.quiet_keras import keras
from realage.photos.prepared import to_png, write_prepared
from realage.training.checkpoints import KEPT_TRAININGS, Checkpoints, State
from realage.training.fit import Fit, compile_network, fit_model
from realage.training.photo_dataset import PhotoDataset

LINE = build_head(load("model", ModelParams, PROJECT / "params.yaml").model_copy(update={"head": "regression"}))


def state(epochs: int) -> State:
    """A state after so many epochs, unlike that after any other number."""
    history = [{"epoch": epoch, "val_mae": 1 / epoch} for epoch in range(1, epochs + 1)]
    arrays = [np.full((3, 2), epochs, np.float32), np.full(4, -epochs, np.float32)]
    return State(history, arrays, [np.array(epochs, np.int64), *arrays], arrays[:1])


def saved(root: Path, identity: dict[str, str], epochs: int) -> Checkpoints:
    checkpoints = Checkpoints(root, identity)
    checkpoints.latest()
    for epoch in range(1, epochs + 1):
        checkpoints.save(state(epoch))
    return checkpoints


def assert_same(found: State, expected: State) -> None:
    assert found.history == expected.history
    for one, other in zip(found[1:], expected[1:], strict=True):
        assert len(one) == len(other) and all(map(np.array_equal, one, other))


def test_the_last_state_comes_back_whole(tmp_path):
    saved(tmp_path, {"a": "1"}, epochs=12)
    assert_same(Checkpoints(tmp_path, {"a": "1"}).latest(), state(12))


def test_where_there_is_nothing_training_starts_anew_without_a_word(tmp_path, capsys):
    assert Checkpoints(tmp_path / "checkpoints", {"a": "1"}).latest() is None
    assert capsys.readouterr().out == ""


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def swap_for_a_pickle(file: Path) -> None:
    with file.open("wb") as stream:
        np.save(stream, np.array([{"not": "numbers"}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize("damage", [cut, empty, swap_for_a_pickle])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(tmp_path, capsys, damage):
    checkpoints = saved(tmp_path, {"a": "1"}, epochs=3)
    damage(checkpoints.folder / "epoch-00003.npz")
    assert_same(checkpoints.latest(), state(2))
    (line,) = capsys.readouterr().out.splitlines()
    assert f"{checkpoints.folder}/epoch-00003.npz is damaged" in line


def test_no_damaged_byte_goes_into_a_training(tmp_path):
    checkpoints = saved(tmp_path, {"a": "1"}, epochs=3)
    file = checkpoints.folder / "epoch-00003.npz"
    contents = file.read_bytes()
    for position in range(0, len(contents), 5):
        file.write_bytes(contents[:position] + bytes([contents[position] ^ 0x10]) + contents[position + 1 :])
        found = checkpoints.latest()
        # Some bytes of an archive, such as its dates, mean nothing.
        assert_same(found, state(len(found.history)))


def test_with_every_file_damaged_training_starts_anew_and_heals(tmp_path):
    checkpoints = saved(tmp_path, {"a": "1"}, epochs=10)
    for file in checkpoints.folder.iterdir():
        empty(file)
    assert checkpoints.latest() is None
    for epochs in range(1, 4):
        checkpoints.save(state(epochs))
        assert_same(checkpoints.latest(), state(epochs))
    assert json.loads((checkpoints.folder / "identity.json").read_text()) == {"a": "1"}


def test_a_folder_that_takes_no_files_costs_nobody_an_epoch(tmp_path):
    (tmp_path / "checkpoints").write_text("a file of the user's")
    with pytest.raises(OSError, match="checkpoints"):
        Checkpoints(tmp_path / "checkpoints", {"a": "1"}).latest()


def test_another_training_is_named_and_not_taken_up(tmp_path, capsys):
    other = saved(tmp_path, {"train.seed": "1", "realage/network/model.py": "old"}, epochs=3)
    assert Checkpoints(tmp_path, {"train.seed": "1", "realage/network/model.py": "new"}).latest() is None
    expected = f"train: {other.folder} not used: the training differs in realage/network/model.py\n"
    assert capsys.readouterr().out == expected


def resumed(root: Path, device: str, capsys, **others: str) -> tuple[Checkpoints, State | None, str]:
    """A training on `device` that accepts other devices, the state that it resumes from, and what it prints."""
    checkpoints = Checkpoints(root, {"device": device, **others}, other_devices=True)
    return checkpoints, checkpoints.latest(), capsys.readouterr().out


def test_another_device_is_named_with_the_variable_that_accepts_it(tmp_path, capsys):
    saved(tmp_path, {"device": "AMD"}, epochs=3)
    assert Checkpoints(tmp_path, {"device": "Intel"}).latest() is None
    said = capsys.readouterr().out
    assert "the training differs in device" in said and "REALAGE_OTHER_DEVICES=1" in said


def test_a_training_of_another_device_is_continued_if_that_is_accepted_and_it_says_so(tmp_path, capsys):
    amd = saved(tmp_path, {"device": "AMD"}, epochs=3)
    intel, state_, said = resumed(tmp_path, "Intel", capsys)
    assert_same(state_, state(3))
    assert intel.earlier_devices == "AMD to epoch 3" and "neither device" in said and "AMD to epoch 3" in said
    intel.save(state(4))
    assert {folder.name for folder in tmp_path.iterdir()} == {amd.folder.name, intel.folder.name}


def test_nothing_else_than_the_device_may_differ(tmp_path, capsys):
    saved(tmp_path, {"device": "AMD", "train.seed": "1"}, epochs=3)
    checkpoints, state_, said = resumed(tmp_path, "Intel", capsys, **{"train.seed": "2"})
    assert state_ is None and checkpoints.earlier_devices is None
    assert "differs in device, train.seed" in said and "REALAGE_OTHER_DEVICES" not in said


def test_a_training_of_two_devices_is_never_taken_for_one_of_the_second(tmp_path, capsys):
    saved(tmp_path, {"device": "AMD"}, epochs=3)
    mixed = resumed(tmp_path, "Intel", capsys)[0]
    mixed.save(state(4))
    assert Checkpoints(tmp_path, {"device": "Intel"}).latest() is None, "the variable was forgotten"
    again, state_, said = resumed(tmp_path, "Intel", capsys)
    assert_same(state_, state(4))
    assert again.folder == mixed.folder and again.earlier_devices == "AMD to epoch 3" and "neither device" in said


def test_every_change_of_device_is_kept_and_the_furthest_epoch_continued(tmp_path, capsys):
    saved(tmp_path, {"device": "AMD"}, epochs=3)
    for device, epoch in (("Intel", 4), ("AMD", 5), ("GPU", 6)):
        checkpoints, state_, _ = resumed(tmp_path, device, capsys)
        assert_same(state_, state(epoch - 1))
        checkpoints.save(state(epoch))
    assert checkpoints.earlier_devices == "AMD to epoch 3, Intel to epoch 4, AMD to epoch 5"


def test_at_the_same_epoch_a_devices_own_checkpoint_comes_first_and_the_bytes_are_its_own(tmp_path, capsys):
    saved(tmp_path, {"device": "AMD"}, epochs=3)
    saved(tmp_path, {"device": "Intel"}, epochs=3)
    checkpoints, state_, said = resumed(tmp_path, "Intel", capsys)
    assert_same(state_, state(3))
    assert checkpoints.earlier_devices is None and "neither device" not in said


def test_a_damaged_checkpoint_of_another_device_is_skipped_too(tmp_path, capsys):
    empty(saved(tmp_path, {"device": "AMD"}, epochs=3).folder / "epoch-00003.npz")
    checkpoints, state_, said = resumed(tmp_path, "Intel", capsys)
    assert_same(state_, state(2))
    assert checkpoints.earlier_devices == "AMD to epoch 2" and "epoch-00003.npz is damaged" in said


@pytest.mark.parametrize(("value", "accepted"), [(None, False), ("0", False), ("1", True)])
def test_the_variable_accepts_other_devices(monkeypatch, value, accepted):
    monkeypatch.delenv("REALAGE_OTHER_DEVICES", raising=False)
    if value:
        monkeypatch.setenv("REALAGE_OTHER_DEVICES", value)
    assert accepts_other_devices() is accepted


def test_a_variable_that_is_neither_yes_nor_no_is_refused(monkeypatch):
    monkeypatch.setenv("REALAGE_OTHER_DEVICES", "yes")
    with pytest.raises(UserError, match="REALAGE_OTHER_DEVICES is 'yes'"):
        accepts_other_devices()


def test_a_checkpoint_copied_from_another_training_is_passed_over(tmp_path, capsys):
    ours, other = saved(tmp_path, {"a": "1"}, epochs=1), saved(tmp_path, {"a": "2"}, epochs=2)
    shutil.copy(other.folder / "epoch-00002.npz", ours.folder / "epoch-00002.npz")
    shutil.copy(ours.folder / "epoch-00001.npz", ours.folder / "epoch-00003.npz")
    assert_same(ours.latest(), state(1))
    said = capsys.readouterr().out
    assert "epoch-00002.npz is damaged or foreign (of another training): skipped" in said
    assert "epoch-00003.npz is damaged or foreign (of another epoch): skipped" in said


def test_two_epochs_and_the_last_few_trainings_are_kept(tmp_path):
    folders = [saved(tmp_path, {"a": str(number)}, epochs=4).folder for number in range(KEPT_TRAININGS + 2)]
    assert sorted(tmp_path.iterdir()) == sorted(folders[2:])
    for folder in folders[2:]:
        assert sorted(file.name for file in folder.iterdir()) == [
            "epoch-00003.npz", "epoch-00004.npz", "identity.json"
        ]


def test_trainings_of_the_future_do_not_crowd_out_the_present_one(tmp_path):
    for number in range(KEPT_TRAININGS + 2):
        os.utime(saved(tmp_path, {"a": str(number)}, epochs=1).folder, times=(2**32, 2**32))
    present = saved(tmp_path, {"a": "new"}, epochs=3)
    assert_same(present.latest(), state(3))


def test_what_is_not_ours_is_named_and_left_alone(tmp_path, capsys):
    foreign = tmp_path / "thesis", tmp_path / "notes.txt", tmp_path / "broken", tmp_path / "elsewhere"
    foreign[0].mkdir()
    (foreign[0] / "identity.json").write_text('{"name": "me"}')
    foreign[1].write_text("mine")
    foreign[2].symlink_to("nowhere")
    foreign[3].symlink_to(saved(tmp_path.parent / "outside", {"a": "x"}, epochs=1).folder)
    for number in range(KEPT_TRAININGS + 2):
        saved(tmp_path, {"a": str(number)}, epochs=1)
    assert all(path.is_symlink() or path.exists() for path in foreign)
    assert Checkpoints(tmp_path, {"a": "new"}).latest() is None
    said = capsys.readouterr().out
    assert all(f"{path} was not written by this project: ignored" in said for path in foreign)


def test_no_name_in_the_folder_writes_to_the_terminal(tmp_path, capsys):
    (tmp_path / "\x1b[2J").mkdir()
    folder = saved(tmp_path, {"a": "1", "\x1b]0;title": "x"}, epochs=1).folder
    (folder / "epoch-~\x1b[8m.npz").write_bytes(b"no archive")
    Checkpoints(tmp_path, {"a": "1", "\x1b]0;title": "x"}).latest()
    Checkpoints(tmp_path, {"a": "2"}).latest()
    said = capsys.readouterr().out
    assert "\x1b" not in said
    for name in ("\\x1b[2J", "\\x1b]0;title", "epoch-~\\x1b[8m.npz"):
        assert name in said


def test_what_a_killed_process_was_writing_is_overwritten(tmp_path):
    checkpoints = saved(tmp_path, {"a": "1"}, epochs=2)
    (checkpoints.folder / ".part.epoch-00003.npz").write_bytes(b"half")
    assert_same(checkpoints.latest(), state(2))
    checkpoints.save(state(3))
    assert_same(checkpoints.latest(), state(3))
    assert not list(checkpoints.folder.glob(".part*"))


class Killed(Exception):
    """Stands for the end of the process."""


class KilledAfter(Checkpoints):
    """Checkpoints of a process that ends with the given epoch."""

    def __init__(self, root: Path, epoch: int) -> None:
        super().__init__(root, {})
        self.last_epoch = epoch

    def save(self, state: State) -> None:
        super().save(state)
        if len(state.history) == self.last_epoch:
            raise Killed


@pytest.fixture
def photos(tmp_path: Path) -> PhotoDataset:
    """Twelve black photos of ages from 1 to 12."""
    (tmp_path / "prepared").mkdir()
    for age in range(1, 13):
        write_prepared(tmp_path / "prepared", f"hash{age}", to_png(np.zeros((8, 8, 3), np.uint8)))
    return PhotoDataset(tmp_path / "prepared", [f"hash{age}" for age in range(1, 13)], range(1, 13), batch_size=4)


def train(photos: PhotoDataset, checkpoints: Checkpoints, keep: str) -> tuple[Fit, list[np.ndarray]]:
    """Train a network with all kinds of state: weights, batch statistics, dropout's random numbers, Adam's moments."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.Input((8, 8, 3)),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.BatchNormalization(momentum=0.5),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(1, kernel_initializer="zeros", dtype="float32"),
    ])
    # It learns to say a higher and higher age, which is wrong for newborns: the first epoch stays the best.
    newborns = PhotoDataset(photos.folder, photos.photos, [0] * len(photos.photos), batch_size=4)
    params = recipe(keep=keep, epochs=4, learning_rate=0.1, final_rate=1.0, warmup_epochs=0)
    compile_network(model, LINE, params, len(photos))
    return fit_model(model, photos, newborns, params, checkpoints), model.get_weights()


# In mixed_float16 the scale of the loss is state as well.
@pytest.mark.parametrize(("keep", "precision"), [("best", "float32"), ("last", "mixed_float16")])
def test_an_interrupted_training_ends_like_an_uninterrupted_one(photos, tmp_path, keep, precision):
    keras.mixed_precision.set_dtype_policy(precision)
    try:
        whole, weights = train(photos, Checkpoints(tmp_path / "whole", {}), keep)
        for epoch in (2, 4):
            with pytest.raises(Killed):
                train(photos, KilledAfter(tmp_path / str(epoch), epoch), keep)
            resumed, resumed_weights = train(photos, Checkpoints(tmp_path / str(epoch), {}), keep)
            assert resumed.epochs_before == epoch
            assert resumed.history.equals(whole.history) and resumed.kept_epoch == whole.kept_epoch
            assert all(map(np.array_equal, resumed_weights, weights))
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert whole.epochs_before == 0 and whole.best_epoch == 1
