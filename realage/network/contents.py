"""What a model file says of its model, read without Keras, which takes seconds to load."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from realage.core.errors import UserError, printable
from realage.network.archive import LEARNT_FILE, RECIPE_FILE, has_member, open_archive, read_as, read_json, read_member
from realage.network.learnt import LearntPhotos
from realage.photos.params import PrepareParams

RECIPE_VERSION = 3  # 1, of release 0.1, had only `prepare` and `train`; 2 had no `prepare.max_megapixels`


class Start(BaseModel):
    """What a training started from: the weights of a backbone, or an age model."""

    model_config = ConfigDict(frozen=True)

    weights: str  # imagenet, the name of a file, or the tag of a promoted model
    sha256: str | None = None  # of the file in data/weights
    head_taken: bool | None = None  # whether the age model's head went on, too; None: this is no age model
    data: dict[str, str] = {}  # the versions of the age model's data, if its file says them
    learnt_photos: int | None = None  # that the age model had learnt from; None if its file does not say which

    @property
    def is_age_model(self) -> bool:
        return self.head_taken is not None


class Recipe(BaseModel):
    """How photos must be prepared for a model, and how it was trained.

    `prepare` decides what the model sees, so it is validated. `model`, `train` and `data` (the data's versions) are
    history: they are kept as the release that trained the model wrote them. `lineage` is what the training started
    from, followed by what that age model's training started from, and so on. `adaptation` says how a model was adapted
    to a new source of photos; it is empty, and not written, for all others.
    """

    model_config = ConfigDict(frozen=True)

    version: int = 1
    prepare: PrepareParams
    model: dict[str, Any] = {}
    train: dict[str, Any]
    data: dict[str, str] = {}
    lineage: list[Start] = []
    adaptation: dict[str, Any] = Field(default={}, exclude_if=lambda adaptation: not adaptation)


def read_recipe(path: Path) -> Recipe:
    """Read the recipe from a model file of this or an earlier release.

    Raises UserError if the file is missing, not a model of this project, or from a later release.
    """
    with open_archive(path) as archive:
        recipe = read_json(archive, RECIPE_FILE)
        version = recipe.get("version", 1) if isinstance(recipe, dict) else 1
        if isinstance(version, int) and version > RECIPE_VERSION:
            raise UserError(f"{path}: its recipe has version {version}, and this release reads up to {RECIPE_VERSION}: "
                            "install a newer release of realage")
        return read_as(archive, RECIPE_FILE, Recipe)


def read_learnt(path: Path) -> LearntPhotos | None:
    """Read the photos that a model and its ancestors have learnt from; None if its file does not say them.

    Raises UserError as `read_recipe` does, and if they are damaged.
    """
    with open_archive(path) as archive:
        if not has_member(archive, LEARNT_FILE):
            return None
        try:
            return LearntPhotos.from_bytes(read_member(archive, LEARNT_FILE))
        except ValueError as error:
            raise ValueError(f"{LEARNT_FILE} in it: {error}") from error


def seen_warning(lineage: list[Start], seen: dict[str, tuple[int, int]]) -> str | None:
    """The warning that a model with this `lineage` has learnt from photos that judge it; None if there is no reason.

    `seen` has for each kind of photos, such as 'validation', how many of them it has learnt from, and of how many.
    """
    ancestors = [start for start in lineage if start.is_age_model]
    names = printable(", ".join(start.weights for start in ancestors))
    is_known = all(start.learnt_photos is not None for start in ancestors)
    counts = ", ".join(f"{count:,} of {photos:,} {kind} photos" for kind, (count, photos) in seen.items())
    if any(count for count, _ in seen.values()):
        least = "" if is_known else "at least "
        return f"warning: {names} learnt from {least}{counts}: errors on these photos are too low: judge on others"
    if not is_known:
        return (f"warning: {names} has no list of the photos that it learnt from: whether {' and '.join(seen)} photos "
                "are among them is not known")
    return None
