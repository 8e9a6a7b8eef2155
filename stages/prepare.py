"""Original photos and their scan -> every usable photo upright, cropped and resized, named after its pixel hash."""

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from realage.core.columns import EYE_DISTANCE, FACES_FOUND, FILE_NAME, PHOTO
from realage.core.digests import digest_of
from realage.core.files import from_parquet, write_csv, write_json, write_listing
from realage.core.params import load
from realage.core.paths import FACES, PHOTOS, PREPARED, PREPARED_LIST, STORE, metrics_file
from realage.labels.dataset import DatasetParams
from realage.photos.framing import frame_photo
from realage.photos.parallel import map_photos
from realage.photos.params import PrepareParams
from realage.photos.prepared import DIGEST, to_png, write_prepared
from realage.photos.scan import load_validated, sound_photos
from realage.photos.store import Store
from realage.runner.command import run

CODE = ("decode", "faces", "framing", "hashes", "kinds", "limits", "prepared")  # on which a prepared photo depends


class Prepared(NamedTuple):
    """A written photo: the digest of its file, and what `Framed` says of its faces."""

    digest: str
    faces: int | None
    eye_distance: int | None


def prepare() -> None:
    """Write `data/prepared/HASH.png`, uint8 RGB, `prepare.image_size` pixels square, and two tables.

    `data/prepared.csv` has a row per photo: `photo` (its pixel hash), `digest` (of the written file), `faces` (how many
    were found, empty without detection) and `eye_distance` (of the largest face, in pixels of the original).
    `data/faces.csv` lists the photos with no face or several, and what was used of them. Also write
    `metrics/prepare.json`, the numbers of photos and faces.
    """
    images, params = Path(load("dataset", DatasetParams).images), load("prepare", PrepareParams)
    photos = sound_photos(from_parquet(PHOTOS.read_bytes(), str(PHOTOS)))[[FILE_NAME, PHOTO]]
    photos = photos.drop_duplicates(PHOTO)
    store = Store(STORE, "prepare", CODE, params.model_dump())
    PREPARED.mkdir(parents=True, exist_ok=True)
    prepare_photo = partial(_prepare, images, store, params)
    prepared = list(map_photos(prepare_photo, photos.itertuples(index=False, name=None), "prepare photos"))
    store.keep_only(photos[PHOTO])

    faces = [photo.faces for photo in prepared]
    counts = {"photos": len(photos), **(_count(faces) if params.finds_faces else {})}
    written = pd.DataFrame(prepared, columns=[DIGEST, FACES_FOUND, EYE_DISTANCE], index=photos[PHOTO])
    write_csv(PREPARED_LIST, written.astype({FACES_FOUND: "Int64", EYE_DISTANCE: "Int64"}).reset_index())
    write_listing(FACES, _none_or_several(list(photos[FILE_NAME]), faces))
    write_json(metrics_file("prepare"), counts)
    print(f"prepare: {len(photos):,} photos, {params.image_size} pixels square")
    if params.finds_faces:
        print(f"prepare: faces: one in {counts['one_face']:,} photos, none in {counts['no_face']:,}, several in "
              f"{counts['several_faces']:,} ({FACES})")


def _prepare(images: Path, store: Store, params: PrepareParams, file: tuple[str, str]) -> Prepared:
    name, photo = file
    entry = store.read(photo)
    if entry is None:
        framed = frame_photo(load_validated(images / name, photo, params.max_megapixels), params)
        entry = json.dumps([framed.faces, framed.eye_distance]).encode() + b"\n" + to_png(framed.pixels)
        store.write(photo, entry)
    found, _, contents = entry.partition(b"\n")
    write_prepared(PREPARED, photo, contents)
    return Prepared(digest_of(contents), *json.loads(found))


def _count(faces: list[int | None]) -> dict[str, int]:
    none, one = faces.count(0), faces.count(1)
    return {"one_face": one, "no_face": none, "several_faces": len(faces) - one - none}


def _none_or_several(names: list[str], faces: list[int | None]) -> pd.DataFrame:
    listed = [
        (name, found, "largest face" if found else "whole photo")
        for name, found in zip(names, faces)
        if found is not None and found != 1
    ]
    return pd.DataFrame(listed, columns=[FILE_NAME, FACES_FOUND, "taken"])


if __name__ == "__main__":
    run(prepare)
