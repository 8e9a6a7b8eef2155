"""Where the labels and photos are."""

from pathlib import Path

from pydantic import Field

from realage.params import Section


class DatasetParams(Section):
    """Section `dataset`: paths from the project's folder, or absolute ones."""

    labels: str = Field(min_length=1)  # CSV with columns file_name and real_age (years)
    images: str = Field(min_length=1)  # folder of the photos that file_name names

    @property
    def is_sample(self) -> bool:
        """Whether these are the synthetic portraits that the stage `sample` draws."""
        sample = Path("data/sample").absolute()
        return all(sample in Path(path).absolute().parents for path in (self.labels, self.images))
