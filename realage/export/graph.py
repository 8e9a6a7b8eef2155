"""The model that is exported: framed photos as bytes in, ages with their intervals out."""

import json

import numpy as np

from realage.calibration.interval import LEAST_SCALE, Calibration, Scale
from realage.inference.onnx_engine import INPUT
from realage.network.familiarity import with_familiarity
from realage.network.heads import Tensor
from realage.network.quiet_keras import keras


def build_exported(model: keras.Model, calibration: Calibration | None) -> keras.Model:
    """Build the model that is exported, with the weights of `model`, which answers in years.

    Input `photos`: uint8 (n, size, size, 3), RGB, framed as the model's recipe says. Outputs, float32 (n,) each:
    those of `model`, `age` and perhaps `spread`, and with a `calibration` the ends `age_lo` and `age_hi` of the
    interval, all in years, and `familiarity`. It computes in float32, whatever the model was trained in: few programs
    compute in bfloat16.
    """
    model = with_familiarity(_in_float32(model))
    photos = keras.Input(model.input_shape[1:], dtype="uint8", name=INPUT)
    answers = dict(model(keras.ops.cast(photos, "float32")))
    if calibration:
        age, expected = answers["age"], _expected_error(calibration.scale, answers)
        answers["age_lo"] = keras.ops.relu(age + calibration.low * expected)  # not below 0 years
        answers["age_hi"] = keras.ops.relu(age + calibration.high * expected)
    return keras.Model(photos, {name: keras.ops.squeeze(years, axis=1) for name, years in answers.items()}, name="age")


def _in_float32(model: keras.Model) -> keras.Model:
    """A copy of `model` that computes in float32. In mixed precision, too, weights are float32."""
    config = json.dumps(keras.saving.serialize_keras_object(model))
    for policy in ("mixed_bfloat16", "mixed_float16"):
        config = config.replace(f'"{policy}"', '"float32"')
    copy = keras.saving.deserialize_keras_object(json.loads(config))
    copy.set_weights(model.get_weights())
    return copy


def _expected_error(scale: Scale, answers: dict[str, Tensor]) -> Tensor:
    """What `Scale.of` computes, (n, 1), in years, in operations of Keras.

    The interpolated factor is the first one plus, for each step between two ages, the share of the step that lies below
    the predicted age, times the step's rise.
    """
    ages, factors = (np.array(values, "float32") for values in (scale.ages, scale.factors))
    expected = float(factors[0])
    if len(ages) > 1:
        shares = keras.ops.clip((answers["age"] - ages[:-1]) / np.diff(ages), 0.0, 1.0)
        expected = expected + keras.ops.matmul(shares, np.diff(factors)[:, None])
    base = scale.base if scale.per_spread is None else scale.base + scale.per_spread * answers["spread"]
    return keras.ops.maximum(base * expected, LEAST_SCALE)
