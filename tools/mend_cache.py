"""Deletes what is damaged in DVC's cache, so that it is made or fetched anew; DVC itself never looks at it again."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from realage.command import run
from realage.errors import UserError


def mend_cache() -> None:
    """Delete the objects of the cache whose bytes are not those that they are named after, and name each."""
    done = subprocess.run([sys.executable, "-m", "dvc", "cache", "dir"], capture_output=True, text=True)
    if done.returncode != 0:
        raise UserError(f"'dvc cache dir' failed ({done.stderr.strip()}): run this in the project's folder")
    objects = list(_objects(Path(done.stdout.strip())))
    damaged = [file for file in tqdm(objects, "cache", unit=" files", disable=None) if _is_damaged(file)]
    for file in damaged:
        file.unlink()
        print(f"{file}: damaged, deleted")
    print(f"mend-cache: {len(damaged)} of {len(objects):,} files were damaged")
    if damaged:
        print("Delete the damaged files of the project too; 'dvc repro' makes them anew, 'dvc pull' fetches them.")


def _objects(cache: Path) -> Iterator[Path]:
    """Files of the cache, each named after its MD5; a folder's list of files has a name that ends in `.dir`."""
    return (file for file in sorted((cache / "files/md5").glob("??/*")) if len(file.parent.name + file.stem) == 32)


def _is_damaged(file: Path) -> bool:
    with file.open("rb") as stream:
        md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return md5 != file.parent.name + file.stem


if __name__ == "__main__":
    run(mend_cache)
