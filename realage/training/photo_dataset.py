"""Prepared photos and ages as batches for Keras: the same batches for any number of data workers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from realage.core.machine import data_workers
from realage.network.quiet_keras import keras
from realage.photos.prepared import read_prepared, require_prepared
from realage.training.augment import PhotoAugmenter


class PhotoDataset(keras.utils.PyDataset):
    """Batches of (float32 (n, size, size, 3) RGB in [0, 255], float32 (n,) years), read from `folder`.

    With `weights`, one per photo, a batch has a third item, float32 (n,): the weight of each photo in the loss.

    With an `augmenter` the photos are shuffled and transformed. The order depends only on (seed, epoch) and a photo's
    transform on (seed, epoch, photo), so neither threads nor a restart change them. Raises UserError at once if a photo
    is missing: an error in a thread would end in a long traceback of Keras.
    """

    def __init__(
        self,
        folder: Path,
        photos: Sequence[str],
        ages: Sequence[float],
        batch_size: int,
        augmenter: PhotoAugmenter | None = None,
        seed: int = 0,
        weights: np.ndarray | None = None,
    ) -> None:
        require_prepared(folder, photos)
        super().__init__(workers=data_workers(), use_multiprocessing=False, max_queue_size=16)
        self.folder, self.photos, self.batch_size = folder, list(photos), batch_size
        self.ages = np.asarray(ages, dtype=np.float32)
        self.augmenter, self.seed, self.weights = augmenter, seed, weights
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Set order and transforms for `epoch`, counted from 0."""
        self.order = np.arange(len(self.photos))
        self.transform_seeds = np.zeros(len(self.photos), dtype=np.uint32)
        if self.augmenter:
            random = np.random.default_rng([self.seed, epoch])
            self.order = random.permutation(len(self.photos))
            self.transform_seeds = random.integers(2**32, size=len(self.photos), dtype=np.uint32)
        self.epoch = epoch

    def on_epoch_end(self) -> None:
        self.start_epoch(self.epoch + 1)

    def __len__(self) -> int:
        return -(-len(self.photos) // self.batch_size)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, ...]:
        chosen = self.order[batch * self.batch_size : (batch + 1) * self.batch_size]
        photos, ages = np.stack([self._photo(i) for i in chosen]), self.ages[chosen]
        return (photos, ages) if self.weights is None else (photos, ages, self.weights[chosen])

    def _photo(self, index: int) -> np.ndarray:
        photo = read_prepared(self.folder, self.photos[index])
        if self.augmenter:
            return self.augmenter.random_transform(photo, seed=int(self.transform_seeds[index]))
        return photo.astype(np.float32)

