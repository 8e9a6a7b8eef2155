"""The keys of section `eda`."""

from pydantic import Field

from realage.core.params import Section


class EdaParams(Section):
    """Section `eda`: the sheet of example faces."""

    contact_sheet_columns: int = Field(ge=1, le=20)  # faces per decade
    seed: int = Field(ge=0, lt=2**32)  # another seed picks other faces
