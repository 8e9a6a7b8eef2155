"""Which files of a folder are photos, whatever their names, and which are passed over."""

import io
import os

import pytest
from conftest import PROJECT, run_tool
from PIL import Image

from realage.core.errors import UserError
from realage.photos.names import find_photos, list_files


def contents(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 8)).save(stream, kind)
    return stream.getvalue()


def test_photos_are_found_in_folders_sorted_without_hidden_files(tmp_path):
    for name in ("b.JPG", "a.png", "sub/c.jpeg", ".hidden.jpg", ".thumbs/d.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_photos(tmp_path) == ["a.png", "b.JPG", "sub/c.jpeg"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "JPEG2000"])
def test_a_photo_is_known_by_its_contents_if_not_by_its_suffix(tmp_path, kind):
    for name in ("none", "IMG.1234", "photo.unknown"):
        (tmp_path / name).write_bytes(contents(kind))
    assert find_photos(tmp_path) == ["IMG.1234", "none", "photo.unknown"]


def test_a_photo_that_cannot_be_read_is_a_photo(tmp_path):
    names = ["a.jfif", "b.JPE", "c.heic", "d.HEIF", "e.avif", "f.nef"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "g").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert find_photos(tmp_path) == [*names, "g"]


def test_other_files_are_counted_but_for_what_systems_leave_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in (".DS_Store", "._a.jpg", "Thumbs.db", "folder/desktop.ini", "folder/Desktop.ini", ".gitignore"):
        (tmp_path / name).write_text("BM and no bitmap")
    (tmp_path / "a.jpg").touch()
    assert list_files(tmp_path) == (["a.jpg"], []) and list_files(tmp_path).passed_over() == ""
    (tmp_path / "film.mov").write_bytes(b"\0\0\0\x14ftypqt  ")
    assert list_files(tmp_path).passed_over() == "passed over 1 file that is no photo: film.mov"
    (tmp_path / "folder/notes.txt").write_text("BMW, red")
    os.mkfifo(tmp_path / "pipe")
    assert list_files(tmp_path) == (["a.jpg"], ["film.mov", "folder/notes.txt"])
    assert list_files(tmp_path).passed_over() == "passed over 2 files that are no photos, such as film.mov"


def test_what_systems_leave_behind_is_no_part_of_a_version_of_the_data():
    names = (".DS_Store", "._a.jpg", "Thumbs.db", "sub/desktop.ini", "sub/Desktop.ini")
    left = [f"data/faces/{name}" for name in names]
    assert run_tool(PROJECT, "dvc", "check-ignore", *left).splitlines() == left


def test_a_name_that_is_no_utf_8_is_refused_for_a_photo_and_printed_for_another_file(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.txt")).touch()
    assert list_files(tmp_path).passed_over().isprintable()
    (tmp_path / os.fsdecode(b"\xff.jpg")).touch()
    with pytest.raises(UserError, match="not UTF-8"):
        find_photos(tmp_path)
