"""Splits and original photos -> what the data are like: ages, groups, sizes, light, outliers, and faces by decade."""

from pathlib import Path

import numpy as np

from realage.charts import save
from realage.command import run
from realage.dataset import DatasetParams
from realage.eda import (
    EdaParams,
    count_ages,
    count_decades,
    count_groups,
    describe,
    pick_examples,
    quantiles,
    survey_photos,
)
from realage.eda_charts import (
    draw_ages,
    draw_contact_sheet,
    draw_decades,
    draw_groups,
    draw_mean_faces,
    draw_outliers,
    draw_photos,
)
from realage.files import read_rows, write_csv, write_json
from realage.metrics import EvaluateParams
from realage.outliers import find_outliers
from realage.params import load
from realage.photos import load_validated
from realage.splits import SPLITS

PLOTS = Path("plots/eda")


def eda() -> None:
    """Write `metrics/eda.json`, and pictures with the tables behind them to `plots/eda/`."""
    images, params = Path(load("dataset", DatasetParams).images), load("eda", EdaParams)
    columns = load("evaluate", EvaluateParams).groups
    rows = read_rows(Path("data/labels/splits.csv"))
    rows = rows[rows["split"].isin(SPLITS)]
    ages, decades, groups = count_ages(rows), count_decades(rows), count_groups(rows, columns)
    examples = pick_examples(rows, params)
    survey = survey_photos(images, rows, examples.index)
    outliers = find_outliers(rows, survey.measures)
    facts = describe(rows, survey.measures, outliers)

    def photo_of(index: int) -> np.ndarray:
        return load_validated(images / rows.at[index, "file_name"], rows.at[index, "photo"])

    write_json(Path("metrics/eda.json"), facts)
    write_csv(PLOTS / "ages.csv", ages)
    write_csv(PLOTS / "decades.csv", decades)
    write_csv(PLOTS / "groups.csv", groups)
    write_csv(PLOTS / "photos.csv", quantiles(survey.measures))
    write_csv(PLOTS / "outliers.csv", outliers)
    save(draw_ages(ages, facts), PLOTS / "ages.png")
    save(draw_decades(decades, facts), PLOTS / "decades.png")
    save(draw_groups(rows, columns), PLOTS / "groups.png")
    save(draw_photos(survey.measures), PLOTS / "photos.png")
    save(draw_outliers(outliers, photo_of, params.contact_sheet_columns), PLOTS / "outliers.png")
    save(draw_contact_sheet(examples, survey), PLOTS / "contact_sheet.png")
    save(draw_mean_faces(survey.mean_faces, facts["by_decade"]), PLOTS / "mean_faces.png")
    print(f"eda: {len(rows):,} photos, ages {facts['age_min']:g} to {facts['age_max']:g}, "
          f"{facts['share_20_30']:.0%} of them 20 to 30; outliers (plots/eda/outliers.csv): {facts['outliers']:,}")


if __name__ == "__main__":
    run(eda)
