"""Out-of-fold ages of all photos: k trainings, of which each finished one is kept.

Everything is in `data/suspects`, which Git and DVC do not keep: the photos in the size of the search, checkpoints of
the fold in training, and the answers of finished folds. An interrupted search goes on after its last finished epoch.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from realage.core.columns import PERCEPTUAL_HASH, PHOTO, REAL_AGE
from realage.core.errors import UserError
from realage.core.files import read_rows, write_csv
from realage.core.machine import accepts_other_devices
from realage.core.paths import CLEAN, PREPARED, PREPARED_LIST, SPLITS, START_MODEL, SUSPECTS, WEIGHTS
from realage.network.backbones import ModelParams
from realage.network.contents import read_learnt
from realage.network.device import set_up_device
from realage.network.recipe import TrainParams
from realage.photos.params import PrepareParams
from realage.photos.prepared import DIGEST, require_indexed
from realage.suspects.folds import assign_folds
from realage.suspects.training import Setup, resize_prepared
from realage.training.checkpoints import Checkpoints
from realage.training.identity import fingerprint, training_identity

PHOTOS = SUSPECTS / "photos"
TRAINING = SUSPECTS / "training"  # checkpoints, a folder for each fold
FINISHED = SUSPECTS / "folds"
ASSIGNED = SUSPECTS / "folds.csv"
FOLD = "fold"


def read_photos() -> pd.DataFrame:
    """Return the clean photos of all splits, and those set aside: the rows of `splits.csv`, in order of pixel hashes.

    Columns `digest`, of the prepared file, and `perceptual_hash` are added. Raises UserError if a table is damaged.
    """
    prepared = pd.read_csv(PREPARED_LIST, dtype=str)
    hashes = read_rows(CLEAN)[[PHOTO, PERCEPTUAL_HASH]]
    rows = read_rows(SPLITS).merge(prepared, on=PHOTO, validate="one_to_one")
    return rows.merge(hashes, on=PHOTO, validate="one_to_one").sort_values(PHOTO, ignore_index=True)


def ages_out_of_fold(
    rows: pd.DataFrame, folds: int, size: int, prepare: PrepareParams, model: ModelParams, train: TrainParams
) -> pd.DataFrame:
    """Return the age of each photo by a network that has seen neither the photo nor the person: as `predict_ages`.

    `rows` are from `read_photos`, with the index of the result. Prints the cost before the first training. Raises
    UserError if a prepared photo is missing or damaged, and as training does.
    """
    device = set_up_device(train.backend, train.threads)
    require_indexed(PREPARED, rows)
    assigned = rows[[PHOTO, REAL_AGE, DIGEST]].assign(fold=assign_folds(rows, folds))
    write_csv(ASSIGNED, assigned)
    setup = Setup(PHOTOS, min(size, prepare.image_size), model, train)
    # All at once, before a training loads more modules: a search that goes on has to find the same identities.
    identities = [_identity(setup, prepare, fold, device) for fold in range(folds)]
    files = [FINISHED / f"{fingerprint(identity)}.csv" for identity in identities]
    missing = [fold for fold, file in enumerate(files) if not file.is_file()]
    if missing:
        resize_prepared(PREPARED, assigned[PHOTO], setup.size, PHOTOS)
    _print_cost(setup, assigned, folds, missing, device)
    _warn_of_start(rows[PHOTO])
    for fold in missing:
        print(f"suspects: fold {fold + 1} of {folds}", flush=True)
        checkpoints = Checkpoints(TRAINING / str(fold), identities[fold], other_devices=accepts_other_devices())
        asked, learnt = assigned[assigned[FOLD] == fold], assigned[assigned[FOLD] != fold]
        answers = setup.ages_of(asked, learnt, checkpoints)
        write_csv(files[fold], asked[[PHOTO]].join(answers))
        shutil.rmtree(TRAINING / str(fold))
    _delete_all_but(files)
    return _collected(files, rows)


def _identity(setup: Setup, prepare: PrepareParams, fold: int, device: str) -> dict[str, str]:
    sections: dict[str, dict[str, Any]] = {
        "prepare": prepare.model_dump(),
        "model": setup.model.model_dump(),
        "train": setup.train.model_dump(),
        "suspects": {"size": setup.size, "fold": fold},
    }
    return training_identity(sections, (ASSIGNED, WEIGHTS), setup.train.backend, device, watched=False)


def _print_cost(setup: Setup, assigned: pd.DataFrame, folds: int, missing: list[int], device: str) -> None:
    epochs = setup.train.epochs
    print(f"suspects: {len(assigned):,} photos in {folds} folds, {epochs} epochs each, {setup.size} pixels, {device}",
          flush=True)
    if len(missing) < folds:
        print(f"          {folds - len(missing)} of {folds} folds are finished already", flush=True)
    if missing:
        speed = setup.speed(assigned)
        asked = assigned[FOLD].isin(missing).sum()
        learnt = len(missing) * len(assigned) - asked
        seconds = epochs * (learnt * speed.training + asked * speed.prediction)
        print(f"          about {_duration(seconds)}: {1 / speed.training:,.0f} photos/s in training", flush=True)


def _warn_of_start(photos: pd.Series) -> None:
    """Warn if the networks start from an age model that has learnt from some of the photos, with their labels."""
    if not START_MODEL.is_file():
        return
    learnt = read_learnt(START_MODEL)
    if learnt is None or learnt.count(photos):
        count = "perhaps" if learnt is None else f"{learnt.count(photos):,}"
        print(f"suspects: warning: model.weights is a model that has learnt from {count} of these photos, wrong labels "
              "too: set it to imagenet, or find fewer of them", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def _delete_all_but(files: list[Path]) -> None:
    """Delete the photos, checkpoints, and answers of other searches."""
    for folder in (PHOTOS, TRAINING):
        shutil.rmtree(folder, ignore_errors=True)
    for file in set(FINISHED.iterdir()) - set(files):
        file.unlink()


def _collected(files: list[Path], rows: pd.DataFrame) -> pd.DataFrame:
    parts = pd.concat([pd.read_csv(file) for file in files])
    if set(parts[PHOTO]) != set(rows[PHOTO]):
        raise UserError(f"{FINISHED}: damaged or edited: delete it and run 'realage suspects' again")
    return parts.set_index(PHOTO).loc[rows[PHOTO]].set_index(rows.index)
