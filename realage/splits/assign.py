"""Which photos a model learns from and which it is judged on."""

import hashlib
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from realage.core.columns import FILE_NAME, REAL_AGE, SUBJECT
from realage.core.errors import UserError
from realage.core.params import Section
from realage.splits.ages import decade, decade_label

SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}  # as tables have them, and in words
HELD_OUT = ("val", "test")
EXCLUDED = "excluded"  # set aside: a near-duplicate of a photo that judges the model
MIN_JUDGING = 10  # photos: what fewer say about a model is mostly chance


class SplitParams(Section):
    """Section `split`: how photos are shared out among training, validation and test."""

    strategy: Literal["stable", "leading", "column"]
    val_fraction: float = Field(gt=0, lt=1)
    test_fraction: float = Field(ge=0, lt=1)
    salt: str  # another salt draws another stable split

    @model_validator(mode="after")
    def _leaves_photos_to_train_on(self) -> Self:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction and test_fraction must add up to less than 1")
        return self


def assign_splits(table: pd.DataFrame, params: SplitParams) -> pd.Series:
    """The split ('train', 'val' or 'test') of each row of `table` (`file_name`, `photo`, maybe `subject`, `split`).

    Raises UserError where a person would be in several splits.
    """
    strategies = {"stable": _stable, "leading": _leading, "column": _column}
    splits = strategies[params.strategy](table, params)
    _check_subjects(table, splits)
    return splits


def set_near_duplicates_aside(table: pd.DataFrame, splits: pd.Series, groups: np.ndarray) -> pd.DataFrame:
    """`table` with columns `split` and `near_duplicate_of`, so that near-duplicates are never in different splits.

    `groups`, int (n,), numbers the groups of near-duplicates. A training photo in the group of a validation or test
    photo, and a validation photo in that of a test photo, become 'excluded', and `near_duplicate_of` names the first
    of those that stay; elsewhere it is empty. So nothing ever moves between splits.
    """
    rank = splits.map(list(SPLIT_NAMES).index)
    judging = rank.groupby(groups).transform("max")
    names = table[FILE_NAME].where(rank == judging).groupby(groups).transform("min")
    aside = rank < judging
    return table.assign(split=splits.mask(aside, EXCLUDED), near_duplicate_of=names.where(aside, ""))


def require_enough(splits: pd.Series, params: SplitParams) -> None:
    """Raise UserError where a split has no photos, or too few to judge a model by."""
    counts = splits.value_counts()
    wants_test = params.strategy == "stable" and params.test_fraction > 0
    for split, least in {"train": 1, "val": MIN_JUDGING, "test": MIN_JUDGING}.items():
        count = counts.get(split, 0)
        if count < least and (split != "test" or count or wants_test):
            raise UserError(
                f"split '{split}' has {count} of the {len(splits)} photos (strategy '{params.strategy}'), "
                f"and fewer than {least} say nothing: add photos or change split.* in params.yaml"
            )


def unjudged_decades(table: pd.DataFrame) -> dict[str, int]:
    """Decades of age that only training photos have, with their number: nobody learns how wrong the model is there.

    `table` has columns `real_age` (years) and `split`.
    """
    decades = pd.Series(decade(table[REAL_AGE]), index=table.index)
    judged = set(decades[table["split"].isin(HELD_OUT)])
    unjudged = decades[(table["split"] == "train") & ~decades.isin(judged)]
    return {decade_label(start): int(count) for start, count in unjudged.value_counts().sort_index().items()}


def _check_subjects(table: pd.DataFrame, splits: pd.Series) -> None:
    """One person in two splits would be recognised, not judged."""
    if SUBJECT not in table.columns:
        return
    named = table[SUBJECT] != ""
    for subject, where in splits[named].groupby(table.loc[named, SUBJECT]).unique().items():
        if len(where) > 1:
            raise UserError(f"subject '{subject}' is in {' and '.join(sorted(where))}: use split.strategy: stable")


def _stable(table: pd.DataFrame, params: SplitParams) -> pd.Series:
    """By a hash of who is on the photo, so that no other row can move it: one person is never in two splits."""
    identity = table["photo"]
    if SUBJECT in table.columns:
        identity = ("subject:" + table[SUBJECT]).where(table[SUBJECT] != "", identity)

    def place(identity: str) -> str:
        digest = hashlib.blake2b(f"{params.salt}:{identity}".encode(), digest_size=8).digest()
        position = int.from_bytes(digest, "big") / 2**64
        if position < params.val_fraction:
            return "val"
        return "test" if position < params.val_fraction + params.test_fraction else "train"

    return identity.map(place)


def _leading(table: pd.DataFrame, params: SplitParams) -> pd.Series:
    """The first rows for validation and no test split, as Keras' `validation_split` does it."""
    leading = int(len(table) * params.val_fraction)
    return pd.Series(["val"] * leading + ["train"] * (len(table) - leading), index=table.index)


def _column(table: pd.DataFrame, params: SplitParams) -> pd.Series:
    """As the label file's own `split` column says."""
    if "split" not in table.columns:
        raise UserError("split.strategy is 'column', but the labels have no column 'split': add it or use 'stable'")
    for row in table.itertuples():
        if row.split not in SPLIT_NAMES:
            raise UserError(f"{row.file_name}: split is '{row.split}': it must be one of {', '.join(SPLIT_NAMES)}")
    return table["split"]
