"""Weights of training photos, so that rare ages count more: label-distribution smoothing."""

import numpy as np

KERNEL_SPREAD = 2.0  # years; neighbouring ages look alike, so their photos count too
KERNEL_REACH = 4  # years to either side


def balance_weights(ages: np.ndarray, power: float) -> np.ndarray:
    """Ages (n,), years -> float32 (n,), each photo's weight in the loss, 1 on average.

    A weight is the frequency of the photo's age, smoothed over neighbouring years by a Gaussian, to the power of
    -`power`: 0.5 is the square root that Yang et al. 2021 (arXiv:2102.09554) use for ages; 0 makes all weights equal.
    """
    years = np.rint(np.asarray(ages)).astype(int)
    offsets = np.arange(-KERNEL_REACH, KERNEL_REACH + 1)
    kernel = np.exp(-((offsets / KERNEL_SPREAD) ** 2) / 2)
    smoothed = np.convolve(np.bincount(years), kernel / kernel.sum(), mode="full")[KERNEL_REACH:]
    weights = smoothed[years] ** -power
    return (weights / weights.mean()).astype(np.float32)
