"""How the model is exported: the keys of section `export`."""

from typing import Literal

from pydantic import Field

from realage.core.params import Section


class ExportParams(Section):
    """Section `export`."""

    precision: Literal["float32", "float16", "int8"] = "float32"  # of the stored weights
    tolerance: float = Field(default=0.05, ge=0, le=10)  # years: a larger difference from the Keras model fails
