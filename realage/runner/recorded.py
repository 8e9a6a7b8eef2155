"""What a stage reads, held against DVC's record of it: DVC trusts its cache, and hands out what is damaged there."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from realage.core.digests import file_md5, md5_of
from realage.core.errors import UserError
from realage.core.paths import LOCK

MADE = (
    "from another commit? 'dvc checkout {path}'. Edited by hand, or from a damaged cache? Delete it, run "
    "'make mend-cache', then 'dvc repro'"
)
ADDED = (
    "from another commit? 'dvc checkout {path}'. Changed by you? 'dvc add {path}'. Neither? The cache is damaged: move "
    "it away, run 'make mend-cache', then 'dvc pull', or put back a copy of your own"
)


def require_recorded(inputs: Iterable[Path]) -> None:
    """Raise UserError for one of `inputs` whose bytes are not those that dvc.lock or its `.dvc` file names.

    What DVC has no record of, such as code or a folder outside the project, passes.
    """
    inputs = list(inputs)
    for records, cure in ((_made_by_stages(), MADE), (_added_by_users(inputs), ADDED)):
        for path, md5 in records.items():
            if any(_overlap(path, other) for other in inputs) and not _has_md5(path, md5):
                raise UserError(f"{path}: not the bytes that DVC recorded: {cure.format(path=path)}")


def not_ignored(names: list[str]) -> list[str]:
    """Those of `names` that DVC does not leave out, as it does with `.git` and with what .dvcignore names."""
    if not names:
        return []
    command = [sys.executable, "-m", "dvc", "check-ignore", "--stdin"]
    done = subprocess.run(command, input="\n".join(names), capture_output=True, encoding="utf-8")
    ignored = set(done.stdout.splitlines())
    return [name for name in names if name not in ignored]


def cache_folder() -> Path | None:
    """Where DVC keeps what it knows, and what `cache.type symlink` makes links into; None outside a DVC project."""
    done = subprocess.run([sys.executable, "-m", "dvc", "cache", "dir"], capture_output=True, encoding="utf-8")
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def _made_by_stages() -> dict[Path, str]:
    """The outs of all stages and their MD5 as DVC counts it."""
    entries = _read_record(LOCK)["stages"].values() if LOCK.is_file() else []
    return {path: md5 for entry in entries for path, md5 in _outs(entry, LOCK.parent).items()}


def _added_by_users(inputs: list[Path]) -> dict[Path, str]:
    """The files and folders under `dvc add` in which `inputs` lie, and their MD5."""
    records: dict[Path, str] = {}
    for place in sorted({place for path in inputs for place in (path, *path.parents) if place.name}):
        added = place.with_name(f"{place.name}.dvc")
        if added.is_file():
            records |= _outs(_read_record(added), added.parent)
    return records


def _read_record(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def _outs(entry: dict[str, Any], folder: Path) -> dict[Path, str]:
    # Older versions of DVC wrote `md5` without `hash`, and meant something else for text files.
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
    # Asking DVC takes a second, so only where it matters.
    kept = not_ignored([(path / name).as_posix() for name in names])
    return _folder_md5(path, [Path(name).relative_to(path).as_posix() for name in kept]) == md5


def _folder_md5(folder: Path, names: list[str]) -> str:
    """The MD5 of the JSON list of its files, by which DVC knows a folder."""
    listing = [{"md5": file_md5(folder / name), "relpath": name} for name in sorted(names)]
    return md5_of(json.dumps(listing, sort_keys=True).encode()) + ".dir"
