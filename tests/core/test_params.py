"""params.yaml: what is wrong is named, with its value and what is allowed."""

from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT, assert_one_line_error, call_stages, run_module, write_params, write_photo
from dvc.utils.serialize import parse_yaml
from hypothesis import given
from hypothesis import strategies as some

from realage.core.errors import UserError
from realage.core.params import load, parse_params, read_params
from realage.network.backbones import ModelParams
from realage.network.recipe import TrainParams
from realage.project.params_file import check_params, complete_params
from realage.project.script_driver import _as_yaml
from realage.splits.assign import SplitParams
from stages.check import check

MAE = {"metric": "val.mae", "at_most": 5.5}


def test_default_and_presets_are_sound(workspace, params):
    for file in [PROJECT / "params.yaml", *sorted((PROJECT / "presets").glob("*.yaml"))]:
        preset = yaml.safe_load(file.read_text())
        write_photo(workspace / "faces/a.jpg", 1)
        (workspace / "labels.csv").write_text("file_name,real_age\na.jpg,30\n")
        preset["dataset"] = {"labels": "labels.csv", "images": "faces"}
        write_params(workspace, preset)
        check()


def test_presets_name_the_same_keys_as_the_default():
    def keys(file: Path) -> dict:
        return {name: sorted(section) for name, section in yaml.safe_load(file.read_text()).items()}

    for preset in (PROJECT / "presets").glob("*.yaml"):
        assert keys(preset) == keys(PROJECT / "params.yaml"), preset


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("train", "epochs", 0, ["train.epochs", "0", "greater than or equal to 1"]),
        ("train", "epochs", "ten", ["train.epochs", "'ten'", "integer"]),
        ("train", "epoch", 3, ["unknown key train.epoch: did you mean train.epochs?"]),
        ("train", "colour", 3, ["unknown key train.colour: allowed in 'train' are photos, epochs, batch_size"]),
        ("train", "precision", "float8", ["train.precision", "'float8'", "mixed_bfloat16"]),
        ("train", "learning_rate", float("nan"), ["train.learning_rate", "nan"]),
        ("train", "warmup_epochs", 99, ["train: warmup_epochs must be less than epochs"]),
        ("train", "weight_average", 99, ["train: weight_average must be less than epochs"]),
        ("train", "augment", {"rotation_range": 10}, ["train.augment.width_shift_range", "missing"]),
        ("train", "augment.grayscale", 1.5, ["train.augment.grayscale", "1.5", "less than or equal to 1"]),
        ("train", "augment.jpeg", -0.1, ["train.augment.jpeg", "-0.1", "greater than or equal to 0"]),
        ("train", "augment.framing_range", 1, ["train.augment.framing_range", "less than 1"]),
        ("model", "backbone", "ResNet51", ["model.backbone", "'ResNet51'", "ResNet50"]),
        ("model", "weights", "no/such.h5", ["model.weights", "no/such.h5"]),
        ("split", "val_fraction", 0.9, ["split", "less than 1"]),
        ("split", "strategy", "random", ["split.strategy", "'random'", "stable"]),
        ("validate", "max_age", "old", ["validate.max_age", "'old'"]),
        ("validate", "min_age", 130, ["validate", "min_age"]),
        ("sample", "photos", 5, ["sample.photos", "5"]),
        ("prepare", "image_size", 8, ["prepare.image_size", "8", "32"]),
        ("prepare", "crop", "faces", ["prepare.crop", "'faces'", "face"]),
        ("prepare", "margin", 2.5, ["prepare.margin", "2.5", "less than or equal to 2"]),
        ("evaluate", "groups", "gender", ["evaluate.groups", "'gender'", "list"]),
        ("evaluate", "groups", ["gender", "gender"], ["evaluate.groups", "'gender' is listed twice"]),
        ("evaluate", "groups", ["subject"], ["evaluate.groups", "'subject'", "no group"]),
        ("evaluate", "thresholds", 18, ["evaluate.thresholds", "18", "list"]),
        ("evaluate", "thresholds", [18.5], ["evaluate.thresholds.0", "18.5", "integer"]),
        ("evaluate", "thresholds", [0, 18], ["evaluate.thresholds.0", "0", "greater than or equal to 1"]),
        ("evaluate", "thresholds", [18, 16], ["evaluate.thresholds", "[18, 16]", "the youngest first"]),
        ("evaluate", "thresholds", [18, 18], ["evaluate.thresholds", "each age once"]),
        ("evaluate", "repeatability_photos", -1, ["evaluate.repeatability_photos", "-1", "greater than or equal to 0"]),
        ("evaluate", "challenge_ages", 6, ["evaluate.challenge_ages", "6", "greater than or equal to 7"]),
        *(
            ("evaluate", "promotion_conditions", conditions, words)
            for conditions, words in (
                ("val.mae", ["evaluate.promotion_conditions", "'val.mae'", "list"]),
                (["val.mae"], ["evaluate.promotion_conditions.0", "'val.mae'"]),
                ([MAE, {"metric": "val.cs5"}], ["evaluate.promotion_conditions.1", "'val.cs5' needs one limit"]),
                ([MAE | {"at_least": 1}], ["evaluate.promotion_conditions.0", "'val.mae' needs one limit"]),
                ([MAE, MAE], ["evaluate.promotion_conditions", "'val.mae' is listed twice"]),
                ([MAE | {"at_mots": 1}], ["unknown key evaluate.promotion_conditions.0.at_mots", "0.at_most?"]),
                ([{"at_most": 1}], ["evaluate.promotion_conditions.0.metric", "missing"]),
                ([MAE | {"at_most": "5"}], ["evaluate.promotion_conditions.0.at_most", "'5'", "number"]),
                ([MAE | {"at_most": float("nan")}], ["evaluate.promotion_conditions.0.at_most", "nan"]),
                ([MAE | {"metric": ""}], ["evaluate.promotion_conditions.0.metric", "''"]),
            )
        ),
        ("eda", "contact_sheet_columns", -1, ["eda.contact_sheet_columns", "-1"]),
        ("report", "title", 7, ["report.title", "7"]),
        ("dataset", "images", "fa\0ces", ["dataset.images", "a character that no path can have"]),
        ("model", "weights", "a\0.h5", ["model.weights", "a character that no path can have"]),
        ("dataset", "labels", "nowhere.csv", ["dataset.labels", "nowhere.csv", "not found"]),
        ("sample", "photos", 0, ["sample.photos is 0"]),
    ],
)
def test_check_names_the_key_its_value_and_what_is_allowed(workspace, params, section, key, value, words):
    *parents, last = section, *key.split(".")
    reduce(getitem, parents, params)[last] = value
    write_params(workspace, params)
    with pytest.raises(UserError) as error:
        check()
    assert [word for word in words if word not in str(error.value)] == [], error.value


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("train", "trian"),
        ("train.epochs", "train.epoch"),
        ("prepare.margin", "prepare.margins"),  # newer than release 0.1, so it has a default
        ("train.augment.zoom_range", "train.augment.zoom_rang"),
    ],
)
@pytest.mark.parametrize("checked_by", [check, check_params, complete_params])
def test_a_misspelt_key_or_section_is_not_called_missing(workspace, params, right, wrong, checked_by):
    *parents, key = right.split(".")
    section = params
    for parent in parents:
        section = section[parent]
    section[wrong.rpartition(".")[2]] = section.pop(key)
    write_params(workspace, params)
    with pytest.raises(UserError, match=rf"unknown (key|section) {wrong}: did you mean {right}\?$"):
        checked_by()


