"""Photos that are made to cost much: refused for what their headers say, or as soon as they cost too much."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import ENVIRONMENT, PROJECT, write_params, write_photo
from PIL import Image

from realage.core.files import from_parquet
from realage.photos import limits
from realage.photos.decode import PhotoError, load_photo
from realage.photos.kinds import DECODED


def encoded(kind: str, **options) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


PROGRESSIVE = encoded("JPEG", progressive=True)


def chunk(kind: bytes, contents: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))


def write_png(path: Path, width: int, height: int) -> None:
    """A PNG that says it is so large, and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    contents = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + contents)


def write_run_length_bmp(path: Path, width: int, height: int, runs: bytes) -> None:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0) + bytes(1_024)
    start = 14 + len(info)
    path.write_bytes(b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + info + runs)


def write_tile(path: Path, side: int) -> None:
    """A TIFF of 16x16 pixels in one tile of `side` x `side`."""
    tags = [(256, 4, 16), (257, 4, 16), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1),
            (322, 4, side), (323, 4, side), (324, 4, 8), (325, 4, 8)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    path.write_bytes(b"II*\0" + struct.pack("<I", 16) + bytes(8) + struct.pack("<H", len(tags)) + entries + bytes(4))


def write_sparse_jpeg(path: Path) -> None:
    """4 GB of zeros behind the start of a progressive JPEG, without taking up the disk."""
    path.write_bytes(PROGRESSIVE[:-2])
    os.truncate(path, 4_000_000_000)


def refusal(path: Path) -> str:
    with pytest.raises(PhotoError) as error:
        load_photo(path)
    return str(error.value)


