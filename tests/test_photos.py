"""Photos that may be anything: decoded upright, or refused with a reason."""

import numpy as np
import pytest
from PIL import Image

from realage.photos import PhotoError, find_photos, load_photo, pixel_hash
from realage.prepared import PrepareParams, fit_square

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
    padded = fit_square(photo, PrepareParams(size=40, fit="pad"))
    assert (padded[20] == RED).all() and (padded[2] == 0).all()
    assert (fit_square(photo, PrepareParams(size=40, fit="stretch")) == RED).all()
