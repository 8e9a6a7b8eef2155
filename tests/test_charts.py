"""Pictures come out the same bytes every time, whatever machine and settings draw them."""

import io

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from realage.charts import PAPER, SPLIT_COLORS, Tile, page, save, sheet, style, to_png
from realage.evaluation.charts import (
    WORST,
    draw_evaluation,
    draw_residuals,
    draw_within,
    draw_worst,
    tabulate_within,
    worst,
)

PICTURES = ("predicted.png", "residuals.png", "by_decade.png", "within.png")
TABLES = ("predicted.csv", "by_age.csv", "by_decade.csv", "within.csv")


def predictions(splits=("val", "test"), photos=80, seed=0):
    """Held-out photos with errors of about five years."""
    draw = np.random.default_rng(seed)
    real = draw.integers(1, 95, photos).astype("float64")
    return pd.DataFrame({
        "file_name": [f"{number}.jpg" for number in range(photos)],
        "photo": [f"{number:032x}" for number in range(photos)],
        "person": range(1, photos + 1),
        "split": [splits[number % len(splits)] for number in range(photos)],
        "real_age": real,
        "predicted_age": real + draw.normal(0, 5, photos),
    })


def scores(errors):
    """What metrics/evaluate.json says of some errors, float (n,); few photos have no interval."""
    interval = {"mae_ci95_lo": 3.0, "mae_ci95_hi": 6.0} if len(errors) >= 5 else {}
    return {"n": len(errors), "mae": float(np.abs(errors).mean()), **interval, "bias": float(errors.mean())}


def metrics(table):
    """metrics/evaluate.json for a table of predictions, broken down into two decades."""
    contents = {"data_version": "0123456789abcdef", "by_decade": {}, "by_age": {}, "by_group": {}}
    for split, rows in table.groupby("split"):
        errors = (rows["predicted_age"] - rows["real_age"]).to_numpy()
        contents[split] = {**scores(errors), "cs3": 0.4, "cs5": 0.6, "cs10": 0.9, "baseline": {"mae": 14.0}}
        contents["by_decade"][split] = [
            {"decade": "20-29", **scores(errors)},
            {"decade": "90+", **scores(errors[:2])},
        ]
        contents["by_age"][split] = [{"age": 9, **scores(errors[:2])}, {"age": 18, **scores(errors[:1])}]
    return contents


def pixels_of(png):
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"))


@style()
def line(color="black"):
    figure = page(4, 3, "Title", "subtitle")
    figure.subplots().plot([0, 1], [0, 1], color=color)
    return figure


def test_same_figure_gives_same_bytes_and_no_software_or_date(tmp_path):
    save(line(), tmp_path / "one.png")
    save(line(), tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes() != to_png(line("red"))
    assert set(Image.open(tmp_path / "one.png").info) <= {"dpi"}


def test_someones_own_matplotlib_settings_change_no_byte_and_stay_as_they_were():
    table = predictions()
    plain = to_png(draw_residuals(table, metrics(table)))
    with matplotlib.rc_context({"font.size": 31, "axes.grid": False, "savefig.dpi": 20, "lines.linewidth": 9}):
        assert to_png(draw_residuals(table, metrics(table))) == plain
        assert matplotlib.rcParams["font.size"] == 31


def test_background_is_solid_so_that_dark_pages_show_the_axes():
    corner = pixels_of(to_png(line()))[0, 0]
    assert matplotlib.colors.to_hex(corner / 255) == PAPER


def test_a_sheet_shows_the_photos_own_colours():
    red, blue = np.zeros((2, 20, 20, 3), "uint8")
    red[..., 0], blue[..., 2] = 255, 255
    picture = pixels_of(to_png(sheet([("0-9", [Tile(red, "1"), Tile(blue, "2")])], 1, "Faces", "red and blue")))
    red_at, blue_at = (np.argwhere((picture == color).all(axis=2)) for color in ((255, 0, 0), (0, 0, 255)))
    assert len(red_at) > 15_000 and len(blue_at) > 15_000
    assert red_at[:, 1].max() < blue_at[:, 1].min()


@pytest.mark.parametrize("splits", [("val", "test"), ("val",)])
def test_evaluation_writes_pictures_and_the_tables_behind_them(tmp_path, splits):
    table = predictions(splits)
    draw_evaluation(table, metrics(table), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*PICTURES, *TABLES}
    predicted = pd.read_csv(tmp_path / "predicted.csv")
    assert list(predicted.columns) == ["photo", "person", "split", "real_age", "predicted_age"]
    assert pd.read_csv(tmp_path / "by_age.csv")["age"].tolist() == [9, 18]
    by_decade = pd.read_csv(tmp_path / "by_decade.csv")
    assert by_decade["decade"].tolist() == ["20-29", "90+"]
    for split in splits:
        assert by_decade[f"{split}_n"].tolist() == [80 / len(splits), 2]
        assert by_decade[f"{split}_mae_ci95_lo"].isna().tolist() == [False, True]


def test_test_photos_show_in_the_tests_colour_only_where_there_are_some():
    def green_pixels(splits):
        table = predictions(splits)
        picture = pixels_of(to_png(draw_within(tabulate_within(table), metrics(table))))
        green = np.array([int(SPLIT_COLORS["test"][at:at + 2], 16) for at in (1, 3, 5)])
        return int((picture == green).all(axis=2).sum())

    assert green_pixels(("val", "test")) > 200
    assert green_pixels(("val",)) == 0


@pytest.mark.parametrize("photos", [1, 3])
def test_a_handful_of_photos_of_one_age_can_be_drawn(tmp_path, photos):
    table = predictions(("val",), photos).assign(real_age=30.0, predicted_age=30.0)
    draw_evaluation(table, metrics(table), tmp_path)
    assert (tmp_path / "residuals.png").stat().st_size > 0


def test_nobody_young_leaves_the_table_of_ages_empty(tmp_path):
    table = predictions()
    draw_evaluation(table, {**metrics(table), "by_age": {"val": [], "test": []}}, tmp_path)
    by_age = pd.read_csv(tmp_path / "by_age.csv")
    assert by_age.empty and {"age", "val_n", "test_mae"} <= set(by_age.columns)


def test_share_within_counts_errors_of_exactly_so_many_years():
    table = pd.DataFrame({"split": "val", "real_age": [20.0, 30.0, 40.0], "predicted_age": [20.0, 25.0, 50.0]})
    within = tabulate_within(table).set_index("years")
    assert within.loc[[0, 4.5, 5, 10], "val"].tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1])
    # The constant guess is 30: off by 10, 0 and 10 years.
    assert within.loc[[0, 9.5, 10], "constant"].tolist() == pytest.approx([1 / 3, 1 / 3, 1])


def test_worst_are_the_largest_validation_errors_either_way():
    table = pd.DataFrame({
        "split": ["val", "val", "test", "val"], "real_age": [50.0, 50, 50, 50], "predicted_age": [51.0, 20, 99, 70]
    })
    assert worst(table)["error"].tolist() == [-30, 20, 1]


def test_worst_sheet_asks_for_twelve_photos_at_most(tmp_path):
    asked = []

    def photo_of(row):
        asked.append(row.file_name)
        return np.zeros((8, 8, 3), "uint8")

    table = predictions()
    draw_worst(table, photo_of, tmp_path / "worst.png")
    assert asked == worst(table)["file_name"].tolist() and len(asked) == WORST
    assert pixels_of((tmp_path / "worst.png").read_bytes()).min() == 0
