"""A network of two layers, for tests of what goes on around a training: a real backbone takes longer to compile."""

from realage.network.backbones import ModelParams
from realage.network.quiet_keras import keras


def small_backbone(params: ModelParams, size: int, weights: str | None) -> keras.Model:
    """In place of `build_backbone`."""
    layers = [keras.layers.Conv2D(8, 3, 4, activation="relu"), keras.layers.BatchNormalization(momentum=0.5)]
    return keras.Sequential([keras.Input((size, size, 3)), *layers], name="backbone")
