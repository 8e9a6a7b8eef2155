"""The scan: one look at each photo, no second one at the same file, and none at what must not be opened."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import write_photo

from realage.core.files import from_parquet, to_parquet
from realage.photos import scan as scan_module
from realage.photos.decode import load_photo
from realage.photos.scan import COLUMNS, scan_photos, sound_photos

NOTHING = pd.DataFrame(columns=COLUMNS)


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The names of the photos that are decoded."""
    names: list[str] = []

    def noting(path: Path, max_megapixels: int):
        names.append(path.name)
        return load_photo(path, max_megapixels)

    monkeypatch.setenv("REALAGE_WORKERS", "1")
    monkeypatch.setattr(scan_module, "load_photo", noting)
    return names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(("a.jpg", "b.jpg", "c.png")):
        write_photo(tmp_path / "photos" / name, seed)
    return tmp_path / "photos"


def test_each_photo_is_decoded_once_and_then_only_new_or_changed_ones(folder, decoded):
    first = scan_photos(folder, {}, ["a.jpg", "b.jpg", "c.png"], NOTHING)
    assert decoded == ["a.jpg", "b.jpg", "c.png"]
    decoded.clear()
    (folder / "a.jpg").rename(folder / "renamed.jpg")
    write_photo(folder / "b.jpg", 7)
    write_photo(folder / "new.jpg", 8)
    second = scan_photos(folder, {}, ["b.jpg", "c.png", "new.jpg", "renamed.jpg"], first)
    assert decoded == ["b.jpg", "new.jpg"]
    afresh = scan_photos(folder, {}, ["b.jpg", "c.png", "new.jpg", "renamed.jpg"], NOTHING)
    pd.testing.assert_frame_equal(second, afresh)


def test_what_is_unsafe_is_neither_hashed_nor_decoded(folder, decoded, tmp_path):
    (folder / "link.jpg").symlink_to(tmp_path / "nowhere.jpg")
    table = scan_photos(folder, {"link.jpg": "leaves"}, ["a.jpg", "link.jpg"], NOTHING).set_index("file_name")
    assert decoded == ["a.jpg"]
    assert list(table.loc["link.jpg", ["rule", "detail", "content", "photo"]]) == ["unsafe_path", "leaves", "", ""]


def test_a_broken_photo_has_its_reason_and_no_measures(folder):
    (folder / "b.jpg").write_text("no photo")
    table = scan_photos(folder, {}, ["a.jpg", "b.jpg"], NOTHING)
    assert list(sound_photos(table)["file_name"]) == ["a.jpg"]
    broken = table.iloc[1]
    assert broken["rule"] == "unreadable_photo" and broken["detail"] and broken["width"] == 0
    assert pd.isna(broken["brightness"])


def test_the_table_has_the_same_bytes_elsewhere_and_with_other_workers(folder, monkeypatch):
    made = []
    for workers in ("1", "4"):
        monkeypatch.setenv("REALAGE_WORKERS", workers)
        made.append(to_parquet(scan_photos(folder, {}, ["a.jpg", "b.jpg", "c.png"], NOTHING)))
    assert made[0] == made[1] and str(folder).encode() not in made[0]
    pd.testing.assert_frame_equal(
        from_parquet(made[0], "table"), scan_photos(folder, {}, ["a.jpg", "b.jpg", "c.png"], NOTHING), check_dtype=False
    )
