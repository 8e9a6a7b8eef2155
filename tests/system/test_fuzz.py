"""Random damage to labels, params, photos and model files: each is used or refused by name, and never a traceback."""

import io
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from realage.core.errors import UserError
from realage.core.params import check_section, read_params
from realage.labels.params import ValidateParams
from realage.labels.rules import check_rows
from realage.labels.table import read_labels
from realage.network.contents import read_recipe
from realage.network.model_file import load_model, predict_ages
from realage.photos.decode import PhotoError, load_photo
from realage.sections import SECTIONS

LIMITS = ValidateParams(min_age=0, max_age=120, min_pixels=1, on_reject="quarantine", max_rejected=1.0)
LABELS = b'file_name,real_age,subject\na.jpg,30,anna\nb.jpg,31.5,bert\n"c, d.png",7,\n'
LABEL_TOKENS = [
    b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\r", b"\r\n", b"\n", b'"', b'""', b";", b"\t", b",", b",,,", b"sep=;\n",
    b"nan", b"inf", b"1e999", b"-1", b"9" * 400, b"../", b"/etc/passwd", "\u200b".encode(), "\u202e".encode(), b"=1+1",
    b"file_name", b"real_age", b"photo", b"a.jpg,30,anna\n", b"\xf0\x9f\x91\xb6", b"\x1b[2J",
]  # fmt: skip
PARAM_TOKENS = [
    b": ", b"\n", b"\n  ", b"- ", b"&a ", b"*a", b"<<: *a", b"!!python/object:os.system", b"!!binary ", b"{", b"}",
    b"[", b"]", b"null", b"~", b"yes", b"010", b"1:30", b"1e-4", b".nan", b".inf", b"1e999", b"-1", b"9" * 400, b"\x00",
    b"\xff", b"'", b'"', b"|", b">", b"%YAML 2.0\n", b"---\n", b"...", b"train:", b"2026-01-01", b"[" * 60,
]  # fmt: skip
BINARY_TOKENS = [
    b"\x00",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\xff\xd9",
    b"\xff\xda",
]
JSON_TOKENS = [
    b"null",
    b"-1",
    b"1e999",
    b"NaN",
    b"[]",
    b"{}",
    b'""',
    b'"a"',
    b"9" * 400,
    b"[" * 60,
    b'"class_name"',
    b",",
]


def damaged(sound: bytes, tokens: list[bytes]) -> st.SearchStrategy[bytes]:
    """`sound` after up to six edits, each of which overwrites, inserts, deletes, repeats or cuts off some bytes."""
    place = st.integers(0, len(sound))
    text = st.sampled_from(tokens) | st.binary(min_size=1, max_size=8)
    edit = st.tuples(
        st.sampled_from(["overwrite", "insert", "delete", "repeat", "cut"]), place, st.integers(1, 64), text
    )

    def edited(edits: list[tuple[str, int, int, bytes]]) -> bytes:
        found = sound
        for kind, at, length, new in edits:
            before, after = found[:at], found[at:]
            found = {
                "overwrite": before + new + after[len(new) :],
                "insert": before + new + after,
                "delete": before + after[length:],
                "repeat": before + after[:length] * 3 + after[length:],
                "cut": before or found,
            }[kind]
        return found

    return st.lists(edit, min_size=1, max_size=6).map(edited)


def one_line(call: Callable[[], object], *kinds: type[Exception]) -> object:
    """What `call` returns, or None if it raises one of `kinds` with a message of one line; all else fails the test."""
    try:
        return call()
    except kinds as error:
        assert str(error).strip() and "Traceback" not in str(error)
        return None


def fuzz(short: int, long: int) -> Callable:
    """Run a test with a few examples, and as a slow test with many."""

    def decorate(test: Callable) -> Callable:
        amounts = [pytest.param(short, id="short"), pytest.param(long, id="long", marks=pytest.mark.slow)]

        @pytest.mark.parametrize("examples", amounts)
        def run(examples: int, tmp_path_factory: pytest.TempPathFactory) -> None:
            folder = tmp_path_factory.mktemp("fuzz")
            settings(max_examples=examples, suppress_health_check=list(HealthCheck))(test)(folder)

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


