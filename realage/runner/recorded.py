"""Compares a stage's inputs with DVC's records, as DVC checks out damaged files of its cache without a message."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from realage.core.digests import file_md5, md5_of
from realage.core.errors import UserError
from realage.core.paths import LOCK
from realage.core.programs import dvc

MADE = (
    "if it is from another commit, run 'dvc checkout {path}'; if you edited it or the cache is damaged, delete it, run "
    "'make mend-cache', then 'dvc repro'"
)
ADDED = (
    "if it is from another commit, run 'dvc checkout {path}'; if you changed it, run 'dvc add {path}'; otherwise the "
    "cache is damaged: move it away, run 'make mend-cache', then 'dvc pull', or restore your own copy"
)


def require_recorded(inputs: Iterable[Path]) -> None:
    """Raise UserError if one of `inputs` differs from its record in dvc.lock or in a `.dvc` file.

    Inputs without a record, such as code or a folder outside the project, are not checked.
    """
    inputs = list(inputs)
    for records, cure in ((_made_by_stages(), MADE), (_added_by_users(inputs), ADDED)):
        for path, md5 in records.items():
            if any(_overlap(path, other) for other in inputs) and not _has_md5(path, md5):
                raise UserError(f"{path}: not the bytes that DVC recorded: {cure.format(path=path)}")


def not_ignored(names: list[str]) -> list[str]:
    """Return those of `names` that DVC does not ignore. It ignores `.git` and the patterns in .dvcignore."""
    if not names:
        return []
    # The status is 1 if it ignores none of them.
    ignored = set(dvc("check-ignore", "--stdin", stdin="\n".join(names), good=(0, 1)).splitlines())
    return [name for name in names if name not in ignored]


def cache_folder() -> Path | None:
    """Return DVC's cache folder, the target of links with `cache.type symlink`. None outside a DVC project."""
    return Path(dvc("cache", "dir").strip()) if project_root() else None


def project_root() -> Path | None:
    """Return the nearest folder above, or the current one, that is a DVC project. None if there is none."""
    return next((folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / ".dvc").is_dir()), None)


def _made_by_stages() -> dict[Path, str]:
    """Return the outs of all stages with their MD5, from dvc.lock."""
    entries = _read_record(LOCK)["stages"].values() if LOCK.is_file() else []
    return {path: md5 for entry in entries for path, md5 in _outs(entry, LOCK.parent).items()}


def _added_by_users(inputs: list[Path]) -> dict[Path, str]:
    """Return the files and folders under `dvc add` that are or contain one of `inputs`, with their MD5."""
    records: dict[Path, str] = {}
    for place in sorted({place for path in inputs for place in (path, *path.parents) if place.name}):
        added = place.with_name(f"{place.name}.dvc")
        if added.is_file():
            records |= _outs(_read_record(added), added.parent)
    return records


def _read_record(file: Path) -> dict[str, Any]:
    # The base loader takes every value for a string, as paths and hashes are: a folder may be called 'yes' or '1e3'.
    return yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CBaseLoader)


def _outs(entry: dict[str, Any], folder: Path) -> dict[Path, str]:
    # Older versions of DVC wrote `md5` without `hash`; for text files that is another digest.
    outs = [out for out in entry.get("outs", []) if out.get("hash") == "md5" and "md5" in out]
    return {folder / out["path"]: out["md5"] for out in outs}


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _has_md5(path: Path, md5: str) -> bool:
    if not path.is_dir():
        return path.is_file() and file_md5(path) == md5
    names = [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
    if _folder_md5(path, names) == md5:
        return True
    # Asking DVC takes a second, so it is asked only if the digests differ.
    kept = not_ignored([(path / name).as_posix() for name in names])
    return _folder_md5(path, [Path(name).relative_to(path).as_posix() for name in kept]) == md5


def _folder_md5(folder: Path, names: list[str]) -> str:
    """Return DVC's MD5 of a folder, which is that of the JSON list of its files."""
    listing = [{"md5": file_md5(folder / name), "relpath": name} for name in sorted(names)]
    return md5_of(json.dumps(listing, sort_keys=True).encode()) + ".dir"
