"""A monotone correction of the predicted age: the age plus a piecewise-linear function of it."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import lsq_linear

from realage.network.quiet_keras import keras

# Quantiles of the predicted ages at which the correction has its knots, by number of knots.
# Harrell 2001, Regression Modeling Strategies, section 2.4.5, for 4 knots.
QUANTILES = {1: [0.5], 2: [0.05, 0.95], 4: [0.05, 0.35, 0.65, 0.95]}
LEAST_SLOPE = 0.1  # of the corrected age: two ages that differ stay different, in the same order
LEAST_GAP = 0.5  # years between two knots
PRIOR_PHOTOS = 2.0  # photos at each knot that the model is taken to predict rightly


class Correction(NamedTuple):
    """Years to add to a predicted age: `shifts` at the ages `knots`, float (k,) each, linear between, constant outside.

    The corrected age rises with the age.
    """

    knots: np.ndarray
    shifts: np.ndarray

    def corrected(self, ages: np.ndarray) -> np.ndarray:
        """Return the corrected `ages`, float (n,), years, at least 0."""
        return np.maximum(ages + np.interp(ages, self.knots, self.shifts), 0)


def fit_correction(predicted: np.ndarray, real: np.ndarray, knots: int) -> Correction:
    """Fit a correction by least squares; `predicted` and `real` are float (n,) in years.

    `knots` is a key of QUANTILES; with fewer different predictions there are fewer knots. With 1 knot the correction
    is a shift, with 2 it is linear. Shifts are shrunk towards 0, as if PRIOR_PHOTOS more photos at each knot were
    predicted rightly (ridge regression: Hoerl & Kennard 1970).
    """
    places = _apart(np.quantile(predicted, QUANTILES[knots]).round(2))
    count, gaps = len(places), np.diff(places)
    # The unknowns are the shift of the first knot and the steps from one knot to the next.
    steps = np.tril(np.ones((count, count)))
    hats = np.stack([np.interp(predicted, places, hat) for hat in np.eye(count)], axis=1)
    rows = np.vstack([hats, np.sqrt(PRIOR_PHOTOS) * np.eye(count)]) @ steps
    wanted = np.concatenate([real - predicted, np.zeros(count)])
    lowest = np.concatenate([[-np.inf], (LEAST_SLOPE - 1) * gaps])
    found = lsq_linear(rows, wanted, bounds=(lowest, np.inf), method="bvls")
    return Correction(places, (steps @ found.x).round(3))


def _apart(places: np.ndarray) -> np.ndarray:
    """Return the sorted `places` without those less than LEAST_GAP from the one before."""
    kept = places[:1].tolist()
    for place in places[1:]:
        if place - kept[-1] >= LEAST_GAP:
            kept.append(float(place))
    return np.array(kept)


def corrected_model(model: keras.Model, correction: Correction) -> keras.Model:
    """Return `model`, whose outputs are `age` and perhaps `spread`, with the correction behind it; weights are shared.

    The new `spread` is half the difference between the corrected ages of age + spread and age - spread. All layers are
    Keras' own.
    """
    bends = keras.layers.Dense(len(correction.knots), "relu", **_fixed("correction_knots", 1.0, -correction.knots))
    # Slope of the shift on each side of a knot: constant outside the outer ones.
    slopes = np.concatenate([[0], np.diff(correction.shifts) / np.diff(correction.knots), [0]])
    shift = keras.layers.Dense(1, **_fixed("correction_shift", np.diff(slopes)[:, None], correction.shifts[:1]))
    add = keras.layers.Add(dtype="float32", name="corrected_age")

    def corrected(ages):
        return add([ages, shift(bends(ages))])

    age = model.output["age"]
    outputs = {"age": keras.layers.ReLU(dtype="float32", name="age_from_0")(corrected(age))}
    if "spread" in model.output:
        spread = model.output["spread"]
        above = corrected(keras.layers.Add(dtype="float32", name="age_above")([age, spread]))
        below = corrected(keras.layers.Subtract(dtype="float32", name="age_below")([age, spread]))
        width = keras.layers.Subtract(dtype="float32", name="corrected_width")([above, below])
        outputs["spread"] = keras.layers.Rescaling(0.5, dtype="float32", name="corrected_spread")(width)
    return keras.Model(model.input, outputs, name=model.name)


def _fixed(name: str, kernel: float | np.ndarray, bias: np.ndarray) -> dict:
    return {
        "kernel_initializer": keras.initializers.Constant(kernel),
        "bias_initializer": keras.initializers.Constant(bias),
        "trainable": False,
        "dtype": "float32",
        "name": name,
    }
