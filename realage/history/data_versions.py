"""The tables of the data, in the working tree or as DVC recorded them at a Git revision."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo
from dvc.scm import NoSCM, SCMError

from realage.core.columns import FILE_NAME, REAL_AGE
from realage.core.digests import md5_of
from realage.core.errors import UserError, printable
from realage.core.paths import REJECTED, SPLITS, metrics_file
from realage.core.programs import explained
from realage.history.revisions import resolve
from realage.splits.versions import HELD_OUT_VERSIONS, held_out_versions

SPLITS_FILE, REJECTED_FILE = SPLITS.as_posix(), REJECTED.as_posix()
METRICS_FILES = [metrics_file(stage).as_posix() for stage in ("validate", "evaluate")]


class DataVersion(NamedTuple):
    """One version of the data. Characters that are not printable are escaped."""

    name: str  # such as 'v1.0 (6886890)'
    photos: pd.DataFrame  # file_name, real_age (years), photo (a hash of its pixels), split
    rejected: pd.DataFrame  # rule
    is_judged: bool  # whether the errors in metrics/evaluate.json were measured on these data


def read_working_tree() -> DataVersion:
    """The data in the working tree. Raises UserError if a table is missing or invalid."""

    def read(file: str) -> bytes:
        try:
            return Path(file).read_bytes()
        except FileNotFoundError:
            raise UserError(
                f"{file}: not in the working tree: restore the file that dvc.lock names with 'dvc checkout', "
                "or make a new one with 'dvc repro'"
            ) from None

    return _version("the working tree, as 'dvc repro' last left it", read, "run 'dvc repro'")


def read_revision(revision: str) -> DataVersion:
    """The data that DVC recorded at a Git revision, from its cache or else from the default remote.

    Nothing is checked out or cached. Raises UserError if the revision is unknown or has no data, if the data are in
    neither place or damaged there, and outside a DVC project in Git.
    """
    try:
        # The present configuration: that of the revision may be older than the team's remote.
        with Repo() as present:
            config = present.config
            if isinstance(present.scm, NoSCM):
                raise UserError("not a Git repository: run this in the folder of a DVC project that is in Git")
        found = resolve(revision)
        with Repo(config=config) as repo:
            with repo.switch(found.commit):
                return _version(
                    found.name,
                    lambda file: _read_recorded(repo, file, revision),
                    "compare with another revision",
                )
    except (NotDvcRepoError, SCMError) as error:
        raise UserError(explained(error)) from None
    except UserError:
        raise
    except Exception as error:  # the libraries behind remotes raise more exceptions than DVC documents
        raise UserError(f"{revision}: DVC cannot read its data: {explained(error)}") from error


def _read_recorded(repo: Repo, file: str, revision: str) -> bytes:
    md5 = _recorded_md5(repo, file)
    try:
        with repo.dvcfs.open(file, "rb") as stream:
            contents = stream.read()
    except FileNotFoundError:
        if md5 is None:
            raise UserError(
                f"{revision}: has no {file}: the pipeline's results were not committed there: "
                "'git log --oneline dvc.lock' lists revisions that may have it"
            ) from None
        raise UserError(
            f"{file} of {revision}: neither in DVC's cache nor in the default remote: ask a colleague who has it for a "
            f"'dvc push', or make it again: 'git checkout {revision}', 'dvc checkout', 'dvc repro split', then "
            "'git checkout -', 'dvc checkout'"
        ) from None
    # DVC does not notice that a file in its cache is damaged.
    if md5 not in (None, md5_of(contents)):
        raise UserError(f"{file} of {revision}: not the bytes that DVC recorded: run 'make mend-cache', then try again")
    return contents


def _recorded_md5(repo: Repo, file: str) -> str | None:
    """None for a file that DVC did not record, or that is in Git itself."""
    try:
        return repo.dvcfs.info(file).get("md5")
    except FileNotFoundError:
        return None


def _version(name: str, read: Callable[[str], bytes], remedy: str) -> DataVersion:
    photos = _table(SPLITS_FILE, read, [FILE_NAME, REAL_AGE, "photo", "split"], name, remedy)
    rejected = _table(REJECTED_FILE, read, ["rule"], name, remedy)
    return DataVersion(name, photos, rejected, _is_judged(photos, read))


def _is_judged(photos: pd.DataFrame, read: Callable[[str], bytes]) -> bool:
    try:
        validated, evaluated = (json.loads(read(file)) for file in METRICS_FILES)
        judged = {key: evaluated[key] for key in HELD_OUT_VERSIONS.values() if key in evaluated}
        if judged:
            same_sets = judged == held_out_versions(photos)
        else:  # release 0.1 did not record them
            same_sets = bool(evaluated["val"]["n"] == (photos["split"] == "val").sum())
        return same_sets and evaluated["data_version"] == validated["data_version"]
    except (UserError, ValueError, LookupError, TypeError):
        return False


def _table(file: str, read: Callable[[str], bytes], columns: list[str], name: str, remedy: str) -> pd.DataFrame:
    contents = read(file)
    try:
        return _parsed(contents, columns)
    except ValueError as error:
        raise UserError(f"{file} of {name}: not as the pipeline writes it ({error}): {remedy}") from error


def _parsed(contents: bytes, columns: list[str]) -> pd.DataFrame:
    """The `columns` of a CSV table, `real_age` as float64. Raises ValueError if it is not a CSV table with them."""
    # header=None, so that pandas rejects a row that is too long; otherwise it would shift the row's cells.
    cells = pd.read_csv(BytesIO(contents), dtype=str, header=None, keep_default_na=False, encoding="utf-8")
    header = list(cells.iloc[0])
    missing = [column for column in columns if header.count(column) != 1]
    if missing:
        raise ValueError(f"column {' and '.join(missing)} missing, or there twice")
    table = cells.iloc[1:, [header.index(column) for column in columns]].set_axis(columns, axis="columns")
    # Otherwise control characters of another author's revision would reach the user's terminal.
    table = table.fillna("").map(printable).reset_index(drop=True)
    if REAL_AGE in columns:
        table = table.astype({REAL_AGE: "float64"})
        if not np.isfinite(table[REAL_AGE]).all():
            raise ValueError("a real_age is not a number")
    return table
