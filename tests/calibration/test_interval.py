"""The calibration in a model file: read back as it was, missing in old files, one line if it was tampered with."""

import json
import zipfile
from pathlib import Path

import pytest
from conftest import PROJECT

from realage.calibration.interval import Calibration, Scale, read_calibration
from realage.core.errors import UserError
from realage.network.contents import read_recipe
from realage.network.model_file import load_model, save_model

OLD = PROJECT / "tests/data/regression-0.1.keras"
SCALE = Scale(base=1.0, per_spread=0.5, ages=[0, 50, 100], factors=[1.0, 2.0, 3.0])
SOUND = Calibration(coverage=0.9, low=-2.0, high=3.0, scale=SCALE, photos=60, people=50)


def written(folder: Path, text: str) -> Path:
    """A model file with `text` as its calibration."""
    file = folder / "age.keras"
    with zipfile.ZipFile(OLD) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("calibration.json", text)
    return file


def test_a_file_of_an_earlier_release_has_none():
    assert read_calibration(OLD, ["age"]) is None


def test_it_comes_back_as_it_was_saved_and_keras_still_loads_the_model(tmp_path):
    file = tmp_path / "age.keras"
    for _ in range(2):
        save_model(load_model(OLD), file, read_recipe(OLD), calibration=SOUND.to_json())
    assert read_calibration(file, ["age", "spread"]) == SOUND
    assert load_model(file).output_names == load_model(OLD).output_names


@pytest.mark.parametrize(
    "change, words",
    [
        ({"low": 4.0}, "low is above high"),
        ({"high": 1e6}, "high"),
        ({"low": None}, "low"),
        ({"coverage": 1.5}, "coverage"),
        ({"photos": 0}, "photos"),
        ({"more": 1}, "more"),
        ({"scale": SCALE.model_dump() | {"factors": [1.0]}}, "one factor each"),
        ({"scale": SCALE.model_dump() | {"ages": [0, 0, 1]}}, "ages have to rise"),
        ({"scale": SCALE.model_dump() | {"factors": [1.0, 0.0, 1.0]}}, "scale.factors.1"),
        ({"scale": SCALE.model_dump() | {"base": -1.0}}, "scale.base"),
        ({"scale": 3}, "scale"),
    ],
)
def test_a_tampered_calibration_is_one_line_that_names_the_key(tmp_path, change, words):
    file = written(tmp_path, json.dumps(SOUND.model_dump() | change))
    with pytest.raises(UserError, match=rf"age.keras: not a model .*calibration.json in it: .*{words}") as error:
        read_calibration(file, ["age", "spread"])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "NaN", '{"low": NaN}', "[" * 3_000])
def test_what_is_no_calibration_is_one_line(tmp_path, text):
    with pytest.raises(UserError, match="calibration.json in it") as error:
        read_calibration(written(tmp_path, text), ["age", "spread"])
    assert "\n" not in str(error.value)


def test_a_calibration_by_spread_needs_a_network_with_a_spread(tmp_path):
    with pytest.raises(UserError, match="no output 'spread'"):
        read_calibration(written(tmp_path, SOUND.to_json()), ["age"])
