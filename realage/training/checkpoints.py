"""Checkpoints: an interrupted training resumes after its last finished epoch, and only from its own checkpoints."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from realage.core.disk import replacing
from realage.core.errors import printable
from realage.core.files import write_json
from realage.training.identity import DEVICE, EARLIER, continued, differences, fingerprint

KEPT_EPOCHS = 2  # the last one, and the one before in case the last is damaged
KEPT_TRAININGS = 3  # this one and the most recent others, to which a user may return
IDENTITY_FILE = "identity.json"
OF_DEVICES = {DEVICE, EARLIER}


class State(NamedTuple):
    """The state that a training resumes from: history (one row per epoch), variables of network and optimizer.

    Order and transforms of the photos follow from (seed, epoch). The random state of dropout is among `model`.
    """

    history: list[dict[str, float]]
    model: list[np.ndarray]
    optimizer: list[np.ndarray]
    best_weights: list[np.ndarray]


class Checkpoints:
    """The checkpoints of one training in `root/FINGERPRINT`; each epoch is one file, written atomically."""

    def __init__(
        self,
        root: Path,
        identity: dict[str, str],
        before_save: Callable[[], None] = lambda: None,
        other_devices: bool = False,
    ) -> None:
        """`before_save` is called before each save; an exception that it raises ends the training without saving.

        With `other_devices` a training may continue one that differs from it in the device alone.
        """
        self.root, self.before_save, self.other_devices = root, before_save, other_devices
        self.identity = identity

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.identity)

    @property
    def folder(self) -> Path:
        return self.root / self.fingerprint

    @property
    def earlier_devices(self) -> str | None:
        """The devices that trained the first epochs, if they are not the present one: no device has the same bytes."""
        return self.identity.get(EARLIER)

    def latest(self) -> State | None:
        """Return the state after the last epoch with a valid file, or None; prints what it skips."""
        state = self._latest()
        # Written before the first epoch, so that training in a read-only folder fails at once.
        write_json(self.folder / IDENTITY_FILE, self.identity)
        if state is None:
            self._explain_start()
        if self.earlier_devices:
            _say(f"continues the training of another device ({self.earlier_devices}): the model's bytes will be those "
                 "of neither device")
        return state

    def _latest(self) -> State | None:
        for file in self._candidates():
            try:
                state = self._read(file)
            except Exception as error:  # a damaged archive raises more exceptions than NumPy documents
                reason = " ".join(str(error).split()) or type(error).__name__
                _say(f"{file} is damaged or foreign ({reason}): skipped")
                continue
            if file.parent != self.folder:
                self.identity = continued(_read_identity(file.parent), self.identity, len(state.history))
            return state
        return None

    def _candidates(self) -> list[Path]:
        """The files to resume from, the latest epoch first; at the same epoch this device's own."""
        folders = [self.folder, *(self._of_other_devices() if self.other_devices else [])]
        files = [file for folder in folders for file in _files(folder)]
        return sorted(files, key=lambda file: (file.name, file.parent == self.folder), reverse=True)

    def _of_other_devices(self) -> Iterator[Path]:
        for folder in self._others():
            if (identity := _read_identity(folder)) and set(differences(identity, self.identity)) <= OF_DEVICES:
                yield folder

    def save(self, state: State) -> None:
        """Save the state after an epoch and delete files that are no longer needed."""
        self.before_save()
        epoch = len(state.history)
        with replacing(self._file(epoch)) as part:
            np.savez(part, fingerprint=self.fingerprint, history=json.dumps(state.history), **_arrays(state))
        # Not only the oldest: if damaged files were skipped, files of later epochs than this one exist.
        kept = [self._file(epoch - back) for back in range(KEPT_EPOCHS)]
        for file in _files(self.folder):
            if file not in kept:
                file.unlink()
        self._prune_trainings()

    def _file(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:05}.npz"

    def _read(self, file: Path) -> State:
        with np.load(file, allow_pickle=False) as archive:
            if archive["fingerprint"] != file.parent.name:
                raise ValueError("of another training")
            lists = [[archive[f"{kind}{n}"] for n in range(archive[kind])] for kind in State._fields[1:]]
            state = State(json.loads(str(archive["history"])), *lists)
        if file.name != self._file(len(state.history)).name:
            raise ValueError("of another epoch")
        return state

    def _explain_start(self) -> None:
        """Print why the other entries of `root` are not used."""
        for folder in self._others():
            identity = _read_identity(folder)
            if not identity:
                _say(f"{folder} was not written by this project: ignored")
                continue
            reasons = differences(identity, self.identity)
            more = f" and {len(reasons) - 5} more" if len(reasons) > 5 else ""
            cure = ": to continue it, set REALAGE_OTHER_DEVICES=1" if set(reasons) <= OF_DEVICES else ""
            _say(f"{folder} not used: the training differs in {', '.join(reasons[:5])}{more}{cure}")

    def _prune_trainings(self) -> None:
        trainings = [folder for folder in self._others() if _read_identity(folder)]
        for folder in trainings[KEPT_TRAININGS - 1 :]:
            shutil.rmtree(folder)

    def _others(self) -> list[Path]:
        """The other entries of `root`, the last used first."""
        entries = sorted(self.root.glob("*"), key=lambda entry: entry.lstat().st_mtime, reverse=True)
        return [entry for entry in entries if entry != self.folder]


def _say(text: str) -> None:
    print(printable(f"train: {text}"), flush=True)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("epoch-*.npz") if file.is_file())


def _read_identity(folder: Path) -> dict[str, str]:
    """The identity of the training in `folder`; empty if this module did not write the folder."""
    if folder.is_symlink():
        return {}
    try:
        identity = json.loads((folder / IDENTITY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return identity if isinstance(identity, dict) and fingerprint(identity) == folder.name else {}


def _arrays(state: State) -> dict[str, Any]:
    """The numbered arrays of each list, and the list's length, so that a missing array is noticed."""
    arrays: dict[str, Any] = {}
    for kind in State._fields[1:]:
        values = getattr(state, kind)
        arrays |= {kind: len(values), **{f"{kind}{n}": value for n, value in enumerate(values)}}
    return arrays
