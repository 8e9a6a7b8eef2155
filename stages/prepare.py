"""Photos as they came -> every usable photo decoded, upright, cropped and resized, once, named after its pixels."""

from functools import partial
from pathlib import Path

import pandas as pd

from realage.command import run
from realage.dataset import DatasetParams
from realage.files import read_rows, write_csv, write_json
from realage.framing import frame_photo
from realage.parallel import map_photos
from realage.params import load
from realage.photos import load_validated
from realage.prepared import PrepareParams, write_prepared
from realage.splits import EXCLUDED


def prepare() -> None:
    """Write `data/prepared/HASH.png`, uint8 RGB, `prepare.image_size` pixels square.

    Also `metrics/prepare.json`, which counts the photos and the faces found, and `data/faces.csv`, which names the
    photos with none or several and what was taken of them.
    """
    dataset, params = load("dataset", DatasetParams), load("prepare", PrepareParams)
    rows = read_rows(Path("data/labels/splits.csv"))
    used = rows.loc[rows["split"] != EXCLUDED, ["file_name", "photo"]]
    folder = Path("data/prepared")
    folder.mkdir(parents=True, exist_ok=True)
    prepare_photo = partial(_prepare, Path(dataset.images), folder, params)
    faces = list(map_photos(prepare_photo, used.itertuples(index=False, name=None), "prepare photos"))
    counts = {"photos": len(used), **(_count(faces) if params.crop == "face" else {})}
    write_json(Path("metrics/prepare.json"), counts)
    write_csv(Path("data/faces.csv"), _none_or_several(list(used["file_name"]), faces))
    print(f"prepare: {len(used):,} photos, {params.image_size} pixels square")
    if params.crop == "face":
        print(f"prepare: faces: one in {counts['one_face']:,} photos, none in {counts['no_face']:,}, several in "
              f"{counts['several_faces']:,} (data/faces.csv)")


def _prepare(images: Path, folder: Path, params: PrepareParams, file: tuple[str, str]) -> int | None:
    """Write the photo; returns how many faces were found, None where nobody looked."""
    name, photo = file
    framed = frame_photo(load_validated(images / name, photo), params)
    write_prepared(folder, photo, framed.pixels)
    return framed.faces


def _count(faces: list[int]) -> dict[str, int]:
    none, one = faces.count(0), faces.count(1)
    return {"one_face": one, "no_face": none, "several_faces": len(faces) - one - none}


def _none_or_several(names: list[str], faces: list[int | None]) -> pd.DataFrame:
    listed = [
        (name, found, "largest face" if found else "whole photo")
        for name, found in zip(names, faces)
        if found is not None and found != 1
    ]
    return pd.DataFrame(listed, columns=["file_name", "faces", "taken"])


if __name__ == "__main__":
    run(prepare)
