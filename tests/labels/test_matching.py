"""File names that are almost those of photos: the advice, and what is not counted twice."""

import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realage.labels.matching import photos_meant, widespread_mistake, with_real_names

NFC = "Jos\u00e9.jpg"
NFD = unicodedata.normalize("NFD", NFC)
NAMES = st.lists(st.text("ab0/.\\1\u00e9", min_size=1, max_size=6), max_size=8, unique=True)


def meant(names: list[str], photos: list[str]) -> dict[str, str]:
    found = photos_meant(pd.Series(names, dtype="str"), pd.Series(photos, dtype="str"))
    return dict(zip(found["name"], found["photo"]))


@pytest.mark.parametrize(
    ("name", "photo"),
    [
        ("000001", "000001.jpg"),
        ("000001.jpg", "000001.png"),
        ("a.HEIC", "a.jpg"),
        ("a.jpg.jpg", "a.jpg"),
        ("1.jpg", "000001.jpg"),
        ("1", "000001.jpg"),
        ("1.0", "000001.jpg"),
        ("IMG_7.jpg", "IMG_0007.JPG"),
        ("final_files/000001.jpg", "000001.jpg"),
        ("final_files/anna/1.jpg", "anna/1.jpg"),
        ("1.jpg", "anna/1.jpg"),
        ("/data/faces/final_files/000001.jpg", "000001.jpg"),
        ("../final_files/000001.jpg", "000001.jpg"),
        ("C:\\faces\\anna\\1.png", "anna/001.jpg"),
        ("anna\\1.jpg", "anna/1.jpg"),
        ("anna//./1.jpg", "anna/1.jpg"),
        ("IMG.JPG", "img.jpg"),
        ("a\u200b.jpg", "a.jpg"),
        ("Screenshot 9.41 AM.png", "Screenshot 9.41\u202fAM.png"),
        (NFD, NFC),
        (NFC.upper(), NFD),
        ("'1.jpg", "1.jpg"),
        ('="1.jpg"', "1.jpg"),
        ("\u201c1.jpg\u201d", "1.jpg"),
        ("1.jpg.", "1.jpg"),
        ("my photo-1.jpg", "my_photo_1.jpg"),
        ("my%20photo.jpg", "my photo.jpg"),
        ("000\u00a0001.jpg", "000 001.jpg"),
        ("https://example.org/faces/1.jpg?dl=1#top", "1.jpg"),
    ],
)
def test_a_name_means_the_photo_that_it_almost_names(name, photo):
    assert meant([name, "other.jpg"], [photo, "other.jpg", "else.jpg"]) == {name: photo}


@pytest.mark.parametrize(
    ("names", "photos"),
    [
        (["a.png"], ["a.jpg", "a.bmp"]),
        (["1.jpg"], ["01.jpg", "001.jpg"]),
        (["1.jpg", "01.jpg"], ["001.jpg"]),
        (["1.jpg"], ["anna/1.jpg", "bert/1.jpg"]),
        (["anna/1.jpg"], ["bert/1.jpg"]),
        (["a.png", "a.jpg"], ["a.jpg"]),
        (["10.jpg"], ["1.jpg", "100.jpg"]),
        ([""], ["a.jpg"]),
        (["0"], ["00.jpg", "000.jpg"]),
    ],
)
def test_where_two_answers_are_possible_there_is_none(names, photos):
    assert meant(names, photos) == {}


@given(NAMES, NAMES)
def test_a_photo_is_meant_once_and_never_one_that_a_row_names(names, photos):
    found = meant(names, photos)
    assert len(set(found.values())) == len(found)
    assert not set(found) & set(photos) and not set(found.values()) & set(names)
    assert set(found) <= set(names) and set(found.values()) <= set(photos)


def accepted(names: list[str], photos: list[str]) -> list[str]:
    return list(with_real_names(pd.DataFrame({"file_name": names}), pd.Series(photos))["file_name"])


def test_a_name_of_another_unicode_form_is_that_of_the_photo():
    assert accepted([NFC, "a.jpg"], [NFD, "a.jpg"]) == [NFD, "a.jpg"]
    assert accepted([NFD, NFD], [NFC]) == [NFC, NFC]
    assert accepted([NFC.upper(), "a"], [NFD, "a.jpg"]) == [NFC.upper(), "a"]
    assert accepted(["e\u0323\u0302"], ["\u1ec7", "\u1eb9\u0302"]) == ["e\u0323\u0302"]  # two photos look the same


def told(names: list[str], photos: list[str]) -> str:
    table = pd.DataFrame({"file_name": names}, index=range(2, len(names) + 2))
    return widespread_mistake(table, photos_meant(table["file_name"], pd.Series(photos)), pd.Series(photos))


def test_a_mistake_of_all_rows_is_told_once_with_its_cure():
    photos = ["00.jpg", "01.jpg", "02.jpg"]
    assert told(["00", "01", "02"], photos).startswith(
        "all 3 rows name their photo without its suffix or with another one (row 2: '00', but there is '00.jpg'): write"
    )
    assert "2 of 3 rows name their photo with a folder in front (row 3" in told(["a", "x/01.jpg", "x/02.jpg"], photos)
    assert "another one and without leading zeros" in told(["0", "1", "2"], photos)
    assert "none of the 2 rows names a photo" in told(["a.jpg", "b.jpg"], photos)
    assert told(["00.jpg", "01.jpg", "02"], photos) == told(["00.jpg", "a.jpg"], photos) == ""
