"""Splits and original photos -> what the data are like: ages, sizes, light, and faces by decade."""

from pathlib import Path

from realage.charts import save
from realage.command import run
from realage.dataset import DatasetParams
from realage.eda import EdaParams, count_ages, count_decades, describe, pick_examples, quantiles, survey_photos
from realage.eda_charts import draw_ages, draw_contact_sheet, draw_decades, draw_mean_faces, draw_photo_sizes
from realage.files import read_rows, write_csv, write_json
from realage.params import load

PLOTS = Path("plots/eda")


def eda() -> None:
    """Write `metrics/eda.json`, and pictures with the tables behind them to `plots/eda/`."""
    dataset, params = load("dataset", DatasetParams), load("eda", EdaParams)
    rows = read_rows(Path("data/labels/splits.csv"))
    examples = pick_examples(rows, params)
    survey = survey_photos(Path(dataset.images), rows, examples.index)
    ages, decades = count_ages(rows), count_decades(rows)
    facts = describe(rows, survey.measures)

    write_json(Path("metrics/eda.json"), facts)
    write_csv(PLOTS / "ages.csv", ages)
    write_csv(PLOTS / "decades.csv", decades)
    write_csv(PLOTS / "photos.csv", quantiles(survey.measures))
    save(draw_ages(ages, facts), PLOTS / "ages.png")
    save(draw_decades(decades, facts), PLOTS / "decades.png")
    save(draw_photo_sizes(survey.measures), PLOTS / "photo_sizes.png")
    save(draw_contact_sheet(examples, survey), PLOTS / "contact_sheet.png")
    save(draw_mean_faces(survey.mean_faces, facts["by_decade"]), PLOTS / "mean_faces.png")
    print(f"eda: {len(rows):,} photos, ages {facts['age_min']:g} to {facts['age_max']:g}, "
          f"{facts['share_20_30']:.0%} of them 20 to 30")


if __name__ == "__main__":
    run(eda)
