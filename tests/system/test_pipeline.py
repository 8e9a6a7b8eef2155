"""The whole pipeline under the real DVC and Git, on a small sample."""

import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import PROJECT, assert_one_line_error, change, run_dvc, run_module, run_tool, write_params

from synthetic.sample import SampleParams, planted_defects

# For each section: a key to change, and the stages that read it. `check` reads the whole file, so it always runs;
# the report prints the recipe.
CHANGES = {
    "sample.label_noise": (4.0, {"sample"}),
    "validate.max_rejected": (0.5, {"validate"}),
    "split.salt": ("other", {"split"}),
    "eda.seed": (2, {"eda"}),
    "prepare.image_size": (40, {"prepare", "train", "report"}),
    "prepare.crop": ("face", {"prepare", "train", "report"}),
    "model.flip_average": (False, {"package", "report"}),
    "model.dropout": (0.5, {"train", "report"}),
    "model.weights": ("imagenet", {"weights", "train", "report"}),
    "train.seed": (5, {"train", "report"}),
    "train.augment.rotation_range": (3, {"train", "report"}),
    "evaluate.coverage": (0.8, {"package"}),
    "evaluate.groups": (["drawn_age"], {"eda", "evaluate"}),
    "evaluate.thresholds": ([18], {"evaluate"}),
    "evaluate.repeatability_photos": (20, {"evaluate"}),
    "report.title": ("Another title", {"report"}),
    "dataset.images": ("data/elsewhere", {"scan", "prepare", "report"}),
}


def metrics(folder: Path, name: str) -> dict:
    return json.loads((folder / f"metrics/{name}.json").read_text())


def test_a_second_run_runs_nothing_and_leaves_the_tree_clean(clone):
    assert "Running stage" not in run_tool(clone, "dvc", "repro")
    assert run_tool(clone, "git", "status", "--porcelain") == ""


def test_exactly_the_planted_defects_are_found(pipeline):
    sample = yaml.safe_load((pipeline / "params.yaml").read_text())["sample"]
    rejected = pd.read_csv(pipeline / "data/labels/rejected.csv", dtype=str)
    found = {rule: sorted(rows["file_name"]) for rule, rows in rejected.groupby("rule")}
    assert found == planted_defects(SampleParams(**sample))
    counts = metrics(pipeline, "validate")
    assert counts["rejected_by_rule"] == {rule: len(names) for rule, names in found.items()}
    clean = pd.read_csv(pipeline / "data/labels/clean.csv")
    assert counts["clean"] == len(clean) == counts["rows"] - (counts["rejected"] - len(found["unlabelled_photo"]))


def test_every_clean_photo_is_split_prepared_and_if_held_out_predicted(pipeline):
    splits = pd.read_csv(pipeline / "data/labels/splits.csv", dtype=str)
    clean = pd.read_csv(pipeline / "data/labels/clean.csv", dtype=str)
    predictions = pd.read_csv(pipeline / "data/predictions.csv", dtype=str)
    assert list(splits["file_name"]) == list(clean["file_name"])
    assert set(splits["split"]) == {"train", "val", "test", "excluded"}
    used = splits[splits["split"] != "excluded"]
    # Sound photos that no split uses, such as those without a label, are prepared too.
    assert {path.stem for path in (pipeline / "data/prepared").iterdir()} > set(used["photo"])
    for split, rows in used.groupby("split"):
        indexed = pd.read_csv(pipeline / f"data/index/{split}.csv", dtype=str)
        assert list(indexed["photo"]) == list(rows["photo"])
    held_out = used[used["split"] != "train"]
    assert list(predictions["file_name"]) == list(held_out["file_name"])
    carried_along = ["file_name", "real_age", "drawn_age", "photo", "split", "near_duplicate_of"]
    assert list(splits.columns) == carried_along


