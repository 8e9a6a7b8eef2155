"""Another last layer on the features of the trained network, near the present one.

Let m1 be the head's first moments: the age is E[age] = p · m1 with the activated outputs p. The last layer's raw
outputs are moved along m1 alone, by an amount that is linear in the features. Of all distributions with the new mean,
that gives the one nearest to the old distribution by Kullback-Leibler divergence (Csiszár 1975, I-divergence geometry);
for head regression it is linear regression. So there are as many unknowns as features, whatever the head.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from scipy.special import expit, softmax

from realage.network.quiet_keras import keras

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda outputs: outputs,
    "relu": lambda outputs: np.maximum(outputs, 0),
    "sigmoid": expit,
    "softmax": lambda outputs: softmax(outputs, axis=-1),
}
STEPS = 4  # of Gauss-Newton; the function is almost linear
PROBE = 1e-4  # half the distance of a central difference, in units of m1 added to the raw outputs
PRIOR_PHOTOS = 2.0  # photos that the model is taken to predict rightly, for the intercept
BATCH = 64  # photos


class HeadChange(NamedTuple):
    """What to add to the last layer: `kernel`, float (features, units), and `bias`, float (units,)."""

    kernel: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Features:
    """What the last layer of a model receives and answers for n photos, each seen in one or two views.

    The second view is the mirror image. `inputs`, float64 (n, views, features), `outputs`, float64 (n, views, units),
    before the activation, `moments`, float64 (units,), and the name of the activation.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    moments: np.ndarray
    activation: str

    @classmethod
    def of(cls, model: keras.Model, photos: np.ndarray) -> Self:
        """Compute the features of `photos`, uint8 RGB (n, size, size, 3), by a model that `build_predictor` built.

        Raises ValueError if the model has other layers.
        """
        network, last, activation, moments = _parts(model)
        body = keras.Model(network.input, last.input)
        views = [photos, photos[:, :, ::-1]] if _is_flipped(model) else [photos]
        inputs = np.stack([_predict(body, view) for view in views], axis=1)
        kernel, bias = (np.asarray(weight, "float64") for weight in last.get_weights())
        return cls(inputs, inputs @ kernel + bias, moments, activation)

    def ages(self, amounts: np.ndarray | float = 0.0) -> np.ndarray:
        """Predicted ages, float64 (n,), years, if raw outputs move along m1 by `amounts`, float (n, views)."""
        return self._views(amounts).mean(axis=1)

    def fit(self, real: np.ndarray, train: np.ndarray, penalty: float) -> tuple[HeadChange, np.ndarray]:
        """Fit a change of the last layer to the photos `train`, bool (n,); `real`, float (n,), are all photos' ages.

        Ridge regression of the age's error: Gauss-Newton steps on the squared error plus `penalty` times the squared
        length of the change, where the features of an average photo have the length 1 and the change is in years.
        The unknowns are one number for each photo, by the representer theorem (Kimeldorf & Wahba 1971).
        Returns the change, and the ages that the changed model predicts for all photos, float64 (n,).
        """
        gain = max(float(self._gains(0.0).mean()), 1e-3)  # years per unit of m1
        kernel = self._products / penalty + 1 / PRIOR_PHOTOS  # (n, views, n, views)
        of_train, among_train = kernel[:, :, train], kernel[train][:, :, train]
        years = np.zeros(self.outputs.shape[:2])  # what the change adds to each view's age, were it linear
        for _ in range(STEPS):
            slopes = self._gains(years / gain)[train] / (gain * years[0].size)
            products = np.einsum("nv,nvmw,mw->nm", slopes, among_train, slopes, optimize=True)
            wanted = (real - self.ages(years / gain))[train] + (slopes * years[train]).sum(axis=1)
            shares = np.linalg.solve(products + np.eye(len(wanted)), wanted)[:, None] * slopes
            years = np.tensordot(of_train, shares)
        centred, scale = self._centred
        along = np.tensordot(shares, centred[train]) / penalty / scale**2 / gain
        start = shares.sum() / PRIOR_PHOTOS / gain - self.inputs.mean(axis=(0, 1)) @ along
        moved = HeadChange(np.outer(along, self.moments), start * self.moments)
        return moved, np.maximum(self.ages(years / gain), 0)

    @cached_property
    def _centred(self) -> tuple[np.ndarray, float]:
        """The inputs less their mean, and the length of an average one. No label has a part in them."""
        centred = self.inputs - self.inputs.mean(axis=(0, 1))
        return centred, float(np.sqrt((centred**2).sum(axis=-1).mean())) or 1.0

    @cached_property
    def _products(self) -> np.ndarray:
        """Inner products of all views of all photos, float (n, views, n, views)."""
        centred, scale = self._centred
        return np.tensordot(centred, centred, axes=(2, 2)) / scale**2

    def _views(self, amounts: np.ndarray | float) -> np.ndarray:
        moved = self.outputs + np.broadcast_to(amounts, self.outputs.shape[:2])[..., None] * self.moments
        return ACTIVATIONS[self.activation](moved) @ self.moments

    def _gains(self, amounts: np.ndarray | float) -> np.ndarray:
        """The derivative of each view's age by its amount, float (n, views)."""
        return (self._views(amounts + PROBE) - self._views(amounts - PROBE)) / (2 * PROBE)


def change_head(model: keras.Model, change: HeadChange) -> None:
    """Add `change` to the weights of the model's last layer."""
    last = _parts(model)[1]
    last.set_weights([old + new for old, new in zip(last.get_weights(), change)])


def _parts(model: keras.Model) -> tuple[keras.Model, keras.layers.Dense, str, np.ndarray]:
    """The network in `model`, its last layer, the name of the activation behind it, and the first moments."""
    layers = {layer.name: layer for layer in model.layers}
    network, moments = layers.get("network"), layers.get("moments")
    activation = next((name for name in ACTIVATIONS if name in layers), None)
    last = network.layers[-1] if isinstance(network, keras.Model) else None
    if not isinstance(last, keras.layers.Dense) or not last.use_bias or moments is None or activation is None:
        raise ValueError("its layers are not those that stage 'package' writes")
    return network, last, activation, np.asarray(moments.get_weights()[0], "float64")[:, 0]


def _is_flipped(model: keras.Model) -> bool:
    return any(layer.name == "flip_average" for layer in model.layers)


def _predict(body: keras.Model, photos: np.ndarray) -> np.ndarray:
    parts = [body.predict_on_batch(photos[start : start + BATCH].astype("float32"))
             for start in range(0, len(photos), BATCH)]  # fmt: skip
    return np.concatenate(parts).astype("float64")
