"""The keys of section `validate`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from realage.core.params import Section


class ValidateParams(Section):
    """Section `validate`: which labels and photos are usable, and what to do with the others."""

    min_age: float = Field(ge=0, le=150)  # years
    max_age: float = Field(ge=0, le=150)  # years
    min_pixels: int = Field(ge=1, le=10_000)  # shorter side of a photo
    on_reject: Literal["quarantine", "fail"]
    max_rejected: float = Field(ge=0, le=1)  # share of rows and unlabelled photos

    @model_validator(mode="after")
    def _check_age_range(self) -> Self:
        if self.min_age >= self.max_age:
            raise ValueError("min_age must be less than max_age")
        return self
