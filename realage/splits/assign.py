"""Assigns photos to training, validation and test."""

from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from realage.core.columns import FILE_NAME, REAL_AGE
from realage.core.errors import UserError
from realage.core.params import Section
from realage.splits.ages import decade, decade_label
from realage.splits.subjects import identities, known_subjects, position_of

SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}  # name in tables -> name in texts
HELD_OUT = ("val", "test")
EXCLUDED = "excluded"  # a near-duplicate of a held-out photo
MIN_JUDGING = 10  # photos; an error on fewer is mostly chance
MAX_MISS = 0.05  # difference between a split's share of the photos and the share that was asked for
MAX_OF_SUBJECT = 0.5  # share of a split's photos that show one person


class SplitParams(Section):
    """Section `split`: how photos are divided among training, validation and test."""

    strategy: Literal["stable", "leading", "column"]
    val_fraction: float = Field(gt=0, lt=1)
    test_fraction: float = Field(ge=0, lt=1)
    salt: str  # another salt draws another stable split

    @model_validator(mode="after")
    def _check_fractions(self) -> Self:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction and test_fraction must add up to less than 1")
        return self


def assign_splits(table: pd.DataFrame, params: SplitParams) -> pd.Series:
    """Return the split ('train', 'val' or 'test') of each row of `table`.

    `table` has columns `file_name` and `photo`, and optionally `subject` and `split`. Raises UserError if a person
    would be in several splits, or if strategy 'column' finds no valid column `split`.
    """
    strategies = {"stable": _stable, "leading": _leading, "column": _column}
    splits = strategies[params.strategy](table, params)
    _check_subjects(table, splits)
    return splits


def set_near_duplicates_aside(table: pd.DataFrame, splits: pd.Series, groups: np.ndarray) -> pd.DataFrame:
    """Return `table` with columns `split` and `near_duplicate_of`. Near-duplicates are never in different splits.

    `groups`, int (n,), are the numbers of the groups of near-duplicates. A training photo in the group of a validation
    or test photo, and a validation photo in that of a test photo, become 'excluded'. Their `near_duplicate_of` is the
    first of the photos that are kept; it is empty for all others. No photo moves to another split.
    """
    rank = splits.map(list(SPLIT_NAMES).index)
    judging = rank.groupby(groups).transform("max")
    names = table[FILE_NAME].where(rank == judging).groupby(groups).transform("min")
    aside = rank < judging
    return table.assign(split=splits.mask(aside, EXCLUDED), near_duplicate_of=names.where(aside, ""))


def require_enough(splits: pd.Series, params: SplitParams) -> None:
    """Raise UserError if there are no training photos, or too few validation or test photos."""
    counts = splits.value_counts()
    wants_test = params.strategy == "stable" and params.test_fraction > 0
    for split, least in {"train": 1, "val": MIN_JUDGING, "test": MIN_JUDGING}.items():
        count = counts.get(split, 0)
        if count < least and (split != "test" or count or wants_test):
            raise UserError(
                f"split '{split}' has {count} of the {len(splits)} photos (strategy '{params.strategy}'), "
                f"fewer than {least}: add photos or change split.* in params.yaml"
            )


def warnings(table: pd.DataFrame, params: SplitParams) -> list[str]:
    """Return sentences on splits whose sizes or people are not what was meant.

    These are shares of the photos that differ by more than MAX_MISS from those asked for (strategy 'stable'), and a
    person with more than MAX_OF_SUBJECT of a split's photos. `table` has a column `split`, and optionally `subject`.
    """
    used = table[table["split"] != EXCLUDED]
    return [*_missed_shares(used["split"], params), *_heavy_subjects(used)]


def unjudged_decades(table: pd.DataFrame) -> dict[str, int]:
    """Return the decades of age that only training photos have, with their number of photos.

    No error can be measured at these ages. `table` has columns `real_age` (years) and `split`.
    """
    decades = pd.Series(decade(table[REAL_AGE]), index=table.index)
    judged = set(decades[table["split"].isin(HELD_OUT)])
    unjudged = decades[(table["split"] == "train") & ~decades.isin(judged)]
    return {decade_label(start): int(count) for start, count in unjudged.value_counts().sort_index().items()}


def _missed_shares(splits: pd.Series, params: SplitParams) -> list[str]:
    if params.strategy != "stable":
        return []
    asked = {"val": params.val_fraction, "test": params.test_fraction}
    asked = {"train": 1 - sum(asked.values()), **asked}
    shares = {split: float((splits == split).mean()) for split in asked}
    if max(abs(shares[split] - asked[split]) for split in asked) <= MAX_MISS:
        return []
    has, wanted = ("/".join(f"{100 * share:.0f}" for share in of.values()) for of in (shares, asked))
    return [f"{'/'.join(asked)} have {has}% of the photos, {wanted}% was asked for: few photos, one subject with many, "
            "or many copies of a picture can cause this; another split.salt draws another split"]


def _heavy_subjects(table: pd.DataFrame) -> list[str]:
    subjects = known_subjects(table)
    found = []
    for split, theirs in subjects.groupby(table["split"]):
        counts = theirs[theirs != ""].value_counts()
        if len(counts) and counts.iloc[0] > MAX_OF_SUBJECT * len(theirs):
            found.append(f"subject '{counts.index[0]}' has {counts.iloc[0]:,} of the {len(theirs):,} photos of split "
                         f"'{split}': leave the cell empty if that is no person, or add photos of other people")
    return found


def _check_subjects(table: pd.DataFrame, splits: pd.Series) -> None:
    """Raise UserError if a person is in several splits: a model may recognise them."""
    subjects = known_subjects(table)
    rows = pd.DataFrame({"subject": subjects, "split": splits})[subjects != ""].drop_duplicates()
    divided = rows.loc[rows["subject"].duplicated(), "subject"].sort_values()
    for subject in divided.head(1):
        where = rows.loc[rows["subject"] == subject, "split"]
        raise UserError(f"subject '{subject}' is in {' and '.join(sorted(where))}: use split.strategy: stable")


def _stable(table: pd.DataFrame, params: SplitParams) -> pd.Series:
    """Split by a hash of the person or the pixels: other rows have no influence, and a person is in one split."""

    def place(identity: str) -> str:
        position = position_of(f"{params.salt}:{identity}")
        if position < params.val_fraction:
            return "val"
        return "test" if position < params.val_fraction + params.test_fraction else "train"

    return identities(table).map(place)


def _leading(table: pd.DataFrame, params: SplitParams) -> pd.Series:
    """Use the first rows for validation and have no test split, as `validation_split` of Keras' ImageDataGenerator."""
    leading = int(len(table) * params.val_fraction)
    return pd.Series(["val"] * leading + ["train"] * (len(table) - leading), index=table.index)


def _column(table: pd.DataFrame, params: SplitParams) -> pd.Series:
    """Use the `split` column of the label file. Raises UserError if it is missing or has another value."""
    if "split" not in table.columns:
        raise UserError("split.strategy is 'column', but the labels have no column 'split': add it or use 'stable'")
    for row in table[~table["split"].isin(list(SPLIT_NAMES))].head(1).itertuples():
        raise UserError(f"{row.file_name}: split is '{row.split}': it must be one of {', '.join(SPLIT_NAMES)}")
    return table["split"]
