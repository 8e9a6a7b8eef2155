"""Time to save a checkpoint, against Keras' own BackupAndRestore: `python -m benchmarks.checkpoint`.

ResNet50 with Adam's moments, saved by both in turns into a temporary folder; prints the median ratio and its range.
Ours also contains the best epoch's weights and the history, which Keras' callback does not save.
"""

import tempfile
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.in_turns import compare
from realage.network.backbones import ModelParams
from realage.network.heads import build_head
from realage.network.model import build_network
from realage.network.quiet_keras import keras
from realage.training.checkpoints import Checkpoints
from realage.training.fit import state_of

ROUNDS = 5
MODEL = ModelParams(
    backbone="ResNet50",
    weights="none",
    pixel_scaling="backbone",
    batch_norm_momentum=0.9,
    dense_units=128,
    dropout=0.0,
    head="regression",
    output="linear",
    output_bias="mean_age",
    flip_average=False,
)


def benchmark() -> None:
    """Print seconds per checkpoint of both, and the ratio between them."""
    model = build_network(MODEL, build_head(MODEL), size=64, mean_age=30.0)
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 64, 64, 3)), np.zeros(2), verbose=0)
    row = {"epoch": 1, "val_mae": 1.0}
    with tempfile.TemporaryDirectory() as folder:
        ours = Checkpoints(Path(folder, "ours"), {})
        stock = keras.callbacks.BackupAndRestore(f"{folder}/stock")
        stock.set_model(model)
        epochs = count(1)
        result = compare(
            lambda: ours.save(state_of(model, [row] * next(epochs), model.get_weights())),
            lambda: stock.on_epoch_end(next(epochs)),
            ROUNDS,
        )
    print(f"ours {result.ours:.2f} s, BackupAndRestore {result.rival:.2f} s: "
          f"{result.ratio:.1f} times as long ({result.least:.1f} to {result.most:.1f})")


if __name__ == "__main__":
    benchmark()
