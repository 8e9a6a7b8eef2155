"""Fit the network: learning-rate schedule, progress, history, and the epoch to keep."""

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from realage.core.errors import UserError
from realage.network.heads import Head
from realage.network.model import set_batch_norm_momentum
from realage.network.quiet_keras import keras
from realage.network.recipe import TrainParams
from realage.training.checkpoints import Checkpoints, State
from realage.training.photo_dataset import PhotoDataset

HISTORY_COLUMNS = ["epoch", "learning_rate", "loss", "mae", "val_loss", "val_mae"]


def seed_everything(params: TrainParams) -> None:
    """Seed Python, NumPy and Keras from `train.seed`, and set `train.precision` for layers that are built later."""
    keras.utils.set_random_seed(params.seed)
    keras.mixed_precision.set_dtype_policy(params.precision)


def compile_network(network: keras.Model, head: Head, params: TrainParams, steps_per_epoch: int) -> None:
    """Compile `network` with the head's loss, MAE in years, and Adam (Kingma & Ba 2015, arXiv:1412.6980).

    Weight decay is decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101) and excludes biases and normalization. With
    `train.weight_average`, weights are averaged (Polyak & Juditsky 1992) exponentially (Tarvainen & Valpola 2017,
    arXiv:1703.01780). The statistics of batch normalization are then averaged over the same time, to match the averaged
    weights, and `model.batch_norm_momentum` is ignored.
    """
    momentum = 0.0
    if params.weight_average:
        momentum = 1 - 1 / max(1, params.weight_average * steps_per_epoch)
        set_batch_norm_momentum(network, momentum)
    optimizer = keras.optimizers.Adam(
        learning_rate_schedule(params, steps_per_epoch),
        weight_decay=params.weight_decay or None,
        use_ema=params.weight_average > 0,
        ema_momentum=momentum,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    network.compile(optimizer, loss=head.loss(params), metrics=[head.mae])
    # Built during the first step, it would make Keras trace that step twice.
    network.optimizer.build(network.trainable_variables)


def learning_rate_schedule(
    params: TrainParams, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Linear warm-up from 0 to the peak, then a half cosine down to `train.final_rate` times the peak.

    Loshchilov & Hutter 2017, arXiv:1608.03983.
    """
    steps = params.epochs * steps_per_epoch
    warmup_steps = min(round(params.warmup_epochs * steps_per_epoch), steps - 1)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup_steps else params.learning_rate,
        warmup_target=params.learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
        decay_steps=steps - warmup_steps,
        alpha=params.final_rate,
    )


class Fit(NamedTuple):
    """The result of a training: history with one row per epoch, and the numbers (from 1) of the best and kept epochs.

    The first `epochs_before` epochs were trained by an earlier process.
    """

    history: pd.DataFrame
    best_epoch: int
    kept_epoch: int
    epochs_before: int


def fit_model(
    model: keras.Model,
    train: PhotoDataset,
    val: PhotoDataset,
    params: TrainParams,
    checkpoints: Checkpoints,
    show_history: Callable[[pd.DataFrame], None] = lambda history: None,
) -> Fit:
    """Train the compiled `model` in place. Its final weights are those of the epoch that `train.keep` selects.

    Training resumes after the last epoch in `checkpoints`, with the same results as without an interruption. The
    history has columns `epoch` (from 1), `learning_rate` (at the end of the epoch), `loss` and `val_loss` (the head's),
    `mae` and `val_mae` (years). `show_history` is called with the history so far after each epoch. Raises UserError if
    the loss becomes NaN or infinite.
    """
    history = _History(model, params.epochs, len(train), checkpoints, show_history)
    epochs_before = history.resume()
    train.start_epoch(epochs_before)
    model.fit(
        train,
        validation_data=val,
        initial_epoch=epochs_before,
        epochs=params.epochs,
        shuffle=False,  # PhotoDataset shuffles; Keras would shuffle again, from the global random state
        verbose=0,
        callbacks=[history],
    )
    table = history.table
    best_epoch = int(history.best["epoch"])
    if params.keep == "last":
        return Fit(table, best_epoch, params.epochs, epochs_before)
    model.set_weights(history.best_weights)
    return Fit(table, best_epoch, best_epoch, epochs_before)


def state_of(model: keras.Model, history: list[dict[str, float]], best_weights: list[np.ndarray]) -> State:
    """The state to resume from: all variables of the compiled `model`, random states included, and its optimizer's."""
    return State(history, _values(model.variables), _values(model.optimizer.variables), best_weights)


class _History(keras.callbacks.Callback):
    """Records history and best weights, saves checkpoints, and shows a progress bar with the time left."""

    def __init__(
        self,
        model: keras.Model,
        epochs: int,
        steps_per_epoch: int,
        checkpoints: Checkpoints,
        show_history: Callable[[pd.DataFrame], None],
    ) -> None:
        super().__init__()
        self.set_model(model)
        self.epochs, self.steps_per_epoch, self.checkpoints = epochs, steps_per_epoch, checkpoints
        self.show_history = show_history
        self.rows: list[dict[str, float]] = []

    def resume(self) -> int:
        """Load the last checkpoint, if there is one. Returns the number of finished epochs."""
        state = self.checkpoints.latest()
        if state:
            self.rows, self.best_weights = state.history, state.best_weights
            _assign(self.model.variables, state.model)
            _assign(self.model.optimizer.variables, state.optimizer)
            done = f"train: resumes after epoch {len(self.rows)} of {self.epochs}"
            print(f"{done}, from {self.checkpoints.folder}", flush=True)
        return len(self.rows)

    @property
    def table(self) -> pd.DataFrame:
        """The history so far."""
        return pd.DataFrame(self.rows, columns=HISTORY_COLUMNS)

    @property
    def best(self) -> dict[str, float]:
        """The row of the epoch with the lowest validation MAE; the first one if several are equal."""
        return min(self.rows, key=lambda row: row["val_mae"])

    def on_train_begin(self, logs: dict | None = None) -> None:
        steps = self.steps_per_epoch
        self.bar = tqdm(
            total=self.epochs * steps, initial=len(self.rows) * steps, desc="train", unit=" steps", disable=None
        )

    def on_test_begin(self, logs: dict | None = None) -> None:
        # The running average of weights is validated, and may be kept. Without one, Keras changes nothing here.
        self.trained_weights = self.model.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        # With JAX, network and optimizer now share arrays, which validation would free: give the network copies.
        self.model.set_weights(self.model.get_weights())

    def on_test_end(self, logs: dict | None = None) -> None:
        self.validated_weights = self.model.get_weights()
        self.model.set_weights(self.trained_weights)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if not np.isfinite([logs["loss"], logs["val_loss"]]).all():
            raise UserError(f"epoch {epoch + 1}: the loss is NaN or infinite: lower train.learning_rate")
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.rows.append({"epoch": epoch + 1, "learning_rate": rate, **logs})
        if self.best is self.rows[-1]:
            self.best_weights = self.validated_weights
        self.checkpoints.save(state_of(self.model, self.rows, self.best_weights))
        self.show_history(self.table)
        self.bar.write(
            f"epoch {epoch + 1:>3}/{self.epochs}: MAE {logs['mae']:.2f} in training, {logs['val_mae']:.2f} years in "
            f"validation (best {self.best['val_mae']:.2f}, epoch {self.best['epoch']})"
        )
        sys.stdout.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        self.bar.close()


def _values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