def test_metrics_agree_with_the_predictions_and_with_training(pipeline):
    predictions = pd.read_csv(pipeline / "data/predictions.csv")
    found = metrics(pipeline, "evaluate")
    for split, rows in predictions.groupby("split"):
        error = rows["predicted_age"] - rows["real_age"]
        assert found[split]["n"] == len(rows)
        assert found[split]["mae"] == pytest.approx(error.abs().mean(), abs=1e-3)
        assert found[split]["bias"] == pytest.approx(error.mean(), abs=1e-3)
        assert found[split]["mae_ci95_lo"] < found[split]["mae"] < found[split]["mae_ci95_hi"]
    assert found["val"]["mae"] == pytest.approx(metrics(pipeline, "train")["val_mae"], abs=0.01)
    assert found["data_version"] == metrics(pipeline, "validate")["data_version"]


def test_contract_of_the_metrics_file(pipeline):
    found = metrics(pipeline, "evaluate")
    names = "n mae mae_ci95_lo mae_ci95_hi median_ae rmse bias r2 cs3 cs5 cs10 balanced_mae baseline gate".split()
    names += [f"cs{years}_ci95_{end}" for years in (3, 5, 10) for end in ("lo", "hi")]
    assert set(found["val"]) == {*names, "synthetic_repeatability"} and set(found["test"]) == set(names)
    for split in ("val", "test"):
        assert set(found[split]["baseline"]) == {"mae"}
    assert found["by_group"] == found["by_crossing"] == {"val": [], "test": []}
    for split in ("val", "test"):
        assert list(found[split]["gate"]) == ["13", "16", "18", "21", "25"]
        assert {row["age"] for row in found["by_age"][split]} <= set(range(26))
        assert sum(row["n"] for row in found["by_decade"][split]) == found[split]["n"]


@pytest.mark.parametrize("key", CHANGES)
def test_one_changed_key_reruns_the_stages_that_read_it(clone, key):
    value, expected = CHANGES[key]
    params = yaml.safe_load((clone / "params.yaml").read_text())
    *sections, last = key.split(".")
    target = params
    for section in sections:
        target = target[section]
    target[last] = value
    write_params(clone, params)
    if key == "dataset.images":
        shutil.copytree(clone / "data/sample/final_files", clone / "data/elsewhere")
    status = json.loads(run_tool(clone, "dvc", "status", "--json"))
    changed = {
        stage
        for stage, reasons in status.items()
        if any("params.yaml" in reason.get("changed deps", {}) for reason in reasons if isinstance(reason, dict))
        or any(key == "dataset.images" and value in str(reason) for reason in reasons)
    }
    assert changed == expected | {"check"}


def test_a_changed_report_title_reruns_the_report_alone(clone):
    params = yaml.safe_load((clone / "params.yaml").read_text())
    params["report"]["title"] = "Ages at a glance"
    write_params(clone, params)
    ran = [line for line in run_tool(clone, "dvc", "repro").splitlines() if line.startswith("Running stage")]
    assert [line.split("'")[1] for line in ran] == ["check", "report"]
    assert "Ages at a glance" in (clone / "reports/index.html").read_text()


def test_dvc_tells_metrics_params_and_plots(clone):
    shown = run_tool(clone, "dvc", "metrics", "show", "--json")
    assert json.loads(shown)[""]["data"]["metrics/evaluate.json"]["data"]["val"]["mae"] > 0
    table = run_tool(clone, "dvc", "metrics", "show")
    assert "val.mae" in table and "val.gate.18.n_older" in table and "decade" not in table

    change(clone, "train", seed=9)
    found = metrics(clone, "evaluate")
    found["val"]["mae"] += 1
    (clone / "metrics/evaluate.json").write_text(json.dumps(found))
    assert "train.seed" in run_tool(clone, "dvc", "params", "diff")
    assert "val.mae" in run_tool(clone, "dvc", "metrics", "diff")
    run_tool(clone, "dvc", "plots", "show")
    page = (clone / "dvc_plots/index.html").read_text()
    for title in ("Learning curve", "Predicted against real age", "MAE (years)", "Real age (years)"):
        assert title in page


def test_nothing_that_shows_a_face_or_a_run_is_in_git(pipeline):
    tracked = run_tool(pipeline, "git", "ls-files").splitlines()
    assert "metrics/evaluate.json" in tracked and "plots/training.csv" in tracked and "reports/model_card.md" in tracked
    for name in ("metrics/run.json", "plots/worst.png", "plots/eda/contact_sheet.png", "plots/eda/mean_faces.png"):
        assert name not in tracked and (pipeline / name).is_file()
    never = (".jpg", ".keras", ".onnx", "reports/index.html")
    assert not [name for name in tracked if name.endswith(never) or name.startswith("data/s")]


