"""Photos as they came -> every usable photo decoded, upright and resized, once, named after its pixels."""

from functools import partial
from pathlib import Path

from realage.command import run
from realage.dataset import DatasetParams
from realage.files import read_rows
from realage.parallel import map_photos
from realage.params import load
from realage.photos import load_validated
from realage.prepared import PrepareParams, fit_square, write_prepared
from realage.splits import EXCLUDED


def prepare() -> None:
    """Write `data/prepared/HASH.png`, uint8 RGB, `prepare.image_size` pixels square."""
    dataset, params = load("dataset", DatasetParams), load("prepare", PrepareParams)
    rows = read_rows(Path("data/labels/splits.csv"))
    used = rows.loc[rows["split"] != EXCLUDED, ["file_name", "photo"]]
    folder = Path("data/prepared")
    folder.mkdir(parents=True, exist_ok=True)
    prepare_photo = partial(_prepare, Path(dataset.images), folder, params)
    for _ in map_photos(prepare_photo, used.itertuples(index=False, name=None), "prepare photos"):
        pass  # it has been written
    print(f"prepare: {len(used):,} photos, {params.image_size} pixels square")


def _prepare(images: Path, folder: Path, params: PrepareParams, file: tuple[str, str]) -> None:
    name, photo = file
    pixels = load_validated(images / name, photo)
    write_prepared(folder, photo, fit_square(pixels, params))


if __name__ == "__main__":
    run(prepare)
