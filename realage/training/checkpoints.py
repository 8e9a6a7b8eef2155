"""Checkpoints: a training killed at any moment goes on after its last finished epoch, and never after another's."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from realage.core.files import replacing, write_json
from realage.training.identity import differences, fingerprint

KEPT_EPOCHS = 2  # the last one, and the one before it should the last be damaged
KEPT_TRAININGS = 3  # this one and the last others, to which a user may come back
IDENTITY_FILE = "identity.json"


class State(NamedTuple):
    """All that a training goes on from: a row of history an epoch, and the variables of network and optimizer.

    Order and transforms of the photos follow from (seed, epoch); the random state of dropout is one of `model`.
    """

    history: list[dict[str, float]]
    model: list[np.ndarray]
    optimizer: list[np.ndarray]
    best_weights: list[np.ndarray]


class Checkpoints:
    """The checkpoints of one training in `root/FINGERPRINT`; an epoch is one file, complete or not there."""

    def __init__(self, root: Path, identity: dict[str, str], before_save: Callable[[], None] = lambda: None) -> None:
        """`before_save` is called before each epoch is saved; what it raises stops the training unsaved."""
        self.root, self.identity, self.before_save = root, identity, before_save
        self.fingerprint = fingerprint(identity)
        self.folder = root / self.fingerprint

    def latest(self) -> State | None:
        """The state after the last epoch whose file is sound, None where there is none; says what it passes over."""
        # Written before the first epoch: a folder that takes no files should cost nobody an epoch.
        write_json(self.folder / IDENTITY_FILE, self.identity)
        for file in reversed(self._files()):
            try:
                return self._read(file)
            except Exception as error:  # a damaged archive fails in more ways than NumPy documents
                reason = " ".join(str(error).split()) or type(error).__name__
                print(f"train: {file} is damaged or foreign ({reason}): passed over", flush=True)
        self._explain_start()
        return None

    def save(self, state: State) -> None:
        """Add the state after an epoch and delete what is no longer needed."""
        self.before_save()
        epoch = len(state.history)
        with replacing(self._file(epoch)) as part:
            np.savez(part, fingerprint=self.fingerprint, history=json.dumps(state.history), **_arrays(state))
        # Of two that were both damaged, later epochs than this one may be left.
        kept = [self._file(epoch - back) for back in range(KEPT_EPOCHS)]
        for file in self._files():
            if file not in kept:
                file.unlink()
        self._prune_trainings()

    def _file(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:05}.npz"

    def _files(self) -> list[Path]:
        return sorted(file for file in self.folder.glob("epoch-*.npz") if file.is_file())

    def _read(self, file: Path) -> State:
        with np.load(file, allow_pickle=False) as archive:
            if archive["fingerprint"] != self.fingerprint:
                raise ValueError("of another training")
            lists = [[archive[f"{kind}{n}"] for n in range(archive[kind])] for kind in State._fields[1:]]
            state = State(json.loads(str(archive["history"])), *lists)
        if file != self._file(len(state.history)):
            raise ValueError("of another epoch")
        return state

    def _explain_start(self) -> None:
        """Say of everything else that lies in `root` why it is not taken up."""
        for folder in self._others():
            identity = _read_identity(folder)
            if not identity:
                print(f"train: {folder} is nothing that this project wrote: left alone", flush=True)
                continue
            reasons = differences(identity, self.identity)
            more = f" and {len(reasons) - 5} more" if len(reasons) > 5 else ""
            print(f"train: {folder} is of a training with other {', '.join(reasons[:5])}{more}: not used", flush=True)

    def _prune_trainings(self) -> None:
        trainings = [folder for folder in self._others() if _read_identity(folder)]
        for folder in trainings[KEPT_TRAININGS - 1 :]:
            shutil.rmtree(folder)

    def _others(self) -> list[Path]:
        """What lies beside this training's folder, the last used first."""
        entries = sorted(self.root.glob("*"), key=lambda entry: entry.lstat().st_mtime, reverse=True)
        return [entry for entry in entries if entry != self.folder]


def _read_identity(folder: Path) -> dict[str, str]:
    """What a folder's checkpoints are of; empty where it is not a folder that this module has written."""
    if folder.is_symlink():
        return {}
    try:
        identity = json.loads((folder / IDENTITY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return identity if isinstance(identity, dict) and fingerprint(identity) == folder.name else {}


def _arrays(state: State) -> dict[str, Any]:
    """For each list of arrays its length, so that a missing one does not go unseen, and, numbered, its arrays."""
    arrays: dict[str, Any] = {}
    for kind in State._fields[1:]:
        values = getattr(state, kind)
        arrays |= {kind: len(values), **{f"{kind}{n}": value for n, value in enumerate(values)}}
    return arrays
