"""Where the labels and photos are."""

from pydantic import Field

from realage.params import Section


class DatasetParams(Section):
    """Section `dataset`: paths from the project's folder, or absolute ones."""

    labels: str = Field(min_length=1)  # CSV with columns file_name and real_age (years)
    images: str = Field(min_length=1)  # folder of the photos that file_name names
