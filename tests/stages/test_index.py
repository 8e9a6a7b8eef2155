"""`python -m stages.index`: which photos each split uses, and that others do not matter."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from realage.core.digests import digest_of
from realage.core.errors import UserError
from realage.photos.prepared import read_index, require_indexed, to_png, write_prepared
from stages.index import index

PREPARED = Path("data/prepared")
SPLITS = {"train": 3, "val": 2, "excluded": 1}


@pytest.fixture
def project(workspace: Path) -> Path:
    """Splits and prepared photos, one of them of no split."""
    (workspace / "data/labels").mkdir(parents=True)
    PREPARED.mkdir()
    splits = [split for split, count in SPLITS.items() for _ in range(count)]
    rows = [(f"{n}.jpg", 20.5 + n, f"hash{n}", split, "") for n, split in enumerate(splits)]
    columns = ["file_name", "real_age", "photo", "split", "near_duplicate_of"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv("data/labels/splits.csv", index=False)
    hashes = [np.random.default_rng(n).bytes(32).hex() for n in range(len(table))]
    table.assign(perceptual_hash=hashes).to_csv("data/labels/clean.csv", index=False)
    write_photos(len(rows) + 1)
    return workspace


def write_photos(count: int) -> None:
    digests = []
    for n in range(count):
        contents = to_png(np.full((32, 32, 3), n, np.uint8))
        write_prepared(PREPARED, f"hash{n}", contents)
        digests.append((f"hash{n}", digest_of(contents)))
    pd.DataFrame(digests, columns=["photo", "digest"]).to_csv("data/prepared.csv", index=False)


def indexes() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("data/index").iterdir()}


def test_each_split_has_its_photos_ages_and_digests_in_the_order_of_the_rows(project):
    index()
    train, val, test = (read_index(Path(f"data/index/{split}.csv")) for split in ("train", "val", "test"))
    assert list(train["photo"]) == ["hash0", "hash1", "hash2"] and list(train["real_age"]) == [20.5, 21.5, 22.5]
    assert list(val["photo"]) == ["hash3", "hash4"] and test.empty
    require_indexed(PREPARED, pd.concat([train, val]))


def test_some_validation_photos_calibrate_and_no_other(project):
    splits = pd.read_csv("data/labels/splits.csv", dtype=str).assign(split="val")
    splits.to_csv("data/labels/splits.csv", index=False)
    index()
    found = pd.read_csv("data/index/calibration.csv", dtype=str)
    assert list(found.columns) == ["photo", "real_age", "digest", "person", "part"]
    assert set(found["part"]) == {"scale", "quantile"} and 0 < len(found) < len(splits)
    require_indexed(PREPARED, read_index(Path("data/index/calibration.csv")))
    splits.assign(split="test").to_csv("data/labels/splits.csv", index=False)
    index()
    assert read_index(Path("data/index/calibration.csv")).empty


def test_a_photo_that_no_split_uses_changes_no_index(project):
    index()
    before = indexes()
    write_photos(9)
    index()
    assert indexes() == before


def test_a_prepared_photo_that_was_altered_or_deleted_is_named(project):
    index()
    val = read_index(Path("data/index/val.csv"))
    write_prepared(PREPARED, "hash3", to_png(np.zeros((32, 32, 3), np.uint8)))
    with pytest.raises(UserError, match="hash3.png: missing or damaged.*dvc repro"):
        require_indexed(PREPARED, val)
    (PREPARED / "hash4.png").unlink()
    with pytest.raises(UserError, match="hash4.png"):
        require_indexed(PREPARED, val.tail(1))


def test_what_is_no_index_is_named(project):
    Path("data/broken.csv").write_text("photo,age\nhash0,3\n")
    with pytest.raises(UserError, match="data/broken.csv: damaged or edited"):
        read_index(Path("data/broken.csv"))
