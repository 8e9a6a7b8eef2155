"""The study: each trial is one that the pipeline takes, and none runs twice."""

import csv
import json

import pandas as pd
import pytest
import yaml
from conftest import PROJECT, assert_one_line_error, run_module, run_tool, write_params

from experiments.study import BASE, HERE, add_rows, changes_of, digest, is_done
from experiments.summary import draw_curves, draw_trials, with_tables
from realage.core.errors import UserError
from realage.core.params import check_section, read_params
from stages.check import SECTIONS

PLAN = read_params(PROJECT / "experiments/trials.yaml")


def params_of(trial: str, scale: str) -> dict:
    """The params file of a trial, as `dvc exp run --set-param` would write it."""
    params = read_params(PROJECT / BASE)
    for key, value in {**changes_of(PLAN["trials"], trial), **PLAN["scales"][scale]}.items():
        *sections, name = key.split(".")
        section = params
        for part in sections:
            section = section[part]
        assert name in section, key
        section[name] = value
    return params


@pytest.mark.parametrize("scale", PLAN["scales"])
@pytest.mark.parametrize("trial", PLAN["trials"])
def test_every_trial_is_sound_at_every_scale(trial, scale):
    for name, values in params_of(trial, scale).items():
        check_section(name, values, SECTIONS[name])


def test_the_best_trial_changes_all_that_led_to_it():
    changes = changes_of(PLAN["trials"], "aligned_ordinal")
    assert changes["train.learning_rate"] == 2e-3 and changes["train.weight_average"] == 3


def test_the_recommended_preset_is_the_best_trial_on_a_larger_backbone():
    preset, best = read_params(PROJECT / "presets/faces.yaml"), params_of("aligned_ordinal", "full")
    differing = {
        f"{section}.{key}"
        for section in ("prepare", "model", "train")
        for key in best[section]
        if preset[section][key] != best[section][key]
    }
    assert differing == {"prepare.image_size", "prepare.fit", "model.batch_norm_momentum", "train.learning_rate"}


def test_the_small_preset_is_the_other_with_what_was_measured():
    preset, small, best = (
        *(read_params(PROJECT / f"presets/{name}.yaml") for name in ("faces", "faces_small")),
        params_of("aligned_ordinal", "full"),
    )
    measured = {("prepare", "image_size"), ("model", "backbone"), ("train", "learning_rate")}
    assert {(name, key) for name in preset for key in preset[name] if preset[name][key] != small[name][key]} == measured
    assert small["model"]["backbone"] == "MobileNetV2"
    assert all(small[name][key] == best[name][key] for name, key in measured if key != "backbone")


def test_no_two_trials_are_the_same():
    seen = [params_of(trial, "proxy") for trial in PLAN["trials"]]
    assert all(one not in seen[:n] for n, one in enumerate(seen))


def test_a_trial_changes_what_it_stands_on_changes_and_more():
    trials = {"a": {"set": {"x": 1, "y": 1}}, "b": {"from": "a", "set": {"y": 2}}, "c": {"from": "b", "set": {"z": 3}}}
    assert changes_of(trials, "c") == {"x": 1, "y": 2, "z": 3}
    with pytest.raises(UserError, match="d: not in trials.yaml: it has a, b, c"):
        changes_of(trials, "d")


def test_an_unknown_scale_is_named(tmp_path):
    study = ["nosuch", "--labels", "labels.csv", "--images", "photos", "--weights", "none"]
    done = run_module("experiments.study", PROJECT, *study)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "nosuch: not in trials.yaml: it has proxy, full, stable" in done.stderr


@pytest.fixture
def own_params(workspace):
    """A repository whose params.yaml and base preset are committed."""
    for file in ("presets/seed.yaml", "params.yaml", "labels.csv"):
        (workspace / file).parent.mkdir(exist_ok=True)
        (workspace / file).write_text("a: 1\n")
    run_tool(workspace, "git", "init", "-q")
    run_tool(workspace, "git", "add", "-A")
    run_tool(workspace, "git", "commit", "-qm", "params")
    return workspace / "params.yaml"


def test_params_that_are_not_committed_are_not_written_over(own_params, workspace):
    own_params.write_text("a: mine\n")
    study = ["proxy", "--labels", "labels.csv", "--images", ".", "--weights", "none"]
    assert_one_line_error(run_module("experiments.study", workspace, *study), "params.yaml", "commit it")
    assert own_params.read_text() == "a: mine\n"


def test_a_trial_that_fails_leaves_the_params_as_they_were(own_params, workspace):
    (workspace / "presets/seed.yaml").write_text("b: 2\n")
    sources = ["--labels", "labels.csv", "--images", ".", "--weights", "none"]
    study = ["proxy", "--trials", "average", *sources, "--results", "."]
    done = run_module("experiments.study", workspace, *study)  # no DVC project: the first trial fails
    assert done.returncode == 1 and "proxy-average-1: the run failed" in done.stderr
    assert own_params.read_text() == "a: 1\n"


def test_a_source_that_is_missing_is_named(own_params, workspace):
    study = ["proxy", "--labels", "nowhere.csv", "--images", ".", "--weights", "none"]
    assert_one_line_error(run_module("experiments.study", workspace, *study), "nowhere.csv")


def test_the_results_are_those_of_the_trials_as_they_stand():
    for row in csv.DictReader((HERE / "results.csv").read_text().splitlines()):
        changes = {**changes_of(PLAN["trials"], row["trial"]), **PLAN["scales"][row["scale"]]}
        assert row["changes"] == digest(changes), f"{row['scale']} {row['trial']} was edited since it was run"


