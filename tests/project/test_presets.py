"""Presets are whole params files, generated from params.yaml and their differences from it."""

import pytest
from conftest import PROJECT

from realage.core.errors import UserError
from realage.core.params import check_section, read_params
from realage.project.presets import build_preset
from realage.sections import SECTIONS

BASE = (PROJECT / "params.yaml").read_text()
NAMES = sorted(path.stem for path in (PROJECT / "presets/differences").glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_what_its_differences_make_of_the_params(name):
    differences = (PROJECT / f"presets/differences/{name}.yaml").read_text()
    assert (PROJECT / f"presets/{name}.yaml").read_text() == build_preset(BASE, differences, name), "run: make presets"


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_a_whole_and_sound_params_file(name):
    params = read_params(PROJECT / f"presets/{name}.yaml")
    assert list(params) == list(SECTIONS)
    for section, values in params.items():
        check_section(section, values, SECTIONS[section])


def test_every_preset_has_its_differences():
    assert NAMES == sorted(path.stem for path in (PROJECT / "presets").glob("*.yaml"))


def test_values_and_comments_of_nested_keys_are_replaced_and_nothing_else():
    base = "# Base.\n\na:\n  one: 1                                 # first\n  b:\n    two: x\nc: 3\n"
    preset = build_preset(base, "# Mine.\n\na:\n  b:\n    two: y  # second\n", "mine")
    assert preset.splitlines() == [
        "# Mine.", "", "a:", "  one: 1                                 # first", "  b:",
        f"{'    two: y':<41}# second", "c: 3",
    ]  # fmt: skip


def test_a_key_that_the_params_lack_is_named():
    with pytest.raises(UserError, match=r"mine: a\.three: no such key"):
        build_preset("a:\n  one: 1\n", "a:\n  three: 3\n", "mine")
