"""The embedded sample: portraits of known age, labels with known noise, and known defects."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd

from realage.core.files import write_csv
from realage.labels.dataset import SampleParams
from realage.photos.parallel import map_photos
from synthetic.portraits import draw_portrait

OLDEST_LABEL = 120

# Cumulative distribution of the ages (years): most from 20 to 30, few above 60.
AGES = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
SHARES = [0, 0.09, 0.21, 0.55, 0.74, 0.85, 0.93, 0.967, 0.987, 0.997, 1]

# Planted defects in the order of the labels: the rule of stage validate, and what breaks it. If that is not a case of
# `_with_defect`, it replaces the age in the row.
DEFECTS = [
    ("missing_photo", "photo deleted"),
    ("not_a_number", "abc"),
    ("out_of_range", "-3"),
    ("repeated_row", "row repeated"),
    ("unreadable_photo", "photo cut off"),
    ("conflicting_label", "row repeated with another age"),
    ("not_a_number", ""),
    ("too_small", "photo shrunk"),
    ("unlabelled_photo", "row deleted"),
    ("duplicate_photo", "photo copied"),
    ("not_a_number", "25,5"),
    ("unsafe_path", "../outside.jpg"),
    ("unreadable_photo", "text in its place"),
    ("out_of_range", "260"),
    ("conflicting_label", "photo copied with another age"),
]


class Row(NamedTuple):
    """A row of the labels. The ages, in years, are strings, as a label need not be a number."""

    file_name: str
    real_age: str
    drawn_age: str


def smallest_mae(label_noise: float) -> float:
    """Return the MAE, in years, of predicting each drawn age exactly: that of the label noise alone."""
    return label_noise * math.sqrt(2 / math.pi)


def write_sample(folder: Path, params: SampleParams) -> None:
    """Write `final_files/*.jpg` and `labels.csv` (`file_name,real_age,drawn_age`) into `folder`, defects included.

    `drawn_age` is the age that a face was drawn with, `real_age` the label: that age plus noise, both in years.
    """
    photos = folder / "final_files"
    photos.mkdir(parents=True, exist_ok=True)
    rows = map_photos(lambda index: write_portrait(photos, index, params), range(params.photos), "draw portraits")
    rows = list(_with_defects(list(rows), photos, params))
    write_csv(folder / "labels.csv", pd.DataFrame(rows, columns=Row._fields))


def planted_defects(params: SampleParams) -> dict[str, list[str]]:
    """Return, for each rule of the validate stage, the sorted file names of the rows and photos that it must reject."""
    rejected: dict[str, list[str]] = {}
    for place, (rule, how) in _planted(params).items():
        name = file_name(place)
        copy = _name_of_copy(how, params)
        names = {
            "row repeated with another age": [name, name],
            "photo copied": [copy],
            "photo copied with another age": [name, copy],
            "../outside.jpg": [how],
        }.get(how, [name])
        rejected[rule] = sorted(rejected.get(rule, []) + names)
    return rejected


def file_name(index: int) -> str:
    """Return the name of portrait `index`."""
    return f"{index:06d}.jpg"


def write_portrait(folder: Path, index: int, params: SampleParams) -> Row:
    """Draw portrait `index` into `folder` and return its row. Neither depends on the number of portraits."""
    rng = np.random.default_rng([params.seed, index])
    age = draw_age(rng)
    label = draw_label(age, params.label_noise, rng)
    quality = int(rng.integers(70, 97))
    photo = draw_portrait(age, rng)
    _, jpeg = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    (folder / file_name(index)).write_bytes(jpeg.tobytes())
    return Row(file_name(index), f"{label:.1f}", f"{age:.2f}")


def draw_age(rng: np.random.Generator) -> float:
    """Draw an age in years (0..100), distributed like those of the reference data."""
    return float(np.interp(rng.random(), SHARES, AGES))


def draw_label(age: float, noise: float, rng: np.random.Generator) -> float:
    """Draw a label for `age`: the age plus a normal error with standard deviation `noise`, all in years.

    An error that gives a label outside 0 to 120 is drawn again. Labels near these limits are therefore a little less
    noisy than others, and those of newborns are too high on average.
    """
    while True:
        label = age + noise * rng.standard_normal()
        if 0 <= label <= OLDEST_LABEL:
            return label


def _planted(params: SampleParams) -> dict[int, tuple[str, str]]:
    """Return the defects by index of the portrait, spread evenly over the labels."""
    if params.photos == 0:
        return {}
    return {(1 + number) * params.photos // (1 + len(DEFECTS)): defect for number, defect in enumerate(DEFECTS)}


def _name_of_copy(how: str, params: SampleParams) -> str:
    return file_name(params.photos + (how == "photo copied with another age"))


def _with_defects(rows: list[Row], photos: Path, params: SampleParams) -> Iterator[Row]:
    """Yield the rows in order, with the planted defects. Also plant those of photos in the folder."""
    planted = _planted(params)
    for place, row in enumerate(rows):
        if place in planted:
            _, how = planted[place]
            yield from _with_defect(row, how, photos, params)
        else:
            yield row


def _with_defect(row: Row, how: str, photos: Path, params: SampleParams) -> list[Row]:
    """Plant one defect: change the photo in the folder if needed, and return the rows that replace the row."""
    photo = photos / row.file_name
    another_age = f"{(float(row.real_age) + 30) % 100:.1f}"
    match how:
        case "photo deleted":
            photo.unlink()
        case "row deleted":
            return []
        case "row repeated":
            return [row, row]
        case "row repeated with another age":
            return [row, row._replace(real_age=another_age)]
        case "photo copied":
            copy = photos / _name_of_copy(how, params)
            copy.write_bytes(photo.read_bytes())
            return [row, row._replace(file_name=copy.name)]
        case "photo copied with another age":
            copy = photos / _name_of_copy(how, params)
            # The same pixels in another file: bytes after the end of a JPEG are ignored.
            copy.write_bytes(photo.read_bytes() + b"copy")
            return [row, row._replace(file_name=copy.name, real_age=another_age)]
        case "photo cut off":
            photo.write_bytes(photo.read_bytes()[: photo.stat().st_size // 2])
        case "text in its place":
            photo.write_text("This is no photo.\n", encoding="utf-8")
        case "photo shrunk":
            cv2.imwrite(str(photo), cv2.resize(cv2.imread(str(photo)), (8, 8), interpolation=cv2.INTER_AREA))
        case "../outside.jpg":
            return [row, row._replace(file_name=how)]
        case typed:
            return [row._replace(real_age=typed)]
    return [row]
