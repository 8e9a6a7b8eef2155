"""Original photos -> a table with the hashes and measures of each photo, or why it cannot be used."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from realage.core.disk import replacing
from realage.core.errors import UserError
from realage.core.files import from_parquet, to_parquet
from realage.core.params import load
from realage.core.paths import PHOTOS, STORE
from realage.labels.dataset import DatasetParams
from realage.photos.names import Listing, find_strays, list_files, why_unsafe
from realage.photos.params import PrepareParams
from realage.photos.scan import COLUMNS, scan_photos, sound_photos
from realage.photos.store import Store
from realage.runner.command import run
from realage.runner.recorded import cache_folder


def scan() -> None:
    """Write `data/photos.parquet`: one row per photo, with the columns of `realage.photos.scan`."""
    images = Path(load("dataset", DatasetParams).images)
    files = list_files(images) if images.is_dir() else Listing([], [])
    if not files.photos:
        raise UserError(f"{images}: contains no photos: set dataset.images in params.yaml to their folder")
    max_megapixels = load("prepare", PrepareParams).max_megapixels
    code = ("decode", "hashes", "kinds", "limits", "measures", "scan")
    store = Store(STORE, "scan", code, {"max_megapixels": max_megapixels})
    unsafe = _unsafe(images, files.photos)
    table = scan_photos(images, unsafe, files.photos, _read_earlier(store), max_megapixels)
    contents = to_parquet(table)
    store.write(PHOTOS.name, contents)
    store.keep_only([PHOTOS.name])
    with replacing(PHOTOS) as part:
        part.write_bytes(contents)
    print(f"scan: {len(table):,} photos, {len(table) - len(sound_photos(table)):,} cannot be used")
    if files.others:
        print(f"scan: {files.passed_over()}")


def _read_earlier(store: Store) -> pd.DataFrame:
    contents = store.read(PHOTOS.name)
    return from_parquet(contents, str(store.folder)) if contents else pd.DataFrame(columns=COLUMNS)


def _unsafe(images: Path, names: Iterable[str]) -> dict[str, str]:
    """Return why photos must not be opened or cannot be kept, by name."""
    strays = find_strays(images, names)
    # With `cache.type symlink` every photo is a link into DVC's cache. Asking DVC for its cache takes a second.
    cache = cache_folder() if strays else None
    outside = [name for name, target in strays.items() if not (cache and target.is_relative_to(cache.resolve()))]
    return why_unsafe(names, outside)


if __name__ == "__main__":
    run(scan)
