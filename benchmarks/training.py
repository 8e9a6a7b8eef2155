"""Speed of training with photos from disk, against the same steps on one batch that is already in memory.

    python -m benchmarks.training [--params FILE] [--batch-sizes N...] [--precisions NAME...] [--steps N] [--json FILE]

Run it in a folder where `dvc repro index`, or dist/train.py, has prepared the photos; sections `model` and `train` come
from the params file. Ours and the rival take turns: epochs of N steps of the compiled network, once on `PhotoDataset`
with augmentation, once on its first batch over and over. Validation, checkpoints and the running average of weights are
left out. What the first needs more than the second is time in which the device waits for photos. Prints Markdown.
"""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.in_turns import compare
from realage.core.columns import PHOTO, REAL_AGE
from realage.core.errors import UserError
from realage.core.files import write_json
from realage.core.machine import data_workers
from realage.core.params import load
from realage.core.paths import INDEX, PARAMS, PREPARED
from realage.network.backbones import ModelParams
from realage.network.device import set_up_device
from realage.network.heads import build_head
from realage.network.model import build_network
from realage.network.quiet_keras import keras
from realage.network.recipe import TrainParams
from realage.photos.params import PrepareParams
from realage.photos.prepared import read_index
from realage.runner.command import run
from realage.training.augment import PhotoAugmenter
from realage.training.fit import compile_network, seed_everything
from realage.training.photo_dataset import PhotoDataset

ROUNDS = 3


class FirstBatch(keras.utils.PyDataset):
    """The first batch of `photos`, `steps` times."""

    def __init__(self, photos: PhotoDataset, steps: int) -> None:
        super().__init__()
        self.batch, self.steps = photos[0], steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple:
        return self.batch


def benchmark() -> None:
    """Print photos/s of both and the share of the time that the device waits, for each batch size and precision."""
    arguments = _parse_arguments()
    prepare, model = load("prepare", PrepareParams, arguments.params), load("model", ModelParams, arguments.params)
    train = load("train", TrainParams, arguments.params)
    device = set_up_device(train.backend, train.threads)
    rows = read_index(INDEX / "train.csv")
    print(f"{model.backbone}, {prepare.image_size} pixels, {device}, {data_workers()} data workers\n\n"
          "| precision | batch | photos/s | in memory | ratio | device waits | peak memory, GB |\n"
          "|---|---:|---:|---:|---:|---:|---:|", flush=True)
    results = []
    for precision in arguments.precisions or [train.precision]:
        for batch_size in arguments.batch_sizes or [train.batch_size]:
            changed = {"precision": precision, "batch_size": batch_size, "weight_average": 0.0}
            results.append(_measure(rows, prepare, model, train.model_copy(update=changed), arguments.steps))
            print(_row(results[-1]), flush=True)
    if arguments.json:
        write_json(arguments.json, {"device": device, "backbone": model.backbone, "runs": results})


def _measure(
    rows: pd.DataFrame, prepare: PrepareParams, model: ModelParams, train: TrainParams, steps: int
) -> dict[str, Any]:
    keras.utils.clear_session()
    seed_everything(train)
    rows = _repeated(rows, train.batch_size * steps)
    photos = PhotoDataset(
        PREPARED, rows[PHOTO], rows[REAL_AGE], train.batch_size, PhotoAugmenter(train.augment), train.seed
    )
    head = build_head(model)
    network = build_network(model, head, prepare.image_size, float(photos.ages.mean()))
    compile_network(network, head, train, len(photos))
    in_memory = FirstBatch(photos, steps)

    def fit(data: keras.utils.PyDataset) -> None:
        network.fit(data, epochs=1, shuffle=False, verbose=0)

    fit(FirstBatch(photos, 2))  # compiles
    result = compare(lambda: fit(photos), lambda: fit(in_memory), ROUNDS)
    seen = train.batch_size * steps
    return {
        "precision": train.precision,
        "batch_size": train.batch_size,
        "photos_per_second": seen / result.ours,
        "in_memory": seen / result.rival,
        "ratio": 1 / result.ratio,
        "ratio_range": [1 / result.most, 1 / result.least],
        "device_waits": max(0.0, 1 - 1 / result.ratio),
        "peak_bytes": _peak_bytes(train.backend),
    }


def _repeated(rows: pd.DataFrame, photos: int) -> pd.DataFrame:
    return pd.concat([rows] * -(-photos // len(rows)), ignore_index=True).head(photos)


def _peak_bytes(backend: str) -> int | None:
    """The most memory of the GPU that was in use; None without one, and with PyTorch."""
    if backend == "jax":
        import jax

        return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] if gpus else None
    return None


def _row(run: dict[str, Any]) -> str:
    least, most = run["ratio_range"]
    peak = f"{run['peak_bytes'] / 1e9:.1f}" if run["peak_bytes"] else "not known"
    return (f"| {run['precision']} | {run['batch_size']} | {run['photos_per_second']:,.0f} | {run['in_memory']:,.0f} | "
            f"{run['ratio']:.2f} ({least:.2f} to {most:.2f}) | {run['device_waits']:.0%} | {peak} |")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description="Measure the speed of training.")
    parser.add_argument("--params", type=Path, default=PARAMS, metavar="FILE", help="default: %(default)s")
    parser.add_argument("--batch-sizes", type=int, nargs="+", metavar="N", help="photos; default: train.batch_size")
    parser.add_argument("--precisions", nargs="+", metavar="NAME", help="default: train.precision")
    parser.add_argument("--steps", type=int, default=50, metavar="N", help="per epoch; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    arguments = parser.parse_args()
    if not INDEX.is_dir():
        raise UserError(f"{INDEX}: no such folder: run 'dvc repro index' first")
    return arguments


if __name__ == "__main__":
    run(benchmark)
