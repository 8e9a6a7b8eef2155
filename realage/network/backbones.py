"""The backbones that `keras.applications` offers, by name, and the keys of section `model`."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from realage.core.params import PathText, Section

# Name -> module of keras.applications with its preprocess_input. Written out so that a wrong name is rejected without
# importing TensorFlow, which takes seconds. A test compares it with the installed Keras.
MODULES = {
    **dict.fromkeys(["ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge"], "convnext"),
    **dict.fromkeys(["DenseNet121", "DenseNet169", "DenseNet201"], "densenet"),
    **dict.fromkeys([f"EfficientNetB{size}" for size in range(8)], "efficientnet"),
    **dict.fromkeys([f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")], "efficientnet_v2"),
    "InceptionResNetV2": "inception_resnet_v2",
    "InceptionV3": "inception_v3",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    **dict.fromkeys(["MobileNetV3Small", "MobileNetV3Large"], "mobilenet_v3"),
    **dict.fromkeys(["NASNetMobile", "NASNetLarge"], "nasnet"),
    **dict.fromkeys(["ResNet50", "ResNet101", "ResNet152"], "resnet"),
    **dict.fromkeys(["ResNet50V2", "ResNet101V2", "ResNet152V2"], "resnet_v2"),
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "Xception": "xception",
}


class ModelParams(Section):
    """Section `model`: a pretrained backbone, global average pooling, and a dense head that predicts years."""

    backbone: str
    weights: PathText  # imagenet, none, a weights file, or an age model: file or tag
    pixel_scaling: Literal["backbone", "unit"]  # the backbone's own preprocessing, or pixels / 255
    batch_norm_momentum: float | None = Field(ge=0, lt=1)  # null keeps the backbone's own
    dense_units: int = Field(ge=0, le=65_536)  # of a layer between pooling and head; 0: no such layer
    dropout: float = Field(ge=0, lt=1)
    head: Literal["regression", "distribution", "ordinal"]
    output: Literal["linear", "relu"]  # relu for head regression alone
    output_bias: Literal["mean_age", "zero"]  # initial bias: the untrained head predicts the mean age, or 0
    flip_average: bool  # predict the mean of a photo and its mirror image

    @field_validator("backbone")
    @classmethod
    def _check_backbone(cls, name: str) -> str:
        if name not in MODULES:
            raise ValueError(f"unknown backbone: it must be one of {', '.join(sorted(MODULES))}")
        return name

    @model_validator(mode="after")
    def _check_output(self) -> Self:
        if self.output == "relu" and self.head != "regression":
            raise ValueError(f"output relu is for head regression: set it to linear for head {self.head}")
        return self
