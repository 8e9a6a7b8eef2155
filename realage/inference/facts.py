"""What a model file says of itself, as far as its use depends on it."""

from pydantic import BaseModel, ConfigDict, Field

from realage.photos.likeness import TrainingSummary
from realage.photos.params import PrepareParams

FACTS_VERSION = 1


class Facts(BaseModel):
    """How photos have to be framed for a model, and what it was trained on.

    `fingerprint` is the SHA-256 of `models/age.keras`, also for the file that was exported from it. `coverage` is the
    share of real ages that intervals are meant to hold, None without intervals. `summary` is of the training photos,
    None for a model of an earlier release.
    """

    model_config = ConfigDict(frozen=True)

    version: int = Field(default=FACTS_VERSION, ge=1)
    fingerprint: str = Field(pattern="^[0-9a-f]{64}$")
    prepare: PrepareParams
    coverage: float | None = Field(default=None, gt=0, lt=1)
    data: dict[str, str] = {}
    model: dict[str, object] = {}
    train: dict[str, object] = {}
    summary: TrainingSummary | None = None
