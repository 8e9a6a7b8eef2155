"""`realage summary`: the figures that a run ends with."""

import pytest
from conftest import run_realage, small_params, write_params

from realage.core.files import write_json


@pytest.mark.parametrize(
    ("ends", "shown"), [({"mae_ci95_lo": 3.5, "mae_ci95_hi": 4.75}, "[3.50, 4.75]"), ({}, "[too few]")]
)
def test_the_error_has_an_interval_or_says_that_people_are_too_few(workspace, ends, shown):
    write_params(workspace, small_params())
    val = {"n": 25, "mae": 4.0, **ends, "baseline": {"mae": 14.0}}
    write_json(workspace / "metrics/evaluate.json", {"val": val})
    write_json(workspace / "metrics/sample.json", {"floor_mae": 2.39, "label_noise": 3.0})
    assert f"4.00 years  {shown:<14}25 photos\n" in run_realage(workspace, "summary").stdout


def test_photos_that_a_model_has_seen_before_are_told(workspace):
    write_params(workspace, small_params())
    val = {"n": 25, "mae": 4.0, "baseline": {"mae": 14.0}, "seen": 3}
    write_json(workspace / "metrics/evaluate.json", {"val": val})
    write_json(workspace / "metrics/sample.json", {"floor_mae": 2.39, "label_noise": 3.0})
    assert "25 photos, 3 seen in training before: too low\n" in run_realage(workspace, "summary").stdout


def test_a_path_in_the_summary_is_escaped(workspace, params):
    params["dataset"] = {"labels": "\x1b[31m/labels.csv", "images": "faces"}
    write_params(workspace, params)
    write_json(workspace / "metrics/evaluate.json", {"val": {"n": 25, "mae": 4.0, "baseline": {"mae": 14.0}}})
    assert "\n\\x1b[31m/labels.csv\n" in run_realage(workspace, "summary").stdout