@fuzz(short=100, long=20_000)
@given(contents=damaged(LABELS, LABEL_TOKENS))
def test_labels_are_read_or_refused(folder: Path, contents: bytes) -> None:
    file = folder / "labels.csv"
    file.write_bytes(contents)
    table = one_line(lambda: read_labels(file), UserError)
    if table is not None:
        findings = check_rows(table, pd.Series(["a.jpg", "b.jpg", "c, d.png"]), LIMITS)
        assert set(findings.index) <= set(table.index)
        assert table.drop(index=findings.index)["real_age"].astype(float).between(0, 120).all()


@fuzz(short=100, long=20_000)
@given(contents=damaged((PROJECT / "params.yaml").read_bytes(), PARAM_TOKENS))
def test_params_are_read_or_refused(folder: Path, contents: bytes) -> None:
    file = folder / "params.yaml"
    file.write_bytes(contents)
    params = one_line(lambda: read_params(file), UserError) or {}
    for name, section in SECTIONS.items():
        one_line(partial(check_section, name, params.get(name), section, file), UserError)


def photo(style: str, **options: object) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (24, 16, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, style, **options)
    return stream.getvalue()


PHOTOS = {
    "jpg": photo("JPEG"),
    "progressive.jpg": photo("JPEG", progressive=True),
    "png": photo("PNG"),
    "webp": photo("WEBP"),
    "bmp": photo("BMP"),
    "gif": photo("GIF"),
    "tif": photo("TIFF", compression="tiff_lzw"),
}


def damaged_photo(name: str) -> st.SearchStrategy[tuple[str, bytes]]:
    return st.tuples(st.just(name), damaged(PHOTOS[name], BINARY_TOKENS))


@fuzz(short=100, long=20_000)
@given(named=st.sampled_from(sorted(PHOTOS)).flatmap(damaged_photo))
def test_photos_are_decoded_or_refused(folder: Path, named: tuple[str, bytes]) -> None:
    name, contents = named
    file = folder / f"photo.{name}"
    file.write_bytes(contents)
    pixels = one_line(lambda: load_photo(file), PhotoError)
    if pixels is not None:
        assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3


MODEL = PROJECT / "tests/data/regression-0.1.keras"
with zipfile.ZipFile(MODEL) as archive:
    MEMBERS = {name: archive.read(name) for name in archive.namelist()}


def damaged_member(name: str) -> st.SearchStrategy[tuple[str, bytes]]:
    tokens = JSON_TOKENS if name.endswith(".json") else BINARY_TOKENS
    return st.tuples(st.just(name), damaged(MEMBERS[name], tokens))


@fuzz(short=15, long=1_500)
@given(change=st.sampled_from(sorted(MEMBERS)).flatmap(damaged_member))
def test_a_model_whose_parts_are_damaged_predicts_an_age_or_is_refused(folder: Path, change: tuple[str, bytes]) -> None:
    file = folder / "age.keras"
    with zipfile.ZipFile(file, "w") as written:
        for name, contents in {**MEMBERS, change[0]: change[1]}.items():
            written.writestr(name, contents)
    predict_or_refuse(file)


@fuzz(short=15, long=1_500)
@given(contents=damaged(MODEL.read_bytes(), BINARY_TOKENS))
def test_a_model_file_that_is_damaged_predicts_an_age_or_is_refused(folder: Path, contents: bytes) -> None:
    file = folder / "age.keras"
    file.write_bytes(contents)
    predict_or_refuse(file)


def predict_or_refuse(file: Path) -> None:
    recipe = one_line(lambda: read_recipe(file), UserError)
    model = one_line(lambda: load_model(file), UserError)
    if recipe is not None and model is not None:
        size = recipe.prepare.image_size
        ages = one_line(lambda: predict_ages(model, np.zeros((1, size, size, 3), "float32")), UserError)
        assert ages is None or list(ages.columns)[0] == "age"
