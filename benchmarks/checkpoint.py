"""What a checkpoint costs beside Keras' own BackupAndRestore: `python -m benchmarks.checkpoint`.

ResNet50 with Adam's moments, saved by each in turns into a temporary folder; prints the median ratio and its range.
Ours also holds the best epoch's weights and the history, which Keras' callback forgets.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from realage.backbones import ModelParams
from realage.checkpoints import Checkpoints
from realage.model import build_model
from realage.quiet_keras import keras
from realage.training import state_of

ROUNDS = 5
MODEL = ModelParams(
    backbone="ResNet50",
    weights="none",
    pixel_scaling="backbone",
    batch_norm_momentum=0.9,
    dense_units=128,
    dropout=0.0,
    output="linear",
    output_bias="mean_age",
)


def seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def benchmark() -> None:
    """Print seconds a checkpoint for both, and the ratio between them."""
    model = build_model(MODEL, size=64, mean_age=30.0)
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 64, 64, 3)), np.zeros(2), verbose=0)
    row = {"epoch": 1, "val_mae": 1.0}
    with tempfile.TemporaryDirectory() as folder:
        ours = Checkpoints(Path(folder, "ours"), {})
        stock = keras.callbacks.BackupAndRestore(f"{folder}/stock")
        stock.set_model(model)
        rounds = [
            (seconds(lambda n=n: ours.save(state_of(model, [row] * n, model.get_weights()))),
             seconds(lambda n=n: stock.on_epoch_end(n)))
            for n in range(1, ROUNDS + 1)
        ]  # fmt: skip
    ratios = [ours / stock for ours, stock in rounds]
    print(f"ours {statistics.median(ours for ours, _ in rounds):.2f} s, "
          f"BackupAndRestore {statistics.median(stock for _, stock in rounds):.2f} s: "
          f"{statistics.median(ratios):.1f} times as long ({min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    benchmark()
