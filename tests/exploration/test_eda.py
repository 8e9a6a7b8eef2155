"""What is said of the data is true of the data, for many photos or few, and shows no face where it must not."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import small_params
from matplotlib.text import Text
from PIL import Image

from realage.core.errors import UserError
from realage.exploration.charts import draw_ages, draw_groups, draw_outliers, draw_photos
from realage.exploration.eda import (
    MeanFaces,
    average_faces,
    count_ages,
    count_decades,
    count_groups,
    describe,
    pick_examples,
)
from realage.exploration.outliers import SCALES, find_outliers
from realage.exploration.params import EdaParams
from realage.photos.hashes import pixel_hash
from realage.photos.measures import measure, thumbnail_of
from realage.photos.prepared import to_png, write_prepared
from stages.eda import eda as eda_stage
from stages.prepare import prepare
from stages.scan import scan

OUTS = {
    "ages.csv", "ages.png", "decades.csv", "decades.png", "groups.csv", "groups.png", "photos.csv", "photos.png",
    "outliers.csv", "outliers.png", "contact_sheet.png", "mean_faces.png",
}


def eda():
    scan()
    prepare()
    eda_stage()


def solid(color, height=40, width=40):
    return np.full((height, width, 3), color, "uint8")


def noise(number, height=40, width=48):
    return np.random.default_rng(number).integers(0, 255, (height, width, 3), "uint8")


def write_data(folder, ages, splits=("train", "val", "test"), names="{}.png", unusual=(), groups=(), **columns):
    """A project folder with one noisy photo for each age (years), and splits.csv.

    `unusual` has other pixels for some photos by number, `columns` further columns of splits.csv, `groups` those of
    them that params.yaml names.
    """
    images = folder / "images"
    images.mkdir(parents=True)
    rows = []
    for number, age in enumerate(ages):
        pixels = dict(unusual).get(number, noise(number, 40 + number % 3))
        Image.fromarray(pixels).save(images / names.format(number))
        rows.append((names.format(number), age, pixel_hash(pixels), splits[number % len(splits)]))
    (folder / "data/labels").mkdir(parents=True)
    table = pd.DataFrame(rows, columns=["file_name", "real_age", "photo", "split"]).assign(**columns)
    table.to_csv(folder / "data/labels/splits.csv", index=False)
    params = {
        "dataset": {"labels": "labels.csv", "images": "images"}, "eda": {"contact_sheet_columns": 3, "seed": 1},
        "evaluate": small_params()["evaluate"] | {"groups": list(groups)},
        "prepare": {"image_size": 32, "crop": "none", "margin": 0.3, "fit": "pad", "max_megapixels": 50},
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return table


def facts_of(folder):
    return json.loads((folder / "metrics/eda.json").read_text())


def measured(**columns):
    """A table of measures in which all photos are equal but in `columns`."""
    photos = len(next(iter(columns.values())))
    equal = dict.fromkeys(("width", "height", *SCALES), [100.0] * photos)
    return pd.DataFrame({**equal, **columns})


def words_of(figure):
    """All that is written on a figure, from left to right and top to bottom of each of its axes."""
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_stage_writes_its_outs_and_true_figures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ages = [5, 20, 22, 25, 30, 31, 31.5, 47, 99, 104] * 3
    write_data(tmp_path, ages, names="Jane Doe $x^2$ {}.png")
    eda()
    assert {path.name for path in (tmp_path / "plots/eda").iterdir()} == OUTS
    facts = facts_of(tmp_path)
    assert facts["photos"] == 30
    assert facts["age_mean"] == pytest.approx(np.mean(ages))
    assert facts["age_sd"] == pytest.approx(np.std(ages, ddof=1))
    assert facts["share_20_30"] == pytest.approx(0.4)
    assert facts["by_decade"] == {
        "0-9": 3, "10-19": 0, "20-29": 9, "30-39": 9, "40-49": 3, "50-59": 0, "60-69": 0, "70-79": 0, "80-89": 0,
        "90+": 6,
    }
    assert facts["imbalance_ratio"] == 3
    # Nine years of age, 31 twice as frequent as the others: less varied than ten, more than eight.
    assert 8 < facts["effective_ages"] < 10
    assert (facts["median_width"], facts["median_height"]) == (48, 41)
    written = [*(tmp_path / "plots/eda").iterdir(), tmp_path / "metrics/eda.json"]
    assert not [path.name for path in written if b"Jane" in path.read_bytes() and path.name != "outliers.csv"]
    counted = pd.read_csv(tmp_path / "plots/eda/ages.csv")
    assert counted["photos"].sum() == 30 and counted.loc[counted["age"] == 31, "photos"].sum() == 6


def test_the_ages_that_are_shaded_are_the_share_that_is_told():
    rows = pd.DataFrame({"file_name": "a.jpg", "real_age": [19.9, 20.0, 29.5, 30.9, 31.0], "split": "train"})
    measures = measured(brightness=[100.0] * 5)
    facts = describe(rows, measures, find_outliers(rows, measures))
    axes = draw_ages(count_ages(rows), facts).axes[0]
    left, right = axes.patches[0].get_x(), axes.patches[0].get_x() + axes.patches[0].get_width()
    bars = [bar for bar in axes.patches[1:] if left < bar.get_x() + bar.get_width() / 2 < right]
    assert sum(bar.get_height() for bar in bars) / 5 == pytest.approx(facts["share_20_30"]) == pytest.approx(0.6)


def test_the_tallest_bar_leaves_room_for_the_words_above_it():
    ages = pd.DataFrame({"age": [30, 31], "photos": [40, 5], "train": [30, 5], "val": [10, 0], "test": [0, 0]})
    facts = {"photos": 45, "share_20_30": 0.9, "effective_ages": 1.5, "age_median": 30.4}
    axes = draw_ages(ages, facts).axes[0]
    assert axes.get_ylim()[1] > 44
    (line,) = axes.lines
    assert line.get_xdata()[0] == 30, "the line stands on the bar that holds the median"


def test_photos_on_the_axis_are_not_called_beyond_it():
    measures = measured(shorter_side=[200.0] * 399 + [204.0])
    assert "beyond" not in " ".join(words_of(draw_photos(measures)))
    measures = measured(shorter_side=[200.0 + place % 50 for place in range(399)] + [9_000.0])
    assert "1 beyond this axis" in " ".join(words_of(draw_photos(measures)))


def test_names_that_the_font_cannot_draw_are_told_by_question_marks_without_a_warning(recwarn):
    rows = pd.DataFrame({"real_age": [20.0, 30, 40, 50], "国": ["中国", "中国", "عربي", ""]})
    assert {"??", "عربي", "(none)", "?"} <= set(words_of(draw_groups(rows, ["国"])))
    assert not [warning for warning in recwarn if "lyph" in str(warning.message)]


def test_neither_worker_threads_nor_the_folder_change_a_byte(tmp_path, monkeypatch):
    made = []
    for workers in ("1", "4"):
        monkeypatch.setenv("REALAGE_WORKERS", workers)
        folder = tmp_path / workers
        # More photos than a worker is handed at once.
        write_data(folder, [*range(3, 60, 2)] * 5, unusual={7: noise(7) // 16}, groups=["split"])
        monkeypatch.chdir(folder)
        eda()
        made.append({path.name: path.read_bytes() for path in [*folder.glob("plots/eda/*"), *folder.glob("metrics/*")]})
    assert made[0].keys() == OUTS | {"eda.json", "prepare.json"}
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []


@pytest.mark.parametrize(
    ("ages", "splits"), [([33.0] * 4, ("train", "val")), ([1, 119], ("train", "val")), ([40, 41], ("train",))]
)
def test_odd_data_sets_are_drawn_too(tmp_path, monkeypatch, ages, splits):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path, ages, splits)
    eda()
    facts = facts_of(tmp_path)
    assert facts["photos"] == len(ages)
    assert facts["effective_ages"] == pytest.approx(len(set(ages)))


def test_photos_that_are_set_aside_are_not_described(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(
        tmp_path, [10, 20, 99] * 5, ("train", "val", "excluded"), unusual={2: solid(0, 900, 900)}, groups=["sex"],
        near_duplicate_of=["", "", "0.png"] * 5, sex=["f", "m", "x"] * 5,
    )
    (tmp_path / "images/2.png").unlink()
    eda()
    facts = facts_of(tmp_path)
    assert (facts["photos"], facts["age_max"], facts["outliers"]) == (10, 20, 0)
    for name in ("ages", "decades"):
        assert pd.read_csv(tmp_path / f"plots/eda/{name}.csv")["photos"].sum() == 10
    assert set(pd.read_csv(tmp_path / "plots/eda/groups.csv")["group"]) == {"f", "m"}


def test_photos_unlike_the_others_are_listed_by_name_and_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ages = list(range(20, 60))
    write_data(tmp_path, ages, unusual={
        3: noise(3) // 16, 5: solid(127), 8: noise(8, 600, 720), 13: np.repeat(noise(13)[:, :, :1], 3, axis=2),
    })
    eda()
    listed = pd.read_csv(tmp_path / "plots/eda/outliers.csv")
    assert list(listed.columns) == ["file_name", "real_age", "measure", "value", "low", "high"]
    named = listed.groupby("measure")["file_name"].agg(set).to_dict()
    assert named["brightness"] == {"3.png"} and named["shorter_side"] == {"8.png"}
    assert {"5.png", "3.png"} <= named["sharpness"] and {"5.png", "13.png"} <= named["colorfulness"]
    assert set(listed["file_name"]) == {"3.png", "5.png", "8.png", "13.png"}
    dark = listed[listed["measure"] == "brightness"].iloc[0]
    assert dark["real_age"] == ages[3] and dark["value"] < dark["low"] < 127 < dark["high"]
    facts = facts_of(tmp_path)
    assert facts["outliers"] == 4
    assert facts["outliers_by_measure"] == {name: (listed["measure"] == name).sum() for name in SCALES}


def test_photos_of_one_kind_have_no_outliers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path, [20, 30, 40] * 10)
    eda()
    assert pd.read_csv(tmp_path / "plots/eda/outliers.csv").empty
    assert facts_of(tmp_path)["outliers"] == 0


def test_outliers_are_sorted_by_measure_and_then_by_distance_at_both_ends():
    measures = measured(brightness=[100, 120, 110, 105, 115] * 20 + [2, 250, 9, 127], shorter_side=[200] * 103 + [90])
    rows = pd.DataFrame({"file_name": [f"{number}.png" for number in range(104)], "real_age": 30.0})
    outliers = find_outliers(rows, measures)
    assert outliers["file_name"].tolist() == ["103.png", "100.png", "101.png", "102.png"]
    assert outliers["measure"].tolist() == ["shorter_side"] + ["brightness"] * 3
    # The table is complete, the sheet holds two tiles a row.
    more = measured(brightness=[100, 120, 110, 105, 115] * 20 + [1, 2, 3, 4])
    assert len(find_outliers(rows, more)) == 4
    words = words_of(draw_outliers(find_outliers(rows, more), lambda index: solid(index), 2))
    assert "darkest\n2 of 4" in words and "100.png\n1" in words and not any("102.png" in word for word in words)


def test_long_tails_of_a_skewed_measure_are_no_outliers_but_grey_photos_among_coloured_ones_are():
    draw = np.random.default_rng(0)
    colours = [0.0] * 40 + [*draw.normal(42, 9, 1960)]
    measures = measured(sharpness=np.exp(draw.normal(2, 0.5, 2000)), colorfulness=colours)
    rows = pd.DataFrame({"file_name": [f"{number:04}.png" for number in range(2000)], "real_age": 30.0})
    outliers = find_outliers(rows, measures)
    assert (outliers["measure"] == "sharpness").sum() <= 3
    assert set(outliers.loc[outliers["measure"] == "colorfulness", "file_name"][:40]) == set(rows["file_name"][:40])


def test_a_photo_a_thousand_times_as_high_as_wide_is_shown_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path, [20, 30, 40] * 4, unusual={4: solid(9, 5000, 5)})
    eda()
    listed = pd.read_csv(tmp_path / "plots/eda/outliers.csv")
    assert "4.png" in set(listed.loc[listed["measure"] == "proportions", "file_name"])


def test_groups_are_counted_by_decade(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(
        tmp_path, [5, 21, 22, 35, 95, 96], groups=["sex", "split"], sex=["f", "f", "f", "m", "m", ""],
    )
    eda()
    table = pd.read_csv(tmp_path / "plots/eda/groups.csv")
    assert table[table["column"] == "sex"].to_numpy().tolist() == [
        ["sex", "(none)", "90+", 1], ["sex", "f", "0-9", 1], ["sex", "f", "20-29", 2],
        ["sex", "m", "30-39", 1], ["sex", "m", "90+", 1],
    ]
    assert table.groupby("column")["photos"].sum().to_dict() == {"sex": 6, "split": 6}


def test_names_that_are_formulas_are_text_in_the_tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(
        tmp_path, list(range(20, 60)), names="=1+{}.png", unusual={3: noise(3) // 16}, groups=["sex"],
        sex=["=f", "-1"] * 20,
    )
    eda()
    assert set(pd.read_csv(tmp_path / "plots/eda/groups.csv")["group"]) == {"'=f", "-1"}
    assert set(pd.read_csv(tmp_path / "plots/eda/outliers.csv")["file_name"]) == {"'=1+3.png"}


def test_groups_picture_names_each_group_with_its_number_and_median_age():
    rows = pd.DataFrame({"real_age": [20.0, 24.0, 60.0, 40.0], "sex": ["f", "f", "m", "f"]})
    words = words_of(draw_groups(rows, ["sex"]))
    assert {"sex", "f", "m", " 3", " 1", "24", "60"} <= set(words)
    assert words.index("f") < words.index("m")


def test_of_very_many_groups_the_smallest_share_a_row():
    rows = pd.DataFrame({"real_age": 30.0, "place": [f"a place called {number} " * 9 for number in range(50)] * 2})
    rows = pd.concat([rows, rows.head(30)], ignore_index=True)
    words = words_of(draw_groups(rows, ["place"]))
    assert "20 other groups" in words and " 40" in words and words.count(" 3") == 30
    assert all(len(word) < 120 for word in words)


def test_no_groups_named_leaves_an_empty_table_and_a_word_on_how_to_name_some(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = write_data(tmp_path, [20, 30, 40])
    eda()
    assert (tmp_path / "plots/eda/groups.csv").read_text() == "column,group,decade,photos\n"
    assert any("evaluate.groups" in word for word in words_of(draw_groups(rows, [])))


def test_a_group_column_that_is_not_there_is_named_with_those_that_are():
    rows = pd.DataFrame({"file_name": ["a.png"], "real_age": [20.0], "sex": ["f"]})
    with pytest.raises(UserError, match=r"evaluate\.groups.*'gender'.*file_name, real_age, sex"):
        count_groups(rows, ["sex", "gender"])


def test_a_vanished_prepared_photo_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path, [10, 20, 30])
    eda()
    prepared = sorted((tmp_path / "data/prepared").iterdir())
    prepared[1].unlink()
    with pytest.raises(UserError, match=rf"{prepared[1].name}: missing or damaged.*dvc repro"):
        eda_stage()


def test_mean_face_of_two_colours_is_their_mean():
    faces = MeanFaces()
    faces.add(20, solid((200, 10, 0)))
    faces.add(20, solid((100, 30, 255)))
    faces.add(0, solid((7, 7, 7)))
    means = faces.means()
    assert list(means) == [0, 20]
    assert means[20].dtype == np.uint8 and (means[20] == (150, 20, 128)).all()
    assert (means[0] == 7).all()


def test_mean_faces_of_photos_keep_to_their_decade(tmp_path):
    photos = {"a": solid((0, 0, 0)), "b": solid((100, 100, 100)), "c": solid((255, 0, 0))}
    for photo, pixels in photos.items():
        write_prepared(tmp_path, photo, to_png(pixels))
    means = average_faces(tmp_path, pd.DataFrame({"photo": list(photos), "real_age": [20.0, 29.9, 30.0]}))
    assert (means[20] == 50).all() and (means[30] == (255, 0, 0)).all()


def test_measures_tell_bright_from_dark_and_sharp_from_blurred():
    draw = np.random.default_rng(0)
    noisy = draw.integers(0, 255, (200, 200, 3), "uint8")
    grey = solid(90, 120, 60)
    sharp, flat = measure(noisy, thumbnail_of(noisy)), measure(grey, thumbnail_of(grey))
    assert (flat.width, flat.height) == (60, 120)
    assert (flat.brightness, flat.contrast, flat.sharpness) == (90, 0, 0)
    assert sharp.contrast > 10 and sharp.sharpness > 20


def test_grey_photos_have_no_colour_and_strong_colours_have_more_than_pale_ones():
    greys = np.repeat(noise(1, 200, 200)[:, :, :1], 3, axis=2)
    pale, strong = (solid((140 + by, 140, 140 - by)) for by in (10, 90))
    colours = [measure(pixels, thumbnail_of(pixels)).colorfulness for pixels in (solid(90), greys, pale, strong)]
    assert colours[:2] == [0, 0] and 0 < colours[2] < colours[3]
    # Half of it red and half of it green, by hand: rg is 255 and -255, yb 127.5 throughout.
    halves = np.concatenate([solid((255, 0, 0)), solid((0, 255, 0))], axis=1)
    assert measure(halves, halves).colorfulness == pytest.approx(255 + 0.3 * 127.5)


def test_examples_are_the_seeds_pick_from_every_decade():
    rows = pd.DataFrame({"real_age": [3.0, *range(20, 30)], "file_name": [f"{number}" for number in range(11)]})
    picks = [pick_examples(rows, EdaParams(contact_sheet_columns=4, seed=seed)) for seed in (1, 1, 2)]
    assert picks[0].equals(picks[1]) and not picks[0].equals(picks[2])
    assert len(picks[0]) == 5 and picks[0]["real_age"].is_monotonic_increasing


def test_decades_without_photos_are_counted_as_none():
    rows = pd.DataFrame({"real_age": [15.0, 41.0], "split": ["train", "val"]})
    table = count_decades(rows).set_index("decade")[["photos", "train", "val", "test"]]
    assert table.loc["20-29"].tolist() == [0, 0, 0, 0] and table.loc["40-49"].tolist() == [1, 0, 1, 0]
    measures = measured(brightness=[100.0, 100.0])
    facts = describe(rows, measures, find_outliers(rows.assign(file_name=["a.png", "b.png"]), measures))
    assert facts["imbalance_ratio"] == 1

