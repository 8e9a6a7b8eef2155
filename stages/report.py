"""Metrics, charts and predictions -> a report in one HTML page; a model card and an ML-BOM for Git."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from realage.core.columns import PHOTO
from realage.core.disk import replacing
from realage.core.files import read_json, read_listing, read_rows, write_json
from realage.core.params import load
from realage.core.paths import (
    HISTORY,
    MODEL,
    MODEL_CARD,
    PLOTS,
    PREDICTIONS,
    PREPARED,
    REJECTED,
    REPEATABILITY,
    REPORT,
    SALIENCY,
    metrics_file,
)
from realage.evaluation.charts import worst
from realage.evaluation.saliency import read_maps
from realage.labels.dataset import DatasetParams
from realage.network.backbones import ModelParams
from realage.network.recipe import TrainParams
from realage.photos.params import PrepareParams
from realage.photos.prepared import read_prepared
from realage.report.bom import build_bom, read_pins
from realage.report.card import MISUSES, USES, front_matter, limits, statements
from realage.report.charts import (
    draw_ages,
    draw_by,
    draw_coverage,
    draw_decades,
    draw_gates,
    draw_groups,
    draw_photos,
    draw_predicted,
    draw_residuals,
    draw_risk,
    draw_training,
    draw_verdict,
    draw_within,
)
from realage.report.dots import pick_dots
from realage.report.page import contamination, flatten_recipe, largest_groups, regroup, render_card, render_page
from realage.report.params import ReportParams
from realage.report.photos import Photos
from realage.report.saliency import describe_saliency, tint
from realage.report.verdict import judged_on, verdict
from realage.runner.command import run
from realage.splits.assign import HELD_OUT

SHEETS = {
    "outliers": "eda/outliers.png",
    "contact_sheet": "eda/contact_sheet.png",
    "mean_faces": "eda/mean_faces.png",
}
FIRST_REJECTED = FIRST_CHANGED = 12
ML_BOM = Path("reports/ml_bom.cdx.json")
REQUIREMENTS = Path("requirements.txt")


def report() -> None:
    """Write `reports/index.html`, which shows faces unless `report.photos` is false, the model card and the ML-BOM."""
    params = load("report", ReportParams)
    predictions = read_rows(PREDICTIONS)
    facts = _gather(params, predictions)
    dots = pick_dots(predictions)
    charts = _draw(facts, predictions, dots, params.photos)
    examples = read_rows(SALIENCY)
    explained = [read_prepared(PREPARED, photo) for photo in examples[PHOTO]]
    saliency = describe_saliency(examples, explained)
    maps = [tint(*photo) for photo in zip(explained, read_maps(examples))]
    photos = _read_photos(predictions, dots, explained, maps) if params.photos else None
    _write(REPORT, render_page({**facts, "charts": charts, "saliency": saliency}, photos))
    _write(MODEL_CARD, front_matter(facts) + "\n" + render_card({**facts, **_texts(facts)}))
    write_json(ML_BOM, build_bom(facts, hashlib.sha256(MODEL.read_bytes()).hexdigest(), read_pins(REQUIREMENTS)))
    print(f"report: open reports/index.html (validation MAE {facts['evaluate']['val']['mae']:.2f} years)")


def _gather(params: ReportParams, predictions: pd.DataFrame) -> dict:
    """Return the variables of both templates."""
    dataset = load("dataset", DatasetParams)
    recipe = {
        "prepare": load("prepare", PrepareParams).model_dump(),
        "model": load("model", ModelParams).model_dump(),
        "train": load("train", TrainParams).model_dump(),
    }
    names = ("validate", "split", "eda", "prepare", "train", "evaluate")
    metrics = {name: read_json(metrics_file(name)) for name in names}
    evaluate = metrics["evaluate"]
    groups = regroup(evaluate["by_group"])
    contaminated = contamination(evaluate, metrics["train"])
    splits = [split for split in HELD_OUT if split in evaluate]
    return {
        **metrics,
        "title": params.title,
        "card": params.card.model_dump(),
        "splits": splits,
        "everyone": {split: {"": evaluate[split]} for split in splits},
        "judged_on": judged_on(evaluate),
        "verdict": verdict(evaluate, groups, bool(contaminated)),
        "decades": {split: {row["decade"]: row for row in rows} for split, rows in evaluate["by_decade"].items()},
        "ages": {split: {row["age"]: row for row in rows} for split, rows in evaluate["by_age"].items()},
        "contamination": contaminated,
        "groups": groups,
        "crossings": regroup(evaluate["by_crossing"]),
        "faces": regroup(evaluate["by_face"]),
        "sample": read_json(metrics_file("sample")) if dataset.is_sample else None,
        "recipe": flatten_recipe(recipe),
        "worst": worst(predictions).to_dict("records"),
        "most_changed": read_listing(REPEATABILITY).head(FIRST_CHANGED).to_dict("records"),
        "rejected": read_listing(REJECTED).head(FIRST_REJECTED).to_dict("records"),
    }


def _texts(facts: dict) -> dict:
    """Return the texts that the model card alone has."""
    return {"uses": USES, "misuses": MISUSES, "statements": statements(facts["card"]), "limits": limits(facts)}


def _draw(facts: dict, predictions: pd.DataFrame, dots: pd.DataFrame, named: bool) -> dict:
    """Return the charts of the page by name."""
    evaluate, eda = facts["evaluate"], facts["eda"]
    sample = facts["sample"]
    return {
        "verdict": draw_verdict(facts["splits"], evaluate, sample["floor_mae"] if sample else None),
        "predicted": draw_predicted(dots, evaluate, named),
        "residuals": draw_residuals(dots, predictions, evaluate, named),
        "within": draw_within(pd.read_csv(PLOTS / "evaluate/within.csv"), evaluate),
        "by_decade": draw_by("decade", list(eda["by_decade"]), facts["decades"], evaluate),
        "by_group": {column: draw_by(column, largest_groups(scores), scores, evaluate)
                     for column, scores in facts["groups"].items()},
        "gates": draw_gates(pd.read_csv(PLOTS / "evaluate/gates.csv")),
        "coverage": draw_coverage(list(eda["by_decade"]), facts["decades"], evaluate),
        "risk": draw_risk(pd.read_csv(PLOTS / "evaluate/risk_coverage.csv"), evaluate),
        "training": draw_training(pd.read_csv(HISTORY), facts["train"]["kept_epoch"]),
        "ages": draw_ages(pd.read_csv(PLOTS / "eda/ages.csv"), eda),
        "decades": draw_decades(pd.read_csv(PLOTS / "eda/decades.csv"), eda),
        "groups": draw_groups(read_listing(PLOTS / "eda/groups.csv")),
        "photos": draw_photos(pd.read_csv(PLOTS / "eda/photos.csv")),
    }


def _read_photos(
    predictions: pd.DataFrame, dots: pd.DataFrame, examples: list[np.ndarray], maps: list[np.ndarray]
) -> Photos:
    shown = dots[dots["thumbnail"] >= 0].sort_values("thumbnail")
    return Photos(
        {name: (PLOTS / file).read_bytes() for name, file in SHEETS.items()},
        [read_prepared(PREPARED, photo) for photo in worst(predictions)[PHOTO]],
        [read_prepared(PREPARED, photo) for photo in shown[PHOTO]],
        examples,
        maps,
    )


def _write(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(report)