def test_a_sparse_jpeg_of_4_gb_is_refused_unread_and_the_run_goes_on_in_1_gb(workspace, params):
    params["dataset"]["images"] = "photos"
    write_params(workspace, params)
    write_photo(Path("photos/good.jpg"), 1)
    write_sparse_jpeg(Path("photos/sparse.jpg"))
    write_png(Path("photos/thin.png"), 1, 50_000_000)
    write_tile(Path("photos/tile.tif"), 30_000)
    code = """if True:
        import resource
        from realage.runner.command import run
        from stages.scan import scan
        now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + 1_000_000_000,) * 2)
        run(scan)"""
    environment = {**ENVIRONMENT, "PYTHONPATH": str(PROJECT), "REALAGE_WORKERS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    details = from_parquet(Path("data/photos.parquet").read_bytes(), "table").set_index("file_name")["detail"]
    assert details["good.jpg"] == ""
    assert "4,000,000,000 bytes: more than the limit" in details["sparse.jpg"]
    assert "1x50000000 pixels: a side of more than 65,535" in details["thin.png"]
    assert "tiles of 30000x30000 pixels" in details["tile.tif"]


@pytest.mark.parametrize("size", [(1, 50_000_000), (50_000_000, 1), (65_536, 2)])
def test_a_side_of_more_than_65535_pixels_is_refused(tmp_path, size):
    write_png(tmp_path / "a.png", *size)
    assert "a side of more than 65,535" in refusal(tmp_path / "a.png")


def test_a_side_of_65535_pixels_is_not(tmp_path):
    Image.new("1", (65_535, 2)).save(tmp_path / "a.png")
    assert load_photo(tmp_path / "a.png").shape == (2, 65_535, 3)


def test_a_decompression_bomb_is_refused_by_its_size(tmp_path):
    write_png(tmp_path / "bomb.png", 30_000, 30_000)
    assert refusal(tmp_path / "bomb.png").startswith("30000x30000 pixels")
    Image.new("L", (20_000, 12_000)).save(tmp_path / "bomb.jpg")
    assert "20000x12000 pixels: more than 200 megapixels: make it smaller" in refusal(tmp_path / "bomb.jpg")
    with pytest.raises(PhotoError, match="20000x12000 pixels: more than 128 megapixels"):
        load_photo(tmp_path / "bomb.jpg", max_megapixels=2)


def test_a_run_length_bmp_of_a_few_kb_and_50_megapixels_is_refused(tmp_path):
    write_run_length_bmp(tmp_path / "a.bmp", 50_000, 1_000, b"\1\1\0\0" * 1_000)
    assert refusal(tmp_path / "a.bmp") == "a run-length BMP of more than 10,000,000 pixels: save it as PNG"


def test_a_small_run_length_bmp_is_read(tmp_path):
    write_run_length_bmp(tmp_path / "a.bmp", 40, 30, b"\x28\7\0\0" * 30)
    assert load_photo(tmp_path / "a.bmp").shape == (30, 40, 3)


def test_a_progressive_jpeg_with_a_film_of_10_mb_behind_it_is_read(tmp_path):
    (tmp_path / "still.jpg").write_bytes(PROGRESSIVE)
    (tmp_path / "motion.jpg").write_bytes(PROGRESSIVE + b"\xff\xda\0\2 film" * 1_250_000)
    np.testing.assert_array_equal(load_photo(tmp_path / "motion.jpg"), load_photo(tmp_path / "still.jpg"))


def test_a_thumbnail_within_a_jpeg_neither_counts_nor_ends_it(tmp_path):
    scans = (b"\xff\xda" * 200)[: 65_000]
    segment = b"\xff\xfe" + struct.pack(">H", 2 + len(scans)) + scans
    (tmp_path / "a.jpg").write_bytes(PROGRESSIVE[:2] + segment + PROGRESSIVE[2:])
    assert load_photo(tmp_path / "a.jpg").shape == (64, 64, 3)
    last = PROGRESSIVE.rindex(b"\xff\xda")
    hidden = b"\xff\xfe\0\4\xff\xd9"  # a comment that reads like the end of the image
    (tmp_path / "a.jpg").write_bytes(PROGRESSIVE[:last] + hidden + PROGRESSIVE[last:-2] * 200 + b"\xff\xd9")
    assert refusal(tmp_path / "a.jpg") == "a JPEG with more than 100 scans"


def test_the_larger_a_jpeg_the_fewer_scans_it_may_have(tmp_path, monkeypatch):
    Image.new("RGB", (1_200, 1_000)).save(tmp_path / "a.jpg", progressive=True)
    assert load_photo(tmp_path / "a.jpg", max_megapixels=1).shape == (500, 600, 3)
    monkeypatch.setattr(limits, "SCANNED_PIXELS", 8 * 1_200_000)
    with pytest.raises(PhotoError, match="a JPEG with more than 8 scans"):
        load_photo(tmp_path / "a.jpg", max_megapixels=1)


def test_a_jpeg_of_countless_segments_is_refused(tmp_path):
    second = PROGRESSIVE.index(b"\xff\xc4", PROGRESSIVE.index(b"\xff\xda"))
    empty = b"\xff\xfe\0\2" * 20_000
    (tmp_path / "a.jpg").write_bytes(PROGRESSIVE[:second] + empty + PROGRESSIVE[second:])
    assert "segments" in refusal(tmp_path / "a.jpg")


def test_exif_data_of_more_than_10_mb_are_refused_in_every_format(tmp_path):
    segment = b"\xff\xe1" + struct.pack(">H", 65_000) + b"Exif\0\0".ljust(64_998, b"\0")
    (tmp_path / "a.jpg").write_bytes(PROGRESSIVE[:2] + segment * 160 + PROGRESSIVE[2:])
    (tmp_path / "a.png").write_bytes(encoded("PNG", exif=b"MM\0*" + bytes(10_000_001)))
    (tmp_path / "a.webp").write_bytes(encoded("WEBP", exif=b"MM\0*" + bytes(10_000_001)))
    for name in ("a.jpg", "a.png", "a.webp"):
        assert refusal(tmp_path / name) == "more than 10,000,000 bytes of EXIF data"


JPEG, PNG, GIF = encoded("JPEG"), encoded("PNG"), encoded("GIF")


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param(JPEG[:2] + b"\xff" * 5_000 + JPEG[2:], id="padding of a JPEG"),
        pytest.param(JPEG[:2] + b"\xff\xfe\0\2" * 5_000 + JPEG[2:], id="segments of a JPEG"),
        pytest.param(JPEG[:2] + b"\xff\0" * 5_000 + JPEG[2:], id="junk in a JPEG"),
        pytest.param(PNG[:33] + chunk(b"teSt", b"") * 5_000 + PNG[33:], id="chunks of a PNG"),
        pytest.param(PNG[:33] + chunk(b"IDAT", b"") * 5_000 + PNG[33:], id="empty data of a PNG"),
        pytest.param(GIF[:781] + b"\x21\xfe\1a\0" * 5_000 + GIF[781:], id="comments of a GIF"),
    ],
)
def test_a_file_of_countless_small_parts_is_refused_once_it_costs_too_much(tmp_path, monkeypatch, contents):
    (tmp_path / "a").write_bytes(contents)
    load_photo(tmp_path / "a")
    monkeypatch.setattr(limits, "MAX_READS", 2_000)
    assert refusal(tmp_path / "a") == "too costly to read: too many or too large parts"


