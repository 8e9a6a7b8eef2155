"""Metrics, charts and predictions -> a report in one HTML page, and a model card for Git."""

from pathlib import Path

import pandas as pd

from realage.charts import to_png
from realage.core.files import read_json, read_listing, read_rows, replacing
from realage.core.params import load
from realage.core.paths import HISTORY, MODEL_CARD, PLOTS, PREDICTIONS, REJECTED, REPORT, metrics_file
from realage.evaluation.charts import worst
from realage.labels.dataset import DatasetParams
from realage.network.backbones import ModelParams
from realage.network.recipe import TrainParams
from realage.photos.prepared import PrepareParams
from realage.report.page import contamination, draw_training, flatten_recipe, regroup, render_card, render_page
from realage.report.params import ReportParams
from realage.runner.command import run
from realage.splits.assign import HELD_OUT

PICTURES = {
    "predicted": "evaluate/predicted.png",
    "residuals": "evaluate/residuals.png",
    "by_decade": "evaluate/by_decade.png",
    "within": "evaluate/within.png",
    "coverage": "evaluate/coverage.png",
    "risk_coverage": "evaluate/risk_coverage.png",
    "worst": "worst.png",
    "ages": "eda/ages.png",
    "decades": "eda/decades.png",
    "eda_groups": "eda/groups.png",
    "photos": "eda/photos.png",
    "outliers": "eda/outliers.png",
    "contact_sheet": "eda/contact_sheet.png",
    "mean_faces": "eda/mean_faces.png",
}
FIRST_REJECTED = 12


def report() -> None:
    """Write `reports/index.html` (shows faces) and `reports/model_card.md` (shows none)."""
    facts = _gather(load("report", ReportParams))
    pictures = {name: (PLOTS / file).read_bytes() for name, file in PICTURES.items()}
    history = pd.read_csv(HISTORY)
    pictures["training"] = to_png(draw_training(history, facts["train"]["kept_epoch"]))
    _write(REPORT, render_page(facts, pictures))
    _write(MODEL_CARD, render_card(facts))
    print(f"report: open reports/index.html (validation MAE {facts['evaluate']['val']['mae']:.2f} years)")


def _gather(params: ReportParams) -> dict:
    """Return the variables of both templates."""
    dataset = load("dataset", DatasetParams)
    recipe = {
        "prepare": load("prepare", PrepareParams).model_dump(),
        "model": load("model", ModelParams).model_dump(),
        "train": load("train", TrainParams).model_dump(),
    }
    names = ("validate", "split", "eda", "prepare", "train", "evaluate")
    metrics = {name: read_json(metrics_file(name)) for name in names}
    return {
        **metrics,
        "title": params.title,
        "splits": [split for split in HELD_OUT if split in metrics["evaluate"]],
        "decades": {
            split: {row["decade"]: row for row in rows} for split, rows in metrics["evaluate"]["by_decade"].items()
        },
        "contamination": contamination(metrics["evaluate"], metrics["train"]),
        "groups": regroup(metrics["evaluate"]["by_group"]),
        "sample": read_json(metrics_file("sample")) if dataset.is_sample else None,
        "recipe": flatten_recipe(recipe),
        "worst": worst(read_rows(PREDICTIONS)).to_dict("records"),
        "rejected": read_listing(REJECTED).head(FIRST_REJECTED).to_dict("records"),
    }


def _write(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(report)
