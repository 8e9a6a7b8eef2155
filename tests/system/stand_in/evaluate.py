"""In place of the stage: the errors of the "model" of `package`, as tables and pictures."""

from realage.core.columns import PREDICTED_AGE, REAL_AGE
from realage.core.files import read_json, read_rows, write_csv, write_json
from realage.core.paths import MODEL, PLOTS, PREDICTIONS, PREPARED, SPLITS, metrics_file
from realage.evaluation.charts import draw_evaluation, draw_intervals, draw_worst
from realage.evaluation.metrics import score, score_groups
from realage.evaluation.people import PERSON, number_people
from realage.photos.prepared import read_prepared
from realage.runner.command import run
from realage.splits.ages import decade, decade_label


def evaluate() -> None:
    """Write what the real stage writes, but for groups and intervals."""
    model, rows = read_json(MODEL), read_rows(SPLITS)
    median = rows.loc[rows["split"] == "train", REAL_AGE].median()
    predictions = rows[rows["split"].isin(["val", "test"])].assign(**{PREDICTED_AGE: model["answer"]})
    numbered = predictions.assign(**{PERSON: number_people(predictions)})
    scores, by_decade = {}, {}
    for split, part in numbered.groupby("split"):
        real, predicted, who = (part[column].to_numpy() for column in (REAL_AGE, PREDICTED_AGE, PERSON))
        scores[split] = {**score(real, predicted, who), "baseline": {"mae": float(abs(real - median).mean())}}
        decades = score_groups(real, predicted, decade(real), who)
        by_decade[split] = [{"decade": decade_label(start), **measures} for start, measures in decades]
    metrics = {**model["data"], **scores, "by_decade": by_decade, "by_group": {split: [] for split in scores}}
    write_csv(PREDICTIONS, predictions)
    write_json(metrics_file("evaluate"), metrics)
    draw_evaluation(numbered, metrics, PLOTS / "evaluate")
    draw_intervals(numbered, metrics, PLOTS / "evaluate")
    draw_worst(predictions, lambda row: read_prepared(PREPARED, row.photo), PLOTS / "worst.png")


if __name__ == "__main__":
    run(evaluate)
