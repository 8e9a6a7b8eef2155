"""Heads: the outputs of the last layer, their loss, and how the predicted age in years follows from them.

A head has activated outputs p (n, units). The expected age is linear in them: E[age] = p · m1. For the two heads that
predict a distribution, so is E[age²] = p · m2; the distribution's standard deviation is the spread, in years. These two
predict ages from 0 to 100 years. A label above 100 has the distribution, or the ranks, of 100.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from realage.network.backbones import ModelParams
from realage.network.quiet_keras import keras
from realage.network.recipe import TrainParams

OLDEST = 100  # years
CLASSES = np.arange(OLDEST + 1)  # years: the classes of head distribution
RANKS = np.arange(OLDEST)  # years: the thresholds of head ordinal
HUBER_DELTA = 5.0  # years; the loss of smaller errors is quadratic

Tensor = Any  # of the backend that Keras runs on
Loss = Callable[[Tensor, Tensor], Tensor]  # real ages (n,) or (n, 1), raw outputs (n, units) -> loss (n,)


@dataclass(frozen=True)
class Head:
    """One way to predict an age: a last layer with `units` raw outputs, followed by `activation`."""

    units: int
    activation: str
    moments: np.ndarray  # float32 (units, 1): m1, or (units, 2): m1 and m2
    start: Callable[[float], np.ndarray]  # mean age (years) -> initial biases (units,) that predict it
    teach: Callable[[Tensor, Tensor, TrainParams], Tensor]  # ages (n, 1), raw outputs (n, units) -> loss (n,)

    def years(self, outputs: Tensor) -> Tensor:
        """Raw outputs (n, units) -> expected ages (n, 1), years."""
        return keras.ops.matmul(keras.activations.get(self.activation)(outputs), self.moments[:, :1])

    def loss(self, params: TrainParams) -> Loss:
        """`train.loss` of the expected age, in years or years squared, plus the head's own loss."""
        error = ERRORS[params.loss]

        def loss(ages: Tensor, outputs: Tensor) -> Tensor:
            ages = _as_column(ages)
            return error(ages, self.years(outputs)) + self.teach(ages, outputs, params)

        return loss

    def mae(self, ages: Tensor, outputs: Tensor) -> Tensor:
        """Absolute errors (n,) in years. Keras' history uses the name of this method."""
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

    Its own loss is the cross-entropy with a Gaussian about the label, `train.label_spread` years wide, whose mean is
    the label also near 0 and 100 (`label_distribution`); it differs by a constant from the paper's Kullback-Leibler
    divergence. The loss of the expected age is added as in DLDL-v2 (Gao et al. 2018, IJCAI).
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
    """For each year k from 0 to 99 the probability of being older than k: ranks (Niu et al. 2016, CVPR, OR-CNN).

    Its own loss is the sum of the ranks' binary cross-entropies. The expected age is the sum of the probabilities.
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


def _slope(mean: float, logits: np.ndarray | float = 0.0) -> float:
    """The slope for which softmax(logits + slope * years) has this mean, at least 1 and at most 99 years.

    Of all distributions with this mean it is the one nearest to softmax(logits), by Kullback-Leibler divergence
    (Csiszár 1975, I-divergence geometry); without `logits`, the one with the highest entropy.
    """
    mean = np.clip(mean, 1, OLDEST - 1)
    return brentq(lambda slope: softmax(logits + slope * CLASSES) @ (CLASSES - mean), -1, 1)


def label_distribution(ages: Tensor, spread: float) -> Tensor:
    """Ages (n, 1), years -> probabilities (n, 101) of the years from 0 to 100, with the age as their mean.

    A whole year has the distribution of `_year_distributions`. An age between two years has the mixture of theirs, in
    proportion to the part of the year that has passed; this keeps the mean.
    """
    ages = keras.ops.clip(ages[:, 0], 0, OLDEST)
    year = keras.ops.minimum(keras.ops.floor(ages), OLDEST - 1)
    passed, year = (ages - year)[:, None], keras.ops.cast(year, "int32")
    table = _year_distributions(spread)
    return (1 - passed) * keras.ops.take(table, year, axis=0) + passed * keras.ops.take(table, year + 1, axis=0)


@cache
def _year_distributions(spread: float) -> np.ndarray:
    """Distributions of the labels 0 to 100: float32 (101, 101), one a row, whose mean is the row's number.

    A Gaussian `spread` years wide, cut off at 0 and 100, has its mean further inside. So each row is the distribution
    nearest to it with the right mean. For 0 and 100 that is the year itself, with certainty.
    """
    rows = np.eye(OLDEST + 1)
    for year in CLASSES[1:-1]:
        gaussian = -(((CLASSES - year) / spread) ** 2) / 2
        rows[year] = softmax(gaussian + _slope(year, gaussian) * CLASSES)
    return rows.astype("float32")


def rank_labels(ages: Tensor) -> Tensor:
    """Ages (n, 1), years -> (n, 100): 1 for each year from 0 to 99 that has passed, 0 for each later one.

    The label of the current year is the fraction of it that has passed, so that the labels sum to the age.
    """
    return keras.ops.clip(ages - RANKS.astype("float32"), 0, 1)


def _as_column(ages: Tensor) -> Tensor:
    return keras.ops.reshape(keras.ops.cast(ages, "float32"), (-1, 1))
