"""Splits, scan and prepared photos -> charts of the data: ages, groups, sizes, light, outliers, mean faces."""

import numpy as np

from realage.charts import save
from realage.core.columns import PHOTO
from realage.core.files import from_parquet, read_rows, write_csv, write_json, write_listing
from realage.core.params import load
from realage.core.paths import PHOTOS, PLOTS, PREPARED, SPLITS, metrics_file
from realage.evaluation.metrics import EvaluateParams
from realage.exploration.charts import (
    draw_ages,
    draw_contact_sheet,
    draw_decades,
    draw_groups,
    draw_mean_faces,
    draw_outliers,
    draw_photos,
)
from realage.exploration.eda import (
    average_faces,
    count_ages,
    count_decades,
    count_groups,
    describe,
    measures_of,
    pick_examples,
    quantiles,
)
from realage.exploration.outliers import find_outliers
from realage.exploration.params import EdaParams
from realage.photos.prepared import read_prepared
from realage.runner.command import run
from realage.splits.assign import SPLIT_NAMES

FOLDER = PLOTS / "eda"


def eda() -> None:
    """Write `metrics/eda.json`, and charts with their tables to `plots/eda/`."""
    params, columns = load("eda", EdaParams), load("evaluate", EvaluateParams).groups
    rows = read_rows(SPLITS)
    rows = rows[rows["split"].isin(SPLIT_NAMES)]
    measures = measures_of(rows, from_parquet(PHOTOS.read_bytes(), str(PHOTOS)))
    ages, decades, groups = count_ages(rows), count_decades(rows), count_groups(rows, columns)
    outliers = find_outliers(rows, measures)
    facts = describe(rows, measures, outliers)

    def photo_of(index: int) -> np.ndarray:
        return read_prepared(PREPARED, rows.at[index, PHOTO])

    write_json(metrics_file("eda"), facts)
    write_csv(FOLDER / "ages.csv", ages)
    write_csv(FOLDER / "decades.csv", decades)
    write_listing(FOLDER / "groups.csv", groups)
    write_csv(FOLDER / "photos.csv", quantiles(measures))
    write_listing(FOLDER / "outliers.csv", outliers)
    save(draw_ages(ages, facts), FOLDER / "ages.png")
    save(draw_decades(decades, facts), FOLDER / "decades.png")
    save(draw_groups(rows, columns), FOLDER / "groups.png")
    save(draw_photos(measures), FOLDER / "photos.png")
    save(draw_outliers(outliers, photo_of, params.contact_sheet_columns), FOLDER / "outliers.png")
    save(draw_contact_sheet(pick_examples(rows, params), photo_of), FOLDER / "contact_sheet.png")
    save(draw_mean_faces(average_faces(PREPARED, rows), facts["by_decade"]), FOLDER / "mean_faces.png")
    print(f"eda: {len(rows):,} photos, ages {facts['age_min']:g} to {facts['age_max']:g}, "
          f"{facts['share_20_30']:.0%} of them 20 to 30; outliers (plots/eda/outliers.csv): {facts['outliers']:,}")


if __name__ == "__main__":
    run(eda)
