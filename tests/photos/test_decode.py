"""Photos that may be anything: decoded upright, or refused with a reason."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from realage.core.errors import UserError
from realage.photos.decode import PhotoError, load_photo
from realage.photos.framing import fit_square
from realage.photos.hashes import pixel_hash
from realage.photos.params import PrepareParams
from realage.photos.scan import load_validated

RED, GREEN = (255, 0, 0), (0, 255, 0)


# What a camera held at each EXIF orientation records of an upright picture.
RECORDED = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}
LOSSLESS = {
    "PNG": {},
    "WebP": {"lossless": True, "exact": True},
    "TIFF": {},
    "TIFF packbits": {"compression": "packbits"},
    "TIFF LZW": {"compression": "tiff_lzw"},
    "TIFF deflate": {"compression": "tiff_adobe_deflate"},
    "TIFF LZMA": {"compression": "lzma"},
    "TIFF Zstandard": {"compression": "zstd"},
    "TIFF in strips": {"compression": "tiff_lzw", "strip_size": 240},
    "TIFF of two pictures": {"save_all": True, "append_images": [Image.new("RGB", (9, 9))]},
}
LOSSY = {
    "JPEG": {"quality": 95},
    "JPEG progressive": {"quality": 95, "progressive": True},
    "JPEG 4:4:4": {"quality": 95, "subsampling": 0},
    "MPO": {"quality": 95, "save_all": True, "append_images": [Image.new("RGB", (9, 9))]},
    "WebP": {"quality": 95},
    "TIFF JPEG": {"compression": "jpeg", "quality": 95},
}


def smooth_picture(size: tuple[int, int] = (40, 24)) -> Image.Image:
    """A picture that no turn or flip leaves as it is, and that lossy formats change little."""
    spots = np.random.default_rng(3).integers(30, 226, (3, 5, 3), dtype=np.uint8)
    return Image.fromarray(spots).resize(size, Image.Resampling.BICUBIC)


def write_turned(path: Path, picture: Image.Image, orientation: int, name: str, options: dict) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    RECORDED[orientation](picture).save(path, name.split()[0], exif=exif, **options)


@pytest.mark.parametrize("orientation", RECORDED)
@pytest.mark.parametrize("name", LOSSLESS)
def test_the_same_picture_has_the_same_pixels_in_every_lossless_format_and_orientation(tmp_path, name, orientation):
    write_turned(tmp_path / "a", smooth_picture(), orientation, name, LOSSLESS[name])
    np.testing.assert_array_equal(load_photo(tmp_path / "a"), np.asarray(smooth_picture()))


@pytest.mark.parametrize("orientation", RECORDED)
@pytest.mark.parametrize("name", LOSSY)
def test_the_same_picture_has_almost_the_same_pixels_in_every_lossy_format_and_orientation(tmp_path, name, orientation):
    write_turned(tmp_path / "a", smooth_picture(), orientation, name, LOSSY[name])
    pixels = load_photo(tmp_path / "a").astype(int)
    assert abs(pixels - np.asarray(smooth_picture())).mean() < 4


@pytest.mark.parametrize("orientation", RECORDED)
@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "I;16"])
def test_a_tiff_of_any_mode_is_turned_once(tmp_path, mode, orientation):
    picture = smooth_picture().convert("L")
    picture = Image.fromarray(np.asarray(picture).astype("uint16") << 8) if mode == "I;16" else picture.convert(mode)
    write_turned(tmp_path / "turned", picture, orientation, "TIFF", {})
    picture.save(tmp_path / "upright", "TIFF")
    np.testing.assert_array_equal(load_photo(tmp_path / "turned"), load_photo(tmp_path / "upright"))


@pytest.mark.parametrize("name", ["BMP", "GIF"])
def test_formats_without_exif_are_never_turned(tmp_path, name):
    picture = smooth_picture().quantize(64)
    picture.save(tmp_path / "a", name)
    np.testing.assert_array_equal(load_photo(tmp_path / "a"), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(("max_megapixels", "fraction"), [(8, 1), (7, 2), (1, 4)])
def test_a_jpeg_of_more_megapixels_is_decoded_smaller_and_upright(tmp_path, max_megapixels, fraction, orientation):
    picture = smooth_picture((3_200, 2_400))
    write_turned(tmp_path / "a", picture, orientation, "JPEG", {"quality": 95})
    expected = np.asarray(picture.reduce(fraction)).astype(int)
    pixels = load_photo(tmp_path / "a", max_megapixels)
    assert pixels.shape == expected.shape and abs(pixels - expected).mean() < 2


@pytest.mark.parametrize("name", ["PNG", "WebP", "TIFF", "BMP"])
def test_another_photo_of_more_megapixels_is_refused(tmp_path, name):
    smooth_picture((1_200, 1_000)).save(tmp_path / "a", name)
    assert load_photo(tmp_path / "a", max_megapixels=2).shape == (1_000, 1_200, 3)
    with pytest.raises(PhotoError, match="1200x1000 pixels: more than 1 megapixels: .*prepare.max_megapixels"):
        load_photo(tmp_path / "a", max_megapixels=1)


@pytest.mark.parametrize("size", [(8_160, 6_144), (8_192, 6_144), (12_000, 9_000)])
def test_the_photos_of_large_phones_are_decoded_at_half_their_size(tmp_path, size):
    Image.new("RGB", size, RED).save(tmp_path / "phone.jpg")
    assert load_photo(tmp_path / "phone.jpg").shape == (size[1] // 2, size[0] // 2, 3)


def test_what_is_not_read_is_named_with_what_to_do(tmp_path):
    heads = {"HEIC": b"\0\0\0\x18ftypheic", "AVIF": b"\0\0\0\x1cftypavif", "JPEG XL": b"\xff\x0a",
             "JPEG 2000": b"\0\0\0\x0cjP  "}
    for kind, head in heads.items():
        (tmp_path / "a.jpg").write_bytes(head.ljust(200, b"\0"))
        with pytest.raises(PhotoError, match=f"^{kind} is not read: convert it to JPEG$"):
            load_photo(tmp_path / "a.jpg")
    Image.new("RGB", (40, 20)).save(tmp_path / "thumbnail.NEF", "TIFF")
    with pytest.raises(PhotoError, match="raw file is not read: convert it to JPEG"):
        load_photo(tmp_path / "thumbnail.NEF")


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


def test_12_bit_grey_keeps_its_shades(tmp_path):
    shades = np.linspace(0, 4095, 64 * 64).astype(int)
    first, second = shades[::2], shades[1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1).astype("uint8").tobytes()
    sizes = {256: 64, 257: 64, 258: 12, 259: 1, 262: 1, 277: 1, 278: 64, 279: len(packed)}  # tags of TIFF 6.0
    entries = sorted((sizes | {273: 8 + 2 + 12 * 9 + 4}).items())
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    header = b"II*\0" + struct.pack("<IH", 8, len(entries))
    (tmp_path / "a.tif").write_bytes(header + table + bytes(4) + packed)
    pixels = load_photo(tmp_path / "a.tif")
    assert (pixels[..., 0].ravel() == shades >> 4).all()


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


def test_a_photo_that_changed_or_vanished_since_it_was_scanned_is_named(tmp_path):
    photo = tmp_path / "a.png"
    Image.new("RGB", (8, 8), RED).save(photo)
    scanned = pixel_hash(load_validated(photo, pixel_hash(load_photo(photo)), 50))
    Image.new("RGB", (8, 8), GREEN).save(photo)
    with pytest.raises(UserError, match="a.png: changed since it was scanned: run 'dvc repro'"):
        load_validated(photo, scanned, 50)
    photo.unlink()
    with pytest.raises(UserError, match="a.png: usable when scanned, but now: no such file"):
        load_validated(photo, scanned, 50)


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
