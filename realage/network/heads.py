"""Heads: what the last layer says of an age, how it is taught, and how years follow from it.

Every head gives activated outputs p (n, units) from which the expected age, in years, is linear: E[age] = p · m1. For
the two that predict a distribution E[age²] = p · m2 is linear as well, which makes its standard deviation the spread.
Both give ages from 0 to 100 years; their distribution, or ranks, of an age beyond are those of 100.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from realage.network.backbones import ModelParams
from realage.network.quiet_keras import keras
from realage.network.recipe import TrainParams

OLDEST = 100  # years
CLASSES = np.arange(OLDEST + 1)  # the ages that head distribution tells apart
RANKS = np.arange(OLDEST)  # the ages that head ordinal calls one older than, or not
HUBER_DELTA = 5.0  # years; errors below count by their square

Tensor = Any  # of whichever backend Keras runs on
Loss = Callable[[Tensor, Tensor], Tensor]  # real ages (n,) or (n, 1), raw outputs (n, units) -> loss (n,)


@dataclass(frozen=True)
class Head:
    """One way to say an age: `units` raw outputs, made probabilities (or left alone) by `activation`."""

    units: int
    activation: str
    moments: np.ndarray  # float32 (units, 1): m1, or (units, 2): m1 and m2
    start: Callable[[float], np.ndarray]  # mean age (years) -> biases (units,) at which the untrained head says it
    teach: Callable[[Tensor, Tensor, TrainParams], Tensor]  # ages (n, 1), raw outputs (n, units) -> loss (n,)

    def years(self, outputs: Tensor) -> Tensor:
        """Raw outputs (n, units) -> expected ages (n, 1), years."""
        return keras.ops.matmul(keras.activations.get(self.activation)(outputs), self.moments[:, :1])

    def loss(self, params: TrainParams) -> Loss:
        """`train.loss` of the expected age, in years or years squared, plus what the head itself is taught."""
        error = ERRORS[params.loss]

        def loss(ages: Tensor, outputs: Tensor) -> Tensor:
            ages = _as_column(ages)
            return error(ages, self.years(outputs)) + self.teach(ages, outputs, params)

        return loss

    def mae(self, ages: Tensor, outputs: Tensor) -> Tensor:
        """Absolute errors (n,) in years, under the name that Keras' history gives them."""
        return keras.losses.mean_absolute_error(_as_column(ages), self.years(outputs))


ERRORS = {
    "mse": keras.losses.mean_squared_error,
    "mae": keras.losses.mean_absolute_error,
    # Huber 1964, Robust Estimation of a Location Parameter.
    "huber": lambda real, predicted: keras.losses.huber(real, predicted, delta=HUBER_DELTA),
}


def build_head(params: ModelParams) -> Head:
    """The head that `model.head` names."""
    return {"regression": _regression, "distribution": _distribution, "ordinal": _ordinal}[params.head](params)


def _regression(params: ModelParams) -> Head:
    """One output, the age in years."""
    return Head(
        units=1,
        activation=params.output,
        moments=np.ones((1, 1), "float32"),
        start=lambda mean: np.array([mean]),
        teach=lambda ages, outputs, _: 0.0,
    )


def _distribution(params: ModelParams) -> Head:
    """A probability for each year of age: DLDL (Gao et al. 2017, arXiv:1611.01731).

    It is taught the label's Gaussian, `train.label_spread` years wide, by cross-entropy (which differs by a constant
    from their Kullback-Leibler divergence), together with the expected age (DLDL-v2, Gao et al. 2018, IJCAI).
    """
    def teach(real: Tensor, outputs: Tensor, train: TrainParams) -> Tensor:
        return -keras.ops.sum(
            label_distribution(real, train.label_spread) * keras.ops.log_softmax(outputs, axis=-1), axis=-1
        )

    return Head(
        units=len(CLASSES),
        activation="softmax",
        moments=np.stack([CLASSES, CLASSES**2], axis=1).astype("float32"),
        start=lambda mean: CLASSES * _slope(mean),
        teach=teach,
    )


def _ordinal(params: ModelParams) -> Head:
    """For each year k below 100 the probability of being older: ranks (Niu et al. 2016, CVPR, OR-CNN).

    Each is taught by binary cross-entropy, together with the expected age, which is the sum of all.
    """
    def start(mean: float) -> np.ndarray:
        logs = _slope(mean) * CLASSES
        older = np.logaddexp.accumulate(logs[::-1])[::-1][1:]
        return older - np.logaddexp.accumulate(logs)[:-1]  # log-odds of being older than k

    return Head(
        units=len(RANKS),
        activation="sigmoid",
        moments=np.stack([np.ones(OLDEST), 2 * RANKS + 1], axis=1).astype("float32"),
        start=start,
        teach=lambda real, outputs, _: OLDEST * keras.losses.binary_crossentropy(
            rank_labels(real), outputs, from_logits=True
        ),
    )


def _slope(mean: float) -> float:
    """Of all distributions over the years with this mean the least committed is softmax(slope * years)."""
    return brentq(lambda slope: softmax(slope * CLASSES) @ CLASSES - np.clip(mean, 1, OLDEST - 1), -1, 1)


def label_distribution(ages: Tensor, spread: float) -> Tensor:
    """Ages (n, 1), years -> probabilities (n, 101) of the years from 0 to 100: a Gaussian `spread` years wide."""
    offsets = (CLASSES.astype("float32") - keras.ops.minimum(ages, OLDEST)) / spread
    return keras.ops.softmax(-keras.ops.square(offsets) / 2, axis=-1)


def rank_labels(ages: Tensor) -> Tensor:
    """Ages (n, 1), years -> (n, 100): 1 for each year from 0 to 99 that has passed, 0 for each to come.

    Of the year that one is in, it is the part that has passed, so that they add up to the age.
    """
    return keras.ops.clip(ages - RANKS.astype("float32"), 0, 1)


def _as_column(ages: Tensor) -> Tensor:
    return keras.ops.reshape(keras.ops.cast(ages, "float32"), (-1, 1))
