"""The keys of section `report`."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from realage.core.params import Section

IDENTIFIER = re.compile(r"\w[\w.+/-]*", re.ASCII)


def _require_identifier(name: str) -> str:
    if not IDENTIFIER.fullmatch(name):
        raise ValueError("it must be an identifier, such as apache-2.0 or team/faces: letters, digits and . _ + - /")
    return name


Statement = Annotated[str, Field(min_length=1)]
Identifier = Annotated[str, AfterValidator(_require_identifier)]


class CardParams(Section):
    """Section `report.card`: what only the team knows. Model card and ML-BOM show null as not stated."""

    owner: Statement | None = None
    contact: Statement | None = None
    licence: Identifier | None = None  # of the model
    users: Statement | None = None
    intended_use: Statement | None = None
    data_name: Identifier | None = None
    data_licence: Statement | None = None
    data_source: Statement | None = None
    label_source: Statement | None = None
    ethical_review: Statement | None = None


class ReportParams(Section):
    """Section `report`."""

    title: str = Field(min_length=1)
    photos: bool = True
    card: CardParams = CardParams()
