"""In place of the stage: the errors of the "model" of `package`, as tables and pictures."""

import numpy as np

from realage.core.columns import PERSON, PREDICTED_AGE, REAL_AGE
from realage.core.files import read_json, read_rows, write_csv, write_json, write_listing
from realage.core.params import load
from realage.core.paths import MODEL, PLOTS, PREDICTIONS, PREPARED, REPEATABILITY, SALIENCY, SPLITS, metrics_file
from realage.evaluation.charts import draw_evaluation, draw_gates, draw_intervals, draw_worst
from realage.evaluation.gates import tabulate_gates
from realage.evaluation.metrics import EvaluateParams
from realage.evaluation.people import number_people
from realage.evaluation.repeatability import LISTED
from realage.evaluation.saliency import CELLS, flatten_maps, pick_examples
from realage.evaluation.scores import score_splits
from realage.photos.prepared import read_prepared
from realage.runner.command import run
from realage.splits.groups import groups_of


def evaluate() -> None:
    """Write what the real stage writes, but for intervals and repeatability."""
    model, rows = read_json(MODEL), read_rows(SPLITS)
    median = rows.loc[rows["split"] == "train", REAL_AGE].median()
    predictions = rows[rows["split"].isin(["val", "test"])].assign(**{PREDICTED_AGE: model["answer"]})
    numbered = predictions.assign(**{PERSON: number_people(predictions)})
    params = load("evaluate", EvaluateParams)
    groups = {column: groups_of(rows, column) for column in params.groups}
    metrics = {**model["data"], **score_splits(numbered, groups, median, params)}
    write_csv(PREDICTIONS, predictions)
    examples = pick_examples(predictions).reset_index(drop=True)
    write_csv(SALIENCY, examples.join(flatten_maps(np.zeros((len(examples), CELLS, CELLS)))))
    write_json(metrics_file("evaluate"), metrics)
    write_listing(REPEATABILITY, numbered.reindex(columns=LISTED).head(0))
    draw_evaluation(numbered, metrics, PLOTS / "evaluate")
    draw_gates(tabulate_gates(numbered, params.thresholds, params.challenge_ages), PLOTS / "evaluate")
    draw_intervals(numbered, metrics, PLOTS / "evaluate")
    draw_worst(predictions, lambda row: read_prepared(PREPARED, row.photo), PLOTS / "worst.png")


if __name__ == "__main__":
    run(evaluate)
