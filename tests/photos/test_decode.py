"""Photos that may be anything: decoded upright, or refused with a reason."""

import io
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from realage.core.errors import UserError
from realage.photos.decode import PhotoError, load_photo, pixel_hash
from realage.photos.framing import fit_square
from realage.photos.names import find_photos
from realage.photos.prepared import PrepareParams

RED, GREEN = (255, 0, 0), (0, 255, 0)


def test_exif_rotation_is_undone(tmp_path):
    image = Image.new("RGB", (40, 20), RED)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert load_photo(tmp_path / "a.jpg").shape == (40, 20, 3)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
def test_every_colour_mode_comes_out_as_rgb(tmp_path, mode):
    name = tmp_path / ("a.tif" if mode in ("CMYK", "I;16") else "a.png")
    Image.new(mode, (40, 30)).save(name)
    photo = load_photo(name)
    assert photo.shape == (30, 40, 3) and photo.dtype == np.uint8


def test_what_is_no_photo_is_refused_without_its_path(tmp_path):
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:900])
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    for name in ("cut.jpg", "text.jpg", "empty.jpg", "folder.jpg", "absent.jpg"):
        with pytest.raises(PhotoError) as error:
            load_photo(tmp_path / name)
        assert str(tmp_path) not in str(error.value) and "0x" not in str(error.value)


def test_16_bit_grey_keeps_its_shades(tmp_path):
    shades = np.linspace(0, 65535, 64 * 64).astype("uint16").reshape(64, 64)
    Image.fromarray(shades).save(tmp_path / "a.png")
    assert abs(int(load_photo(tmp_path / "a.png").mean()) - 127) <= 1


def test_32_bit_grey_is_refused_rather_than_clipped(tmp_path):
    for name, dtype in (("a.tif", "int32"), ("b.tif", "float32")):
        Image.fromarray(np.zeros((40, 40), dtype)).save(tmp_path / name)
        with pytest.raises(PhotoError, match="8 bits"):
            load_photo(tmp_path / name)


@given(st.data())
@settings(max_examples=150)
def test_any_damage_is_a_photo_error_or_a_photo(tmp_path_factory, data):
    """Bytes changed anywhere, EXIF tags included, must not end in any other error."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    stream = io.BytesIO()
    Image.new("RGB", (40, 20), RED).save(stream, data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"])), exif=exif)
    contents = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        contents[data.draw(st.integers(0, len(contents) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.jpg"
    path.write_bytes(contents)
    try:
        assert load_photo(path).dtype == np.uint8
    except PhotoError as error:
        assert str(error)


def test_a_broken_exif_orientation_is_no_crash(tmp_path):
    Image.new("RGB", (40, 20), RED).save(tmp_path / "a.jpg", exif=_exif_with_text_for_orientation())
    try:
        load_photo(tmp_path / "a.jpg")
    except PhotoError:
        pass


def _exif_with_text_for_orientation() -> bytes:
    """A TIFF directory of one entry: tag 0x0112 (orientation), typed as text."""
    entry = struct.pack("<HHI4s", 0x0112, 2, 4, b"abc\0")
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)


def test_a_name_that_is_no_utf_8_is_refused(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.jpg")).touch()
    with pytest.raises(UserError, match="not UTF-8"):
        find_photos(tmp_path)


def test_a_decompression_bomb_is_refused_by_its_size(tmp_path):
    Image.new("1", (30_000, 30_000)).save(tmp_path / "bomb.png")
    with pytest.raises(PhotoError, match="30000x30000"):
        load_photo(tmp_path / "bomb.png")


def test_photos_are_found_in_folders_sorted_without_hidden_files(tmp_path):
    for name in ("b.JPG", "a.png", "sub/c.jpeg", ".hidden.jpg", ".thumbs/d.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_photos(tmp_path) == ["a.png", "b.JPG", "sub/c.jpeg"]


def test_pixel_hash_tells_shapes_and_pixels_apart():
    flat = np.zeros((4, 9, 3), np.uint8)
    other = flat.copy()
    other[3, 8, 2] = 1
    assert len({pixel_hash(flat), pixel_hash(flat.reshape(9, 4, 3)), pixel_hash(other)}) == 3
    assert pixel_hash(flat) == pixel_hash(np.asfortranarray(flat))


def test_pad_keeps_proportions_and_stretch_does_not():
    photo = np.zeros((20, 40, 3), np.uint8)
    photo[:] = RED
    whole = {"image_size": 40, "crop": "none", "margin": 0.0}
    padded = fit_square(photo, PrepareParams(**whole, fit="pad"))
    assert (padded[20] == RED).all() and (padded[2] == 0).all()
    assert (fit_square(photo, PrepareParams(**whole, fit="stretch")) == RED).all()
