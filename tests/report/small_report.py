"""A small project for the stage `report`: all that it reads, as the other stages write it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from conftest import write_photo
from PIL import Image

from realage.core.files import write_listing
from realage.core.params import read_params
from realage.evaluation.repeatability import LISTED
from realage.evaluation.saliency import CELLS, flatten_maps
from realage.labels.rules import RULES
from stages.report import SHEETS, report

DEFAULTS = read_params(Path(__file__).parents[2] / "params.yaml")
HOSTILE = '"><script>alert(1)</script>|`x`.jpg'
SCORES = {
    "n": 60, "mae": 6.1234, "mae_ci95_lo": 5.4321, "mae_ci95_hi": 6.9876, "bias": -0.5678, "median_ae": 4.3456,
    "rmse": 8.2345, "r2": 0.6789, "cs3": 0.31, "cs5": 0.52, "cs10": 0.83, "balanced_mae": 7.4567,
    "baseline": {"mae": 13.5791},
}


GATES = {
    "18": {"challenge": 25, "n_younger": 1343, "n_older": 797, "fpr": 0.0496, "fpr_ci95_lo": 0.0311,
           "fpr_ci95_hi": 0.0781, "fnr": 0.1731, "fnr_ci95_lo": 0.1484, "fnr_ci95_hi": 0.2014},
    "13": {"challenge": 20, "n_younger": 7, "n_older": 2133, "fnr": 0.02, "fnr_ci95_lo": 0.015, "fnr_ci95_hi": 0.025},
}


INTERVALS = {"coverage": 0.918, "coverage_ci95_lo": 0.891, "coverage_ci95_hi": 0.938, "coverage_n": 546,
             "interval_width": 22.14, "aurc": 3.41}


DISTURBED = {"n": 60, "change_mean": 1.7301, "change_mean_ci95_lo": 1.4111, "change_mean_ci95_hi": 2.0912,
             "change_p95": 5.4321, "mae_change": 0.4567, "mae_change_ci95_lo": -0.0123, "mae_change_ci95_hi": 0.9234}


def write_project(
    folder, test=True, rejected=True, labels="data/sample/labels.csv", title="Faces", group=None, excluded=0,
    faces=None, train=None, seen=0, photos=True, card=None, gates=GATES, by_group=None, by_crossing=(), by_face=(),
    gap=None, intervals=True, repeatability=True,
):
    """All that the stage reads, as the other stages write it."""
    splits = ["val", "test"] if test else ["val"]
    few = {"n": 2, "mae": 20.25, "bias": 20.25}
    figures = {name: found for name, found in (("seen", seen), ("gate", gates), ("gap", gap)) if found}
    by_group = by_group or ([{"column": "gender", "group": group, **SCORES}] if group else [])
    evaluate = {
        "data_version": "0123456789abcdef",
        **{f"{split}_version": f"version of {split}" for split in splits},
        **{split: SCORES | figures for split in splits},
        "by_decade": {split: [{"decade": "20-29", **SCORES}, {"decade": "90+", **few}] for split in splits},
        "by_age": {split: [{"age": 17, **few}] for split in splits},
        "by_group": {split: by_group for split in splits},
        "by_crossing": {split: list(by_crossing) for split in splits},
        "by_face": {split: list(by_face) for split in splits},
    }
    if intervals:
        evaluate["calibration"] = {"coverage": 0.9, "photos": 371, "people": 370}
        rows = [row for of in ("by_decade", "by_group") for split in splits for row in evaluate[of][split]]
        for row in [*(evaluate[split] for split in splits), *rows]:
            row |= INTERVALS if row["n"] > 2 else {"coverage": 1.0, "coverage_n": 2, "interval_width": 40.0}
    if repeatability:
        evaluate["val"] |= {"synthetic_repeatability": DISTURBED}
        one = {"disturbance": "blur", "n": 1, "change_mean": 7.7777, "change_p95": 7.7777, "mae_change": -0.3333}
        evaluate["by_synthetic_disturbance"] = {"val": [{"disturbance": "rotation 10°", **DISTURBED}, one]}
    rejections = [
        (HOSTILE, "010", "missing_photo", "no such file: add it"),
        ("c.jpg", "twenty", "not_a_number", "write it like 25"),
        ("d.jpg", "", "unlabelled_photo", "add its age"),
    ] if rejected else []
    metrics = {
        "validate": {
            "data_version": "0123456789abcdef", "rows": 201, "photos": 200, "clean": 200, "rejected": len(rejections),
            "rejected_by_rule": {rule: sum(row[2] == rule for row in rejections) for rule in RULES},
        },
        "split": {"train": {"n": 140, "age_mean": 31.0, "age_sd": 15.0}, "val": {"n": 60}, "test": {"n": 60 * test},
                  "excluded": excluded, "unjudged_decades": {"80-89": 2, "90+": 1} if excluded else {}},
        "eda": {
            "photos": 200, "age_mean": 31.0, "age_median": 29.0, "age_sd": 15.0, "age_min": 1.0, "age_max": 95.0,
            "share_20_30": 0.4, "imbalance_ratio": 9.0, "outliers": 17,
            "by_decade": {"20-29": 180, "30-39": 0, "90+": 20},
        },
        "prepare": {"photos": 200, **(faces or {})},
        "train": {"epochs": 3, "best_epoch": 2, "kept_epoch": 2, "parameters": 1234567, **(train or {})},
        "evaluate": evaluate,
        "sample": {"photos": 200, "label_noise": 3.0, "floor_mae": 2.3937},
    }
    params = {
        "dataset": {"labels": labels, "images": str(Path(labels).parent / "final_files")},
        "report": {"title": title, "photos": photos, "card": {**DEFAULTS["report"]["card"], **(card or {})}},
        **{name: DEFAULTS[name] for name in ("prepare", "train")},
        "model": {**DEFAULTS["model"], "weights": "/home/jane/secret/weights.h5"},
    }
    (folder / "metrics").mkdir()
    (folder / "data/labels").mkdir(parents=True)
    for name, contents in metrics.items():
        (folder / f"metrics/{name}.json").write_text(json.dumps(contents))
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    (folder / "requirements.txt").write_text("keras==3.13.0\n")
    (folder / "models").mkdir()
    (folder / "models/age.keras").write_bytes(b"a model")
    pd.DataFrame(rejections, columns=["file_name", "real_age", "rule", "detail"]).to_csv(
        folder / "data/labels/rejected.csv", index=False
    )
    predictions = pd.DataFrame({
        "file_name": [HOSTILE, "b.jpg"], "photo": ["0", "1"], "split": "val", "real_age": [20.0, 30.0],
        "predicted_age": [71.5, 31.0],
    })
    if test:
        tested = predictions.assign(split="test", predicted_age=[25.5, 33.0])
        predictions = pd.concat([predictions, tested])
    predictions.to_csv(folder / "data/predictions.csv", index=False)
    changes = pd.DataFrame([(HOSTILE, "0" * 64, 20.0, 71.5, "blur", 60.25, -11.25)][: int(repeatability)],
                           columns=LISTED)
    write_listing(folder / "data/repeatability.csv", changes)
    write_saliency(folder)
    write_photos(folder)
    write_tables(folder, [group] if group else [], splits, gates or {})
    history().to_csv(folder / "plots/training.csv", index=False)


def write_saliency(folder):
    """Of the second photo the lower right cell moves the age by 6 years, of the first none."""
    maps = np.zeros((2, CELLS, CELLS))
    maps[0, -1, -1] = 6.0
    rows = pd.DataFrame({"file_name": ["b.jpg", HOSTILE], "photo": ["1", "0"], "real_age": [30.0, 20.0],
                         "predicted_age": [31.0, 71.5], "kind": ["best", "worst"]})
    rows.join(flatten_maps(maps)).to_csv(folder / "data/saliency.csv", index=False)


def write_photos(folder):
    noise = np.random.default_rng(1)
    for photo in ("0", "1"):
        write_photo(folder / f"data/prepared/{photo}.png", int(photo), (64, 64))
    for file in SHEETS.values():
        pixels = noise.integers(0, 256, (90, 120, 3), dtype="uint8")
        (folder / "plots" / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "plots" / file)


def write_tables(folder, groups, held_out, gates):
    thresholds = [{"split": split, "threshold": int(threshold), **gate}
                  for split in held_out for threshold, gate in gates.items()]
    years = [0.0, 5.0, 25.0]
    splits = {"photos": [180, 20], "train": [130, 10], "val": [45, 5], "test": [5, 5]}
    tables = {
        "evaluate/gates.csv": pd.DataFrame(thresholds, columns=["split", "threshold", *GATES["18"]]),
        "evaluate/risk_coverage.csv": {"share": [0.05, 0.5, 1.0], "val": [np.nan, 3.5, 5], "test": [np.nan, 3.6, 5.1]},
        "evaluate/within.csv": {"years": years, "val": [0, 0.52, 1], "test": [0, 0.52, 1], "constant": [0, 0.2, 1]},
        "eda/ages.csv": {"age": [25, 92], **splits},
        "eda/decades.csv": {"decade": ["20-29", "90+"], **splits},
        "eda/photos.csv": {"measure": ["width"], "min": [1], "p05": [2], "p25": [3], "median": [4], "p75": [5],
                           "p95": [6], "max": [7]},
    }
    for name, table in tables.items():
        (folder / "plots" / name).parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(table).to_csv(folder / "plots" / name, index=False)
    rows = [("gender", group, decade, 10) for group in groups for decade in ("20-29", "90+")]
    write_listing(folder / "plots/eda/groups.csv", pd.DataFrame(rows, columns=["column", "group", "decade", "photos"]))


def history(first=40.0):
    return pd.DataFrame({
        "epoch": [1, 2, 3], "learning_rate": 1e-3, "loss": [90.0, 60, 40], "mae": [9.0, 7, 6],
        "val_loss": [95.0, 70, 60], "val_mae": [first, 7.5, 6.5],
    })


def make(folder, monkeypatch, **project):
    """Run the stage on a project; return the page and the card."""
    folder.mkdir(exist_ok=True)
    write_project(folder, **project)
    monkeypatch.chdir(folder)
    report()
    assert str(folder) not in (folder / "reports/ml_bom.cdx.json").read_text("utf-8")
    return (folder / "reports/index.html").read_text("utf-8"), (folder / "reports/model_card.md").read_text("utf-8")
