"""Prepared photos, splits and backbone weights -> a trained age model and its learning curve."""

import platform
import time
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from realage.augment import PhotoAugmenter
from realage.backbones import ModelParams
from realage.balance import balance_weights
from realage.checkpoints import Checkpoints
from realage.command import run
from realage.device import set_up_device
from realage.errors import UserError
from realage.files import read_rows, write_csv, write_json
from realage.heads import build_head
from realage.identity import training_identity
from realage.model import build_network, build_predictor
from realage.model_file import Recipe, save_model
from realage.params import load
from realage.photo_dataset import PhotoDataset
from realage.prepared import PrepareParams
from realage.pretrained import load_backbone_weights
from realage.recipe import TrainParams
from realage.training import compile_network, fit_model, seed_everything

INPUTS = (Path("data/labels/splits.csv"), Path("data/prepared"), Path("data/weights"))


def train() -> None:
    """Write `models/age.keras`, `plots/training.csv`, `metrics/train.json` and, untracked, `metrics/run.json`."""
    prepare, model_params = load("prepare", PrepareParams), load("model", ModelParams)
    params = load("train", TrainParams)
    device = set_up_device(params.backend, params.threads)
    seed_everything(params)
    identity = training_identity(
        {"prepare": prepare, "model": model_params, "train": params}, INPUTS, params.backend, device
    )
    rows = read_rows(Path("data/labels/splits.csv"))
    chosen = _chosen(rows[rows["split"] == "train"], params.photos)
    weights = balance_weights(chosen["real_age"], params.balance)
    train_set = _photos(chosen, params, augmenter=PhotoAugmenter(params.augment), seed=params.seed, weights=weights)
    val_set = _photos(rows[rows["split"] == "val"], params)

    head = build_head(model_params)
    network = build_network(model_params, head, prepare.image_size, mean_age=float(train_set.ages.mean()))
    if model_params.weights != "none":
        load_backbone_weights(network, Path("data/weights/backbone.weights.h5"))
    compile_network(network, head, params, len(train_set))
    _say_what_comes(model_params, prepare, params, network, train_set, val_set, device)

    started = time.monotonic()
    fit = fit_model(network, train_set, val_set, params, Checkpoints(Path("checkpoints"), identity))
    seconds = time.monotonic() - started

    kept = fit.history.loc[fit.history["epoch"] == fit.kept_epoch].iloc[0]
    model = build_predictor(network, head, model_params.flip_average)
    save_model(model, Path("models/age.keras"), Recipe(prepare=prepare, train=params))
    write_csv(Path("plots/training.csv"), fit.history)
    write_json(Path("metrics/train.json"), {
        "photos": len(train_set.photos),
        "epochs": params.epochs,
        "best_epoch": fit.best_epoch,
        "kept_epoch": fit.kept_epoch,
        "train_mae": float(kept["mae"]),
        "val_mae": float(kept["val_mae"]),
        "parameters": network.count_params(),
    })
    _describe_run(params, device, seconds, len(train_set.photos), fit.epochs_before)
    print(f"train: kept epoch {fit.kept_epoch} of {params.epochs}: validation MAE {kept['val_mae']:.2f} years")


def _chosen(rows: pd.DataFrame, photos: int | None) -> pd.DataFrame:
    """`photos` of the rows, those with the lowest pixel hashes: as good as chance, and part of any larger choice."""
    if photos is None:
        return rows
    if photos > len(rows):
        raise UserError(f"train.photos is {photos}: there are {len(rows)} training photos: lower it, or set it to null")
    return rows.sort_values("photo").head(photos).sort_index()


def _photos(rows: pd.DataFrame, params: TrainParams, **training) -> PhotoDataset:
    return PhotoDataset(Path("data/prepared"), rows["photo"], rows["real_age"], params.batch_size, **training)


def _say_what_comes(model_params, prepare, params, network, train_set, val_set, device) -> None:
    print(
        f"train: {len(train_set.photos):,} photos, validated on {len(val_set.photos):,}, {prepare.image_size} pixels\n"
        f"       {model_params.backbone}, weights {model_params.weights}, {network.count_params():,} parameters\n"
        f"       {params.epochs} epochs of {len(train_set)} steps of {params.batch_size} photos, {params.precision}, "
        f"on {device}",
        flush=True,
    )


def _describe_run(params: TrainParams, device: str, seconds: float, photos: int, epochs_before: int) -> None:
    """Facts that differ from run to run: kept out of Git and DVC. They tell of this process, not of one before it."""
    write_json(Path("metrics/run.json"), {
        "device": device,
        "machine": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy")},
        "backend": params.backend,
        "precision": params.precision,
        "epochs_before": epochs_before,
        "seconds": round(seconds, 1),
        "photos_per_second": round(photos * (params.epochs - epochs_before) / seconds, 1),
    })


if __name__ == "__main__":
    run(train)
