"""Photos as they came -> every usable photo decoded, upright and resized, once, named after its pixels."""

from pathlib import Path

from realage.command import run
from realage.dataset import DatasetParams
from realage.files import read_rows
from realage.params import load
from realage.photos import load_validated, map_photos
from realage.prepared import PrepareParams, fit_square, write_prepared


def prepare() -> None:
    """Write `data/prepared/HASH.png`, uint8 RGB, `prepare.image_size` pixels square."""
    dataset, params = load("dataset", DatasetParams), load("prepare", PrepareParams)
    images, folder = Path(dataset.images), Path("data/prepared")
    folder.mkdir(parents=True, exist_ok=True)

    def prepare_photo(row) -> None:
        pixels = load_validated(images / row.file_name, row.photo)
        write_prepared(folder, row.photo, fit_square(pixels, params))

    rows = read_rows(Path("data/labels/splits.csv"))
    map_photos(prepare_photo, rows.itertuples(), "prepare photos")
    print(f"prepare: {len(rows):,} photos, {params.image_size} pixels square")


if __name__ == "__main__":
    run(prepare)
