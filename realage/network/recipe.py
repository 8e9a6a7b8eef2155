"""How a model is trained: the keys of section `train`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from realage.core.params import Section

Share = Annotated[float, Field(ge=0, lt=1)]  # of the photo's side, its scale, or its brightness
Probability = Annotated[float, Field(ge=0, le=1)]  # of a transform, for each photo and epoch
Degrees = Annotated[float, Field(ge=0, le=180)]


class AugmentParams(Section):
    """Section `train.augment`, with the names of Keras' ImageDataGenerator; 0 or false turns a transform off.

    The keys from `random_erasing` on are not of the stock class.
    """

    rotation_range: Degrees
    width_shift_range: Share
    height_shift_range: Share
    shear_range: Degrees
    zoom_range: Share
    brightness_range: Share  # 0.2 draws a factor from 0.8 to 1.2
    horizontal_flip: bool
    interpolation_order: Literal[1, 3]  # 1 is linear, which blurs the training photos; 3 is cubic
    random_erasing: Probability  # a rectangle gets one colour
    framing_range: Share = 0.0  # 0.25 draws a zoom factor, the same for both axes, from 1 / 1.25 to 1.25
    contrast_range: Share = 0.0  # 0.2 draws a factor from 0.8 to 1.2
    saturation_range: Share = 0.0  # as contrast_range
    grayscale: Probability = 0.0
    blur: Probability = 0.0  # by a Gaussian; a standard deviation up to 0.9% of the side
    low_resolution: Probability = 0.0  # shrunk to 0.3 to 0.9 of the side, and enlarged again
    jpeg: Probability = 0.0  # compressed, with a quality from 20 to 80


class TrainParams(Section):
    """Section `train`."""

    photos: int | None = Field(ge=1)  # train on this many, the same ones for every seed; null: on all
    epochs: int = Field(ge=1, le=10_000)
    batch_size: int = Field(ge=1, le=4_096)  # photos
    learning_rate: float = Field(gt=0, le=1)  # peak rate of Adam
    warmup_epochs: float = Field(ge=0)  # of a linear rise from 0
    final_rate: float = Field(ge=0, le=1)  # share of the peak rate at the end of a half cosine; 1: constant rate
    weight_decay: float = Field(ge=0, le=1)  # of kernels, decoupled from the gradient as in AdamW
    weight_average: float = Field(ge=0)  # epochs covered by the running average of weights; 0: none
    loss: Literal["mse", "mae", "huber"]  # of the predicted age; a head may add a loss of its own
    label_spread: float = Field(gt=0, le=50)  # years: width of the label's Gaussian, for head distribution
    balance: float = Field(ge=0, le=1)  # a photo's weight is its age's smoothed frequency to minus this power
    keep: Literal["best", "last"]  # epoch, by validation MAE
    seed: int = Field(ge=0, lt=2**32)
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    backend: Literal["tensorflow", "jax", "torch"]
    threads: int = Field(ge=1, le=1_024)  # within one operation; another number changes the last digits
    augment: AugmentParams

    @model_validator(mode="after")
    def _check_epochs(self) -> Self:
        if self.warmup_epochs >= self.epochs:
            raise ValueError("warmup_epochs must be less than epochs")
        if self.weight_average >= self.epochs:
            raise ValueError("weight_average must be less than epochs: otherwise the untrained weights dominate it")
        return self