def test_no_sound_photo_comes_near_that_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_READS", 10_000)
    picture = Image.effect_noise((2_000, 1_500), 60)
    for kind in DECODED:
        picture.save(tmp_path / "a", kind)
        assert load_photo(tmp_path / "a").shape == (1_500, 2_000, 3)


def test_the_tiles_of_a_tiff_are_limited_like_its_sides(tmp_path):
    write_tile(tmp_path / "a.tif", 30_000)
    assert "tiles of 30000x30000 pixels: more than 50 megapixels" in refusal(tmp_path / "a.tif")


def write_sparse_tag(path: Path, tag: int, kind: int, values: int, order: str = "<", magic: bytes = b"II*\0") -> None:
    """A TIFF of 16x16 pixels and of 490 MB on paper, in which `tag` has so many values."""
    tags = {256: (4, 1, 16), 257: (4, 1, 16), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 1_000),
            277: (3, 1, 1), 278: (4, 1, 16), 279: (4, 1, 256), tag: (kind, values, 2_000)}  # fmt: skip
    if order == ">":  # a number of 16 bits stands in the left half of its field
        tags = {tag: (kind, count, value << 16 if kind == 3 and count == 1 else value)
                for tag, (kind, count, value) in tags.items()}  # fmt: skip
    entries = b"".join(struct.pack(f"{order}HHII", tag, *tags[tag]) for tag in sorted(tags))
    path.write_bytes(magic + struct.pack(f"{order}IH", 8, len(tags)) + entries + bytes(4))
    os.truncate(path, 490_000_000)


@pytest.mark.parametrize(("order", "magic"), [("<", b"II*\0"), (">", b"MM\0*"), ("<", b"II\0*"), (">", b"MM*\0")])
@pytest.mark.parametrize("tag", [273, 274, 282])
def test_a_sparse_tiff_with_a_tag_of_millions_of_numbers_is_refused(tmp_path, tag, order, magic):
    write_sparse_tag(tmp_path / "a.tif", tag, 5, 60_000_000, order, magic)
    assert refusal(tmp_path / "a.tif") == "a TIFF with a tag of more than 1,000,000 numbers"


@pytest.mark.parametrize(("order", "magic"), [("<", b"II*\0"), (">", b"MM\0*")])
def test_such_a_tiff_with_a_tag_of_one_number_is_read(tmp_path, order, magic):
    write_sparse_tag(tmp_path / "a.tif", 282, 5, 1, order, magic)
    assert load_photo(tmp_path / "a.tif").shape == (16, 16, 3)


def test_the_tags_of_a_directory_within_a_tiff_are_limited_too(tmp_path):
    write_sparse_tag(tmp_path / "a.tif", 34665, 4, 1)  # points to byte 2,000
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(2_000)
        file.write(struct.pack("<HHHII", 1, 33434, 5, 60_000_000, 3_000))  # exposure time
    assert refusal(tmp_path / "a.tif") == "a TIFF with a tag of more than 1,000,000 numbers"
