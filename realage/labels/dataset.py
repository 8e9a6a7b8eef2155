"""Params of the labels, the photos and the embedded sample."""

from pathlib import Path

from pydantic import Field, field_validator

from realage.core.params import PathText, Section

FEWEST_PHOTOS = 60  # in the sample


class DatasetParams(Section):
    """Section `dataset`: paths, absolute or relative to the project's folder."""

    labels: PathText  # CSV with columns file_name and real_age (years)
    images: PathText  # folder that file_name is relative to

    @property
    def is_sample(self) -> bool:
        """Whether labels and photos are those that stage `sample` draws."""
        sample = Path("data/sample").absolute()
        return all(sample in Path(path).absolute().parents for path in (self.labels, self.images))


class SampleParams(Section):
    """Section `sample`: the synthetic portraits. With 0 photos no sample is drawn."""

    photos: int = Field(ge=0, le=100_000)
    label_noise: float = Field(ge=0, le=20)  # years, standard deviation
    seed: int = Field(ge=0)

    @field_validator("photos")
    @classmethod
    def _check_room_for_defects(cls, photos: int) -> int:
        if 0 < photos < FEWEST_PHOTOS:
            raise ValueError(f"must be 0 (no sample) or at least {FEWEST_PHOTOS} (room for the planted defects)")
        return photos
