"""Prepared photos, indexes of training and validation, first weights -> a trained network and its history."""

import platform
import sys
import time
from functools import partial
from importlib.metadata import version

import pandas as pd

from realage.core.columns import PHOTO, REAL_AGE
from realage.core.errors import UserError, printable
from realage.core.files import write_csv, write_json
from realage.core.machine import accepts_other_devices
from realage.core.params import load
from realage.core.paths import (
    CHECKPOINTS,
    HISTORY,
    INDEX,
    LIVE_HISTORY,
    NETWORK,
    PREPARED,
    WEIGHTS,
    metrics_file,
)
from realage.network.backbones import ModelParams
from realage.network.contents import Recipe, seen_warning
from realage.network.device import set_up_device
from realage.network.heads import build_head
from realage.network.learnt import LearntPhotos
from realage.network.model import build_network, uncompiled
from realage.network.model_file import save_model
from realage.network.recipe import TrainParams
from realage.network.warm_start import Origin, start_network
from realage.photos.params import PrepareParams
from realage.photos.prepared import read_index, require_indexed
from realage.runner.command import run
from realage.runner.watch import is_watched, require_unchanged_inputs, watch
from realage.training.augment import PhotoAugmenter
from realage.training.balance import balance_weights
from realage.training.checkpoints import Checkpoints
from realage.training.fit import compile_network, fit_model, seed_everything
from realage.training.identity import training_identity
from realage.training.photo_dataset import PhotoDataset

TRAIN, VAL = INDEX / "train.csv", INDEX / "val.csv"


def train() -> None:
    """Write `models/network.keras`, `plots/training.csv` and `metrics/train.json`.

    Also write, untracked, `metrics/run.json` and `live/training.csv`, which gets a row after each epoch.
    """
    prepare, model_params = load("prepare", PrepareParams), load("model", ModelParams)
    params = load("train", TrainParams)
    network_params = model_params.model_dump(exclude={"flip_average"})  # added by stage 'package'
    device = set_up_device(params.backend, params.threads)
    seed_everything(params)
    chosen, validated = _chosen(read_index(TRAIN), params.photos), read_index(VAL)
    # The folder of prepared photos is not a dependency, as it also has photos that no split uses.
    require_indexed(PREPARED, pd.concat([chosen, validated]))
    watch(PREPARED)
    sections = {"prepare": prepare.model_dump(), "model": network_params, "train": params.model_dump()}
    identity = training_identity(sections, (TRAIN, VAL, WEIGHTS), params.backend, device, watched=is_watched())
    weights = balance_weights(chosen[REAL_AGE], params.balance)
    train_set = _photos(chosen, params, augmenter=PhotoAugmenter(params.augment), seed=params.seed, weights=weights)
    val_set = _photos(validated, params)

    head = build_head(model_params)
    network = build_network(model_params, head, prepare.image_size, mean_age=float(train_set.ages.mean()))
    origin = start_network(network, model_params)
    compile_network(network, head, params, len(train_set))
    _print_setup(model_params, prepare, params, network, train_set, val_set, device)
    _tell_origin(origin, params, validated[PHOTO])

    started = time.monotonic()
    checkpoints = Checkpoints(CHECKPOINTS, identity, require_unchanged_inputs, accepts_other_devices())
    fit = fit_model(network, train_set, val_set, params, checkpoints, partial(write_csv, LIVE_HISTORY))
    seconds = time.monotonic() - started

    kept = fit.history.loc[fit.history["epoch"] == fit.kept_epoch].iloc[0]
    recipe = Recipe(prepare=prepare, model=network_params, train=params.model_dump(), lineage=origin.lineage)
    save_model(uncompiled(network), NETWORK, recipe, origin.learnt | LearntPhotos.of(chosen[PHOTO]))
    write_csv(HISTORY, fit.history)
    write_json(metrics_file("train"), {
        "photos": len(train_set.photos),
        "epochs": params.epochs,
        "best_epoch": fit.best_epoch,
        "kept_epoch": fit.kept_epoch,
        "train_mae": float(kept["mae"]),
        "val_mae": float(kept["val_mae"]),
        "parameters": network.count_params(),
        **({"earlier_devices": checkpoints.earlier_devices} if checkpoints.earlier_devices else {}),
        **({"started_from": [start.model_dump() for start in origin.lineage]} if origin.age_model else {}),
    })
    _describe_run(params, device, seconds, len(train_set.photos), fit.epochs_before)
    print(f"train: kept epoch {fit.kept_epoch} of {params.epochs}: validation MAE {kept['val_mae']:.2f} years")


def _chosen(rows: pd.DataFrame, photos: int | None) -> pd.DataFrame:
    """Return the `photos` rows with the lowest pixel hashes: a random choice that any larger choice contains."""
    if photos is None:
        return rows
    if photos > len(rows):
        raise UserError(f"train.photos is {photos}: there are {len(rows)} training photos: lower it, or set it to null")
    return rows.sort_values(PHOTO).head(photos).sort_index()


def _photos(rows: pd.DataFrame, params: TrainParams, **training) -> PhotoDataset:
    return PhotoDataset(PREPARED, rows[PHOTO], rows[REAL_AGE], params.batch_size, **training)


def _print_setup(model_params, prepare, params, network, train_set, val_set, device) -> None:
    print(
        f"train: {len(train_set.photos):,} photos, validated on {len(val_set.photos):,}, {prepare.image_size} pixels\n"
        f"       {model_params.backbone}, weights {printable(model_params.weights)}, "
        f"{network.count_params():,} parameters\n"
        f"       {params.epochs} epochs of {len(train_set)} steps of {params.batch_size} photos, {params.precision}, "
        f"on {device}",
        flush=True,
    )


def _tell_origin(origin: Origin, params: TrainParams, validated: pd.Series) -> None:
    """Print what of an age model goes on, and warn of too high a rate and of photos that it has learnt from."""
    start = origin.age_model
    if not start:
        return
    name, rate = printable(start.weights), origin.trained.get("learning_rate")
    parts = "backbone and head" if start.head_taken else "backbone, with a new head,"
    earlier = f", after {rate:g}" if isinstance(rate, float) else ""
    print(f"       goes on from {name}: {parts} at learning rate {params.learning_rate:g}{earlier}", flush=True)
    if isinstance(rate, float) and params.learning_rate >= rate:
        print(f"train: warning: train.learning_rate {params.learning_rate:g} is not lower than {rate:g}, with which "
              f"{name} was trained: what it has learnt may be lost: lower it", file=sys.stderr, flush=True)
    if warning := seen_warning(origin.lineage, {"validation": (origin.learnt.count(validated), len(validated))}):
        print(f"train: {warning}", file=sys.stderr, flush=True)


def _describe_run(params: TrainParams, device: str, seconds: float, photos: int, epochs_before: int) -> None:
    """Write facts that differ between runs and are kept out of Git and DVC. They describe only the current process."""
    write_json(metrics_file("run"), {
        "device": device,
        "machine": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in (params.backend, "keras", "numpy")},
        "backend": params.backend,
        "precision": params.precision,
        "epochs_before": epochs_before,
        "seconds": round(seconds, 1),
        "photos_per_second": round(photos * (params.epochs - epochs_before) / seconds, 1),
    })


if __name__ == "__main__":
    run(train)
