"""Move damaged files out of DVC's cache, so that they are made or fetched again: `realage mend-cache`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from realage.core.digests import file_md5
from realage.core.errors import UserError, printable
from realage.core.programs import dvc

DAMAGED = Path(".dvc/tmp/damaged")


def mend_cache() -> None:
    """Move the cache's objects whose MD5 is not the one in their name, and print each."""
    if not Path(".dvc").is_dir():
        raise UserError(f"{Path.cwd()}: no DVC project: run this in the project's folder")
    cache = Path(dvc("cache", "dir").strip())
    if not cache.is_dir():
        raise UserError(f"{cache}: no such folder: there is no cache yet, and nothing to mend")
    objects = list(_objects(cache))
    damaged = [file for file in tqdm(objects, "cache", unit=" files", disable=None) if _is_damaged(file)]
    for file in damaged:
        _move(file)
    print(f"mend-cache: {len(damaged)} of {len(objects):,} files were damaged")
    if damaged:
        print("Delete damaged files in the project too. Then 'dvc repro' makes them again, or 'dvc pull' fetches them.")


def _objects(cache: Path) -> Iterator[Path]:
    """Files of the cache, each named after its MD5; a folder's list of files has a name that ends in `.dir`."""
    return (file for file in sorted((cache / "files/md5").glob("??/*")) if len(file.parent.name + file.stem) == 32)


def _is_damaged(file: Path) -> bool:
    return file_md5(file) != file.parent.name + file.stem


def _move(file: Path) -> None:
    """Move, not delete: a photo with one wrong bit may be the only copy."""
    DAMAGED.mkdir(parents=True, exist_ok=True)
    place = DAMAGED / (file.parent.name + file.name)
    shutil.move(file, place)
    print(printable(f"{file}: damaged, moved to {place}"))
