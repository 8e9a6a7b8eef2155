"""`realage params`: a params file of an earlier release is completed, and otherwise left as it is."""

import pytest
from conftest import PROJECT

from realage.core.errors import UserError
from realage.core.params import Section, check_section, load, parse_section, read_params
from realage.project.params_file import complete
from realage.sections import SECTIONS


class Inner(Section):
    old: float
    new: int = 7


class Outer(Section):
    word: str
    inner: Inner
    later: bool = False


OLD = "# Mine.\nouter:\n  word: 'quoted'   # kept\n  inner:\n    old: 1e-4\n"


def test_a_params_file_of_release_0_1_loads_once_it_is_completed(tmp_path):
    file = tmp_path / "params.yaml"
    text, added = complete(PROJECT / "tests/data/params-0.1.yaml", SECTIONS)
    file.write_text(text)
    for name, section in SECTIONS.items():
        load(name, section, file)
    # It trains as it did then.
    assert [key for key, value in added.items() if key.startswith("train.augment.") and value != 0] == []
    assert {"train.augment.framing_range", "train.augment.jpeg"} <= added.keys()


def test_a_file_that_lacks_a_newer_key_names_the_command_that_adds_it(tmp_path):
    (tmp_path / "params.yaml").write_text(OLD)
    values = read_params(tmp_path / "params.yaml")["outer"]
    with pytest.raises(UserError, match=r"outer\.inner\.new, outer\.later: .*realage params --complete"):
        check_section("outer", values, Outer)
    assert parse_section("outer", values, Outer).inner.new == 7


def test_completing_adds_the_keys_and_keeps_all_else(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(OLD)
    text, added = complete(file, {"outer": Outer})
    assert added == {"outer.inner.new": 7, "outer.later": False}
    assert text == OLD + "    new: 7\n  later: false\n"
    file.write_text(text)
    assert complete(file, {"outer": Outer}) == (text, {})
    assert load("outer", Outer, file).later is False


def test_another_mistake_is_told_first(tmp_path):
    (tmp_path / "params.yaml").write_text(OLD.replace("word", "wrod"))
    with pytest.raises(UserError, match="unknown key outer.wrod: did you mean outer.word"):
        complete(tmp_path / "params.yaml", {"outer": Outer})