def test_check_refuses_unknown_and_missing_sections(workspace, params):
    write_params(workspace, {**params, "colour": {}})
    assert_one_line_error(call_stages(workspace, "check"), "unknown section colour: allowed are dataset, sample")
    del params["split"]
    write_params(workspace, params)
    with pytest.raises(UserError, match="section 'split' is missing"):
        check()


def test_a_key_that_repeats_its_section_is_named(workspace, params):
    params["train"]["train.epochs"] = 3
    write_params(workspace, params)
    with pytest.raises(UserError, match=r"unknown key train\.train\.epochs: did you mean train\.epochs\?$"):
        check()


def test_a_merge_conflict_is_named_with_its_line(workspace):
    (workspace / "params.yaml").write_text("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> other\n")
    with pytest.raises(UserError, match=r"params.yaml: not valid YAML: line 2 is a mark of a merge conflict: keep one"):
        read_params()


BROKEN = ["", "- a list", "a: [1", "a: 1\na: 2", "a: 2020-13-41", "a: !!python/object:os.system {}"]


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_params_file_is_refused(workspace, text):
    (workspace / "params.yaml").write_text(text)
    with pytest.raises(UserError, match="params.yaml"):
        read_params()


def test_numbers_mean_what_dvc_reads(workspace, params):
    write_params(workspace, params)
    text = (workspace / "params.yaml").read_text().replace("learning_rate: 0.001", "learning_rate: 1e-4")
    (workspace / "params.yaml").write_text(text)
    assert load("train", TrainParams).learning_rate == 1e-4


