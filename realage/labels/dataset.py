"""Where the labels and photos are, and what the embedded sample is drawn by."""

from pathlib import Path

from pydantic import Field, field_validator

from realage.core.params import Section

FEWEST_PHOTOS = 60  # of the sample


class DatasetParams(Section):
    """Section `dataset`: paths from the project's folder, or absolute ones."""

    labels: str = Field(min_length=1)  # CSV with columns file_name and real_age (years)
    images: str = Field(min_length=1)  # folder of the photos that file_name names

    @property
    def is_sample(self) -> bool:
        """Whether these are the synthetic portraits that the stage `sample` draws."""
        sample = Path("data/sample").absolute()
        return all(sample in Path(path).absolute().parents for path in (self.labels, self.images))


class SampleParams(Section):
    """Section `sample` of the params file; 0 photos switch the sample off."""

    photos: int = Field(ge=0, le=100_000)
    label_noise: float = Field(ge=0, le=20)  # years, standard deviation
    seed: int = Field(ge=0)

    @field_validator("photos")
    @classmethod
    def _leaves_room_for_defects(cls, photos: int) -> int:
        if 0 < photos < FEWEST_PHOTOS:
            raise ValueError(f"must be 0 (no sample) or at least {FEWEST_PHOTOS} (room for the planted defects)")
        return photos