def test_no_tracked_text_names_this_machine(pipeline):
    for name in run_tool(pipeline, "git", "ls-files", "metrics", "plots", "reports", "dvc.lock").splitlines():
        if not name.endswith(".png"):
            assert str(pipeline) not in (pipeline / name).read_text(), name


def test_a_failing_stage_says_in_one_line_what_to_do_and_keeps_the_others(clone):
    params = yaml.safe_load((clone / "params.yaml").read_text())
    params["evaluate"]["groups"] = ["gender"]
    write_params(clone, params)
    done = run_dvc(clone, "repro")
    assert done.returncode == 255
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "gender" in error and "dvc checkout" in error and "Traceback" not in done.stderr
    assert (clone / "models/age.keras").is_file()
    params["evaluate"]["groups"] = []
    write_params(clone, params)
    assert "Running stage 'train'" not in run_tool(clone, "dvc", "repro")


def test_a_photo_that_vanishes_between_stages_is_named(clone):
    name = pd.read_csv(clone / "data/labels/splits.csv", dtype=str)["file_name"][3]
    (clone / "data/sample/final_files" / name).unlink()
    shutil.rmtree(clone / ".store")
    assert_one_line_error(run_module("stages.prepare", clone), name, "dvc repro")


def test_a_users_own_folder_and_groups(tmp_path, stand_in_clone):
    """Photos outside the repository, two of each person, a group column, an official split without test photos."""
    clone, faces = stand_in_clone, tmp_path / "faces"
    shutil.copytree(clone / "data/sample/final_files", faces / "final_files")
    # Those of the finished run, so that the network in it is the one that these photos train.
    splits = pd.read_csv(clone / "data/labels/splits.csv", dtype=str)
    labels = splits.loc[splits["split"].isin(["train", "val"]), ["file_name", "real_age", "split"]]
    labels["gender"] = ["f", "m"] * (len(labels) // 2) + ["f"] * (len(labels) % 2)
    labels["subject"] = "Eve " + labels["split"] + (labels.groupby("split").cumcount() // 2).astype(str)
    labels.to_csv(faces / "labels.csv", index=False)
    params = yaml.safe_load((clone / "params.yaml").read_text())
    params["dataset"] = {"labels": str(faces / "labels.csv"), "images": str(faces / "final_files")}
    params["sample"]["photos"] = 0
    params["split"]["strategy"] = "column"
    params["validate"]["max_rejected"] = 0.5  # the test photos have no label now
    params["evaluate"]["groups"] = ["gender"]
    write_params(clone, params)
    ran = run_tool(clone, "dvc", "repro", "evaluate")
    assert "Running stage 'evaluate'" in ran and "Running stage 'train'" not in ran
    found = metrics(clone, "evaluate")
    assert not {"test", "test_version"} & set(found)
    assert [row["group"] for row in found["by_group"]["val"]] == ["f", "m"]
    assert run_module("stages.report", clone).returncode == 0
    card = (clone / "reports/model_card.md").read_text()
    assert "floor" not in card.lower()
    people = (found["val"]["n"] + 1) // 2
    predicted = (clone / "plots/evaluate/predicted.csv").read_text()
    assert found["val"]["people"] == people and "mae_ci95_lo" not in found["val"] and "95% interval: too few" in card
    assert pd.read_csv(io.StringIO(predicted))["person"].unique().tolist() == list(range(1, people + 1))
    assert "Eve" not in predicted


def test_the_committed_results_keep_the_readmes_promise():
    """What is shipped has learnt: on the sample, at most half of the constant baseline's error."""
    for split in ("val", "test"):
        scores = metrics(PROJECT, "evaluate")[split]
        assert scores["mae"] <= scores["baseline"]["mae"] / 2
        assert scores["mae"] >= 0.9 * metrics(PROJECT, "sample")["floor_mae"], "better than the labels allow: a leak"
