"""Trains a network on some photos as stage `train` does, asks it for the ages in others, and measures its speed.

Photos are read from a folder of prepared photos. Every training begins from the same seed and the same weights, so that
it does not matter which trainings this process has done before.
"""

import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import pandas as pd

from realage.core.columns import PHOTO, REAL_AGE
from realage.network.backbones import ModelParams
from realage.network.heads import Head, build_head
from realage.network.model import build_network, build_predictor
from realage.network.model_file import predict_ages
from realage.network.quiet_keras import keras
from realage.network.recipe import TrainParams
from realage.network.warm_start import start_network
from realage.photos.parallel import map_photos
from realage.photos.prepared import read_prepared, to_png, write_prepared
from realage.training.augment import PhotoAugmenter
from realage.training.balance import balance_weights
from realage.training.checkpoints import Checkpoints
from realage.training.fit import compile_network, fit_model, seed_everything
from realage.training.photo_dataset import PhotoDataset

MEASURED = 10  # steps; the first ones, which compile, are not counted


class Speed(NamedTuple):
    """Seconds that a photo takes in training and in prediction."""

    training: float
    prediction: float


class Setup(NamedTuple):
    """How networks are trained: on photos in `folder`, squares of `size` pixels."""

    folder: Path
    size: int
    model: ModelParams
    train: TrainParams

    def ages_of(self, asked: pd.DataFrame, learnt: pd.DataFrame, checkpoints: Checkpoints) -> pd.DataFrame:
        """Train on the photos of `learnt`, and return the ages in those of `asked`, as `predict_ages` does.

        Both tables have columns `photo` and `real_age` (years); the result has the index of `asked`. The labels of
        `asked` serve the progress bar alone: the last epoch is kept, whichever is the best.
        """
        network, head = self.start(learnt)
        photos = self._photos(asked)
        fit_model(network, self._training_photos(learnt), photos, self.train, checkpoints)
        return predict_ages(build_predictor(network, head, self.model.flip_average), photos).set_index(asked.index)

    def speed(self, rows: pd.DataFrame) -> Speed:
        """Measure the speed on the first photos of `rows`, on a network that is not used further."""
        rows = rows.head(MEASURED * self.train.batch_size)
        network, _ = self.start(rows)
        photos, asked = self._training_photos(rows), self._photos(rows)
        compiling = self._training_photos(rows.head(2 * self.train.batch_size))
        network.fit(compiling, validation_data=compiling, verbose=0, shuffle=False)
        trained = _seconds(lambda: network.fit(photos, verbose=0, shuffle=False))
        return Speed(trained / len(rows), _seconds(lambda: network.evaluate(asked, verbose=0)) / len(rows))

    def start(self, learnt: pd.DataFrame) -> tuple[keras.Model, Head]:
        """The compiled network with its first weights, and its head."""
        keras.utils.clear_session()
        seed_everything(self.train)
        head = build_head(self.model)
        network = build_network(self.model, head, self.size, mean_age=float(learnt[REAL_AGE].mean()))
        start_network(network, self.model)
        compile_network(network, head, self.train, -(-len(learnt) // self.train.batch_size))
        return network, head

    def _training_photos(self, rows: pd.DataFrame) -> PhotoDataset:
        return self._photos(
            rows,
            augmenter=PhotoAugmenter(self.train.augment),
            seed=self.train.seed,
            weights=balance_weights(rows[REAL_AGE], self.train.balance),
        )

    def _photos(self, rows: pd.DataFrame, **training) -> PhotoDataset:
        return PhotoDataset(self.folder, rows[PHOTO], rows[REAL_AGE], self.train.batch_size, **training)


def resize_prepared(prepared: Path, photos: pd.Series, size: int, folder: Path) -> None:
    """Write the photos of folder `prepared`, which are at least as large, into the new `folder`, `size` pixels wide."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for photo, contents in zip(photos, map_photos(partial(_resized, prepared, size), photos, "resize photos")):
        write_prepared(folder, photo, contents)


def _resized(prepared: Path, size: int, photo: str) -> bytes:
    return to_png(cv2.resize(read_prepared(prepared, photo), (size, size), interpolation=cv2.INTER_AREA))


def _seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
