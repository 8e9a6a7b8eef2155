"""The keys of section `report`."""

from pydantic import Field

from realage.core.params import Section


class ReportParams(Section):
    """Section `report`."""

    title: str = Field(min_length=1)
    photos: bool = True