def test_what_has_its_row_is_done(tmp_path):
    results, key = tmp_path / "results.csv", {"scale": "proxy", "trial": "a", "seed": "1"}
    assert not is_done(results, key)
    add_rows(results, [{**key, "mae": 5.0}])
    add_rows(results, [{**key, "seed": "2", "mae": 6.0}])
    assert is_done(results, key) and not is_done(results, {**key, "seed": "3"})
    assert results.read_text() == "scale,trial,seed,mae\nproxy,a,1,5.0\nproxy,a,2,6.0\n"


def test_rows_of_other_columns_are_not_mixed_in(tmp_path):
    add_rows(tmp_path / "results.csv", [{"scale": "proxy", "mae": 5.0}])
    with pytest.raises(UserError, match=r"results.csv: has columns scale, mae"):
        add_rows(tmp_path / "results.csv", [{"scale": "proxy", "bias": 1.0}])


@pytest.mark.slow
def test_a_trial_runs_and_its_figures_are_those_of_the_run(pipeline, tmp_path):
    run_tool(tmp_path, "git", "clone", "-q", str(pipeline), "clone")
    clone = tmp_path / "clone"
    run_tool(clone, "dvc", "cache", "dir", "--local", str(tmp_path / "cache"))
    params = yaml.safe_load((clone / "params.yaml").read_text())
    write_params(clone / "presets", params)
    (clone / "presets/params.yaml").rename(clone / "presets/seed.yaml")
    plan = {"scales": {"tiny": {"train.photos": 60}}, "trials": {"small": {"set": {"train.epochs": 2}}}}
    (clone / "experiments/trials.yaml").write_text(yaml.safe_dump(plan))
    for table in ("results", "curves"):
        (clone / f"experiments/{table}.csv").unlink()
    run_tool(clone, "git", "add", "-A")
    run_tool(clone, "git", "commit", "-qm", "tiny study")
    sample = pipeline / "data/sample"
    arguments = ["tiny", "--labels", str(sample / "labels.csv"), "--images", str(sample / "final_files")]
    study = [*arguments, "--weights", "none", "--backbone", "MobileNet"]
    done = run_module("experiments.study", clone, *study, PYTHONPATH="")
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = csv.DictReader((clone / "experiments/results.csv").read_text().splitlines())
    evaluation = json.loads((clone / "metrics/evaluate.json").read_text())
    assert float(row["mae"]) == pytest.approx(evaluation["val"]["mae"], abs=6e-4) and row["photos_seen"] == "120"
    assert len((clone / "experiments/curves.csv").read_text().splitlines()) == 3
    assert "tiny-small-1" in run_tool(clone, "dvc", "exp", "list", "--name-only")
    again = run_module("experiments.study", clone, *study, PYTHONPATH="")
    assert again.returncode == 0 and "tiny-small-1" not in again.stdout


def test_tables_are_made_of_the_results_in_the_order_of_the_trials():
    trials = {"plain": {"set": {"train.epochs": 2}}, "better": {"from": "plain", "set": {"model.head": "ordinal"}}}
    figures = {"mae_ci95_lo": 4.0, "mae_ci95_hi": 6.0, "balanced_mae": 7.0, "mae_60plus": 9.0, "cs5": 0.5}
    run = {"scale": "tiny", "backbone": "MobileNet", "seed": 1, **figures, "photos_seen": 12_000}
    results = pd.DataFrame([
        {**run, "trial": "better", "mae": 4.996, "seconds": 20},
        {**run, "trial": "plain", "mae": 5.5, "seconds": 10},
        {**run, "trial": "better", "seed": 2, "mae": 5.0, "seconds": None, "mae_ci95_lo": None, "mae_ci95_hi": None},
        {**run, "trial": "plain", "mae": 1.0, "seconds": 10, "scale": "other"},
    ])
    page = with_tables("before\n<!-- tiny -->\nold\n<!-- end -->\nafter\n", results, trials)
    assert page.startswith("before\n<!-- tiny -->\n| trial | change |") and page.endswith("|\n<!-- end -->\nafter\n")
    figures = "| **5.00** | 4.00 to 6.00 | 7.00 | 9.00 | 50% | 12,000 |"
    assert page.splitlines()[4:7] == [
        "| plain, seed 1 | `epochs: 2` | **5.50** | 4.00 to 6.00 | 7.00 | 9.00 | 50% | 12,000 | 1.00 |",
        f'| better, seed 1 | plain + `model.head: "ordinal"` {figures} 2.00 |',
        f'| better, seed 2 | plain + `model.head: "ordinal"` {figures}  |'.replace("4.00 to 6.00", "too few"),
    ]


def test_a_result_of_no_trial_is_named():
    results = pd.DataFrame([{"scale": "tiny", "trial": "gone", "seed": 1}])
    with pytest.raises(UserError, match="results.csv: gone: not in trials.yaml"):
        with_tables("<!-- tiny -->\n<!-- end -->\n", results, {"plain": {"set": {}}})


def test_pictures_show_every_trial_and_every_seed():
    trials = [f"trial {n}" for n in range(5)]
    results = pd.DataFrame({"trial": trials, "mae": 5.0, "mae_ci95_lo": 4.5, "mae_ci95_hi": 5.5})
    assert [label.get_text() for label in draw_trials(results).axes[0].get_yticklabels()] == trials[::-1]
    runs = [(trial, seed, epoch) for trial in trials for seed in (1, 2) for epoch in (1, 2, 3)]
    axes = draw_curves(pd.DataFrame(runs, columns=["trial", "seed", "epoch"]).assign(val_mae=6.0)).axes[0]
    assert len(axes.lines) == 10 and [text.get_text() for text in axes.get_legend().texts] == trials
    assert len({line.get_color() for line in axes.lines}) == 5