SCALARS = (
    "010 0o10 0x10 0b11 1:30 1:30:00 1:30.5 yes No on OFF y true True ~ null Null 1e3 1e-3 1E3 1.e3 .5 +.5 5. +1 -0 "
    "1_000 1_000.5 .inf -.INF .nan 2020-01-01 2020-01-01T10:00:00Z 0.1 00.1 08 0o8 = <<x _ 1__0 '010' !!str '010'"
).split(" ")


def read_or_refused(read, text: str) -> str:
    """The value's type and value, so that 1, True and 1.0 differ and nan is itself."""
    try:
        return repr(read(text)["a"])
    except Exception:
        return "refused"


def assert_read_as_dvc_reads(text: str) -> None:
    ours = read_or_refused(parse_params, text)
    assert ours == read_or_refused(lambda text: parse_yaml(text, "params.yaml"), text), text


@pytest.mark.parametrize("scalar", [*SCALARS, "!!str 010", "1 # one", "[010, yes]", "{b: 1:30}", "|\n  010\n"])
def test_a_value_means_what_it_means_to_dvc(scalar):
    assert_read_as_dvc_reads(f"a: {scalar}\n")


@given(some.text("0123456789abeEfonxXsy_:.+-TZ~!'\"#[]{}, \n", max_size=12))
def test_any_value_means_what_it_means_to_dvc(scalar):
    assert_read_as_dvc_reads(f"a: {scalar}\n")


@given(some.text(max_size=30))
def test_any_text_is_read_as_a_params_file_or_refused(text):
    try:
        assert isinstance(parse_params(text), dict)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("text", ["1e-3", "010", "0o10", "yes", "1:30", "1_000", "2020-01-01", "~", "a: b", "ü"])
def test_a_text_that_looks_like_a_number_stays_a_text_in_the_params_of_the_script(text):
    params = {"report": {"title": text, "rate": 1e-05}}
    assert parse_params(_as_yaml(params)) == params


@pytest.mark.parametrize("value", ["yes", "1e3x", "1:30"])
def test_what_yaml_1_1_took_for_another_type_is_named_as_it_was_written(workspace, params, value):
    write_params(workspace, params)
    text = (workspace / "params.yaml").read_text().replace("flip_average: true", f"flip_average: {value}")
    (workspace / "params.yaml").write_text(text)
    with pytest.raises(UserError, match=f"model.flip_average is '{value}'"):
        load("model", ModelParams)


def test_a_whole_number_will_do_for_a_share_but_a_yes_will_not(workspace, params):
    params["split"]["test_fraction"] = 0
    write_params(workspace, params)
    assert load("split", SplitParams).test_fraction == 0.0
    params["split"]["test_fraction"] = True
    write_params(workspace, params)
    with pytest.raises(UserError, match="split.test_fraction is True"):
        load("split", SplitParams)


def test_traceback_only_on_request(workspace):
    assert_one_line_error(call_stages(workspace, "split"), "params.yaml")
    assert "Traceback" in run_module("stages.split", workspace, "--debug").stderr
