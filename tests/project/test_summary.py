"""`realage summary`: the paths of the params file cannot write to the terminal."""

import json

from conftest import write_params

from realage.project.summary import summary


def test_a_path_in_the_summary_is_escaped(workspace, params, capsys):
    params["dataset"] = {"labels": "\x1b[31m/labels.csv", "images": "faces"}
    write_params(workspace, params)
    (workspace / "metrics").mkdir()
    scores = {"n": 20, "mae": 5.0, "mae_ci95_lo": 4.0, "mae_ci95_hi": 6.0, "baseline": {"mae": 9.0}}
    (workspace / "metrics/evaluate.json").write_text(json.dumps({"val": scores}))
    summary()
    assert "\\x1b[31m/labels.csv: 20 validation photos" in capsys.readouterr().out
