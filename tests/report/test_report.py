"""The report tells the metrics' own figures, needs no other file, and trusts nothing that the data say."""

import base64
import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from realage.charts import page, save
from realage.core.files import write_listing
from realage.core.params import read_params
from realage.evaluation.charts import draw_worst
from realage.labels.rules import RULES
from realage.report.page import draw_training, flatten_recipe
from stages.report import PICTURES, report

DEFAULTS = read_params(Path(__file__).parents[2] / "params.yaml")
HOSTILE = '"><script>alert(1)</script>|`x`.jpg'
SCORES = {
    "n": 60, "mae": 6.1234, "mae_ci95_lo": 5.4321, "mae_ci95_hi": 6.9876, "bias": -0.5678, "median_ae": 4.3456,
    "rmse": 8.2345, "r2": 0.6789, "cs3": 0.31, "cs5": 0.52, "cs10": 0.83, "balanced_mae": 7.4567,
    "baseline": {"mae": 13.5791},
}

INTERVALS = {"coverage": 0.918, "coverage_ci95_lo": 0.891, "coverage_ci95_hi": 0.938, "coverage_n": 546,
             "interval_width": 22.14, "aurc": 3.41}


def write_project(
    folder, test=True, rejected=True, labels="data/sample/labels.csv", title="Faces", group=None, excluded=0,
    faces=None, train=None, seen=0, intervals=False,
):
    """All that the stage reads, as the other stages write it."""
    splits = ["val", "test"] if test else ["val"]
    few = {"n": 2, "mae": 20.25, "bias": 20.25}
    evaluate = {
        "data_version": "0123456789abcdef",
        **{split: SCORES | ({"seen": seen} if seen else {}) for split in splits},
        "by_decade": {split: [{"decade": "20-29", **SCORES}, {"decade": "90+", **few}] for split in splits},
        "by_group": {split: [{"column": "gender", "group": group, **SCORES}] if group else [] for split in splits},
    }
    if intervals:
        evaluate["calibration"] = {"coverage": 0.9, "photos": 371, "people": 370}
        rows = [row for of in ("by_decade", "by_group") for split in splits for row in evaluate[of][split]]
        for row in [*(evaluate[split] for split in splits), *rows]:
            row |= INTERVALS if row["n"] > 2 else {"coverage": 1.0, "coverage_n": 2, "interval_width": 40.0}
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
        "dataset": {"labels": labels, "images": str(Path(labels).parent / "final_files")}, "report": {"title": title},
        **{name: DEFAULTS[name] for name in ("prepare", "train")},
        "model": {**DEFAULTS["model"], "weights": "/home/jane/secret/weights.h5"},
    }
    (folder / "metrics").mkdir()
    (folder / "data/labels").mkdir(parents=True)
    for name, contents in metrics.items():
        (folder / f"metrics/{name}.json").write_text(json.dumps(contents))
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    pd.DataFrame(rejections, columns=["file_name", "real_age", "rule", "detail"]).to_csv(
        folder / "data/labels/rejected.csv", index=False
    )
    predictions = pd.DataFrame({
        "file_name": [HOSTILE, "b.jpg"], "photo": ["0", "1"], "split": "val", "real_age": [20.0, 30.0],
        "predicted_age": [71.5, 31.0],
    })
    predictions.to_csv(folder / "data/predictions.csv", index=False)
    for name, file in PICTURES.items():
        save(page(2, 2, name, ""), folder / "plots" / file)
    draw_worst(predictions, lambda row: np.zeros((8, 8, 3), "uint8"), folder / "plots/worst.png")
    history().to_csv(folder / "plots/training.csv", index=False)


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
    return (folder / "reports/index.html").read_text("utf-8"), (folder / "reports/model_card.md").read_text("utf-8")


class Page(HTMLParser):
    """The tags of a page, its text without styles, and whether every tag is closed in order."""

    VOID = {"meta", "img", "br"}

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self._open = [], "", []
        self.feed(html)
        assert self._open == []
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data


def test_page_and_card_tell_the_metrics_own_figures(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch)
    text = Page(html).text
    for figure in ("6.12", "5.43 to 6.99", "-0.57", "4.35", "8.23", "0.68", "31%", "52%", "83%", "7.46", "13.58"):
        assert figure in text and figure in card, figure
    assert "The model's error is 55% lower" in text
    assert re.search(r"20\.25\s*too few\s*\+20\.25", text)
    assert "| 20.25 | too few | +20.25 |" in card
    assert "0123456789abcdef" in text and "0123456789abcdef" in card


def test_page_needs_no_other_file_and_no_network(tmp_path, monkeypatch):
    html, _ = make(tmp_path, monkeypatch, group="f", intervals=True)
    tags = Page(html).tags
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in tags}
    sources = [attributes["src"] for tag, attributes in tags if tag == "img"]
    assert len(sources) == len(PICTURES) + 1
    for source in sources:
        assert base64.b64decode(source.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert all(attributes["href"].startswith("#") for tag, attributes in tags if tag == "a")
    assert not re.search(r"url\(|@import|https?://", html)


def test_links_lead_somewhere_and_pictures_say_what_they_show(tmp_path, monkeypatch):
    tags = Page(make(tmp_path, monkeypatch)[0]).tags
    places = {attributes["id"] for _, attributes in tags if "id" in attributes}
    assert {attributes["href"][1:] for tag, attributes in tags if tag == "a"} <= places
    assert all(attributes["alt"] for tag, attributes in tags if tag == "img")


def test_what_the_data_say_is_text_and_never_markup(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch, title="A <b>bold</b>\n# title", group=HOSTILE)
    page_ = Page(html)
    assert "script" not in {tag for tag, _ in page_.tags} and "b>bold" not in html
    assert page_.text.count(HOSTILE) >= 3
    assert "<script" not in card and "<b>" not in card
    assert card.startswith("# Model card: A &lt;b&gt;bold&lt;/b&gt; \\#&#8203; title\n")
    row = next(line for line in card.splitlines() if "script" in line and "6.12" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 6


def test_the_card_links_to_nobody_and_nothing_that_the_data_name(tmp_path, monkeypatch):
    title = "@team #12 https://a.example www.a.example a@b.example $x$ \u202egnp"
    _, card = make(tmp_path, monkeypatch, title=title, group="@admin")
    links = r"@\w|#\d|://|\bwww\.|(?<!\\)\$|\u202e"  # as Git hosts find them
    assert re.search(links, title) and not re.search(links, unescape(card))
    assert unescape(card.splitlines()[0]).replace("\u200b", "").replace("\\", "") == (
        "# Model card: @team #12 https://a.example www.a.example a@b.example $x$ u202egnp"
    )
    assert "| @&#8203;admin |" in card


def test_a_rejected_name_that_is_a_formula_is_shown_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path)
    row = {"file_name": "=1+1.jpg", "real_age": "-1", "rule": "missing_photo", "detail": "add it"}
    names = pd.DataFrame([row])
    write_listing(tmp_path / "data/labels/rejected.csv", names)
    report()
    text = Page((tmp_path / "reports/index.html").read_text("utf-8")).text
    assert "=1+1.jpg" in text and "'=1+1.jpg" not in text


def test_synthetic_faces_are_named_so_and_real_ones_are_not(tmp_path, monkeypatch):
    html, card = make(tmp_path / "sample", monkeypatch)
    assert "Synthetic faces" in html and "Synthetic faces" in card and "2.39" in html
    html, card = make(tmp_path / "own", monkeypatch, labels="/home/jane/faces/labels.csv")
    assert "ynthetic" not in html and "ynthetic" not in card and "2.39" not in html


def test_no_test_split_no_rejections_no_groups(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch, test=False, rejected=False)
    text = Page(html).text
    assert "There is no test split" in text and "There is no test split" in card
    assert "None: every row has its own readable photo" in text
    assert "By gender" not in text and "By gender" not in card
    assert "numbers of photos by group" not in html


def test_copies_set_aside_and_ages_that_nobody_judges_are_owned_up_to(tmp_path, monkeypatch):
    html, card = make(tmp_path / "some", monkeypatch, excluded=13)
    for text in (Page(html).text, card):
        assert "13 " in text and "excluded" in text and "80-89, 90+ years" in text
    html, card = make(tmp_path / "none", monkeypatch)
    assert "copies of" not in html and "near-duplicates" not in card and "training only" not in html + card


def test_photos_that_stand_out_and_groups_are_shown(tmp_path, monkeypatch):
    html, _ = make(tmp_path, monkeypatch, group="f")
    assert "17 of 200 photos" in Page(html).text and "numbers of photos by group" in html


def test_photos_without_a_face_or_with_several_are_counted(tmp_path, monkeypatch):
    counts = {"one_face": 1_190, "no_face": 1_234, "several_faces": 56}
    html, card = make(tmp_path, monkeypatch, faces=counts)
    for text in (Page(html).text, card):
        assert "56 photos show several faces. In 1,234 photos none was found" in text
    assert "cropped like the faces" not in html
    html, card = make(tmp_path / "whole", monkeypatch)
    assert "none was found" not in html + card and "cropped like the faces" in html


def test_a_training_of_two_devices_is_said_to_be_one(tmp_path, monkeypatch):
    _, card = make(tmp_path, monkeypatch, train={"earlier_devices": "AMD (2 threads) to epoch 3"})
    assert "The first epochs were trained on another device (AMD (2 threads) to epoch 3)" in card
    assert "another device" not in make(tmp_path / "one", monkeypatch)[1]


START = {"weights": "large|x.keras", "sha256": "ab" * 32, "head_taken": True, "data": {"data_version": "d" * 16},
         "learnt_photos": 4000}


def test_a_warm_start_is_told_and_figures_on_photos_that_it_has_seen_are_marked(tmp_path, monkeypatch):
    imagenet = {"weights": "imagenet", "sha256": "cd" * 32, "head_taken": None, "data": {}, "learnt_photos": None}
    html, card = make(tmp_path, monkeypatch, train={"started_from": [START, imagenet]}, seen=7)
    for text in (Page(html).text, card):
        assert "7 of 60 validation photos and 7 of 60 test photos: errors on them are too low" in text
        assert "photos that this training did not use" in text and "no list" not in text
    assert rf"| large\|x.keras | backbone and head | {'ab' * 32} | {'d' * 16} | 4,000 |" in card
    assert f"| imagenet | pretrained backbone | {'cd' * 32} | – | – |" in card
    html, card = make(tmp_path / "clean", monkeypatch, train={"started_from": [START]})
    assert "Contaminated" not in html + card and "were not used for training" in card
    html, card = make(tmp_path / "unknown", monkeypatch, train={"started_from": [START | {"learnt_photos": None}]})
    assert "no list of the photos that it learnt from: some of the photos that judge" in Page(html).text


@pytest.mark.parametrize("keep", ["best", "last"])
def test_only_a_chosen_epoch_is_said_to_flatter(tmp_path, monkeypatch, keep):
    monkeypatch.setitem(DEFAULTS, "train", {**DEFAULTS["train"], "keep": keep})
    assert ("figures are optimistic" in make(tmp_path, monkeypatch)[1]) == (keep == "best")


def test_rejected_rows_are_counted_and_listed(tmp_path, monkeypatch):
    text = Page(make(tmp_path, monkeypatch)[0]).text
    assert "missing photo" in text and "no such file: add it" in text
    assert "010" in text and "twenty" in text and "unlabelled photo" in text
    assert "unsafe path" not in text


def test_same_inputs_give_same_bytes_without_folders_or_names_of_the_machine(tmp_path, monkeypatch):
    first, second = (make(tmp_path / name, monkeypatch) for name in ("one", "two"))
    assert first == second
    for text in first:
        assert "/home/jane" not in text and str(tmp_path) not in text


def test_card_has_whole_tables(tmp_path, monkeypatch):
    _, card = make(tmp_path, monkeypatch, group="f")
    for table in re.findall(r"(?:^\|.*\n)+", card, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table
        assert re.match(r"^\|.*\n\|[-:|]+\|\n\|", table), table


@pytest.mark.parametrize("first", [7.8, 40.0])
def test_learning_curve_shows_all_but_a_wild_first_epoch(first):
    low, high = draw_training(history(first), 2).axes[0].get_ylim()
    assert low == 0 and 9 < high < 15


def test_learning_curve_of_one_epoch():
    assert draw_training(history().head(1), 1).axes[0].get_ylim()[1] > 40


def test_recipe_names_files_without_their_folders():
    recipe = flatten_recipe({"model": {"weights": "/a/b/c.h5", "dropout": 0.5}, "train": {"augment": {"flip": True}}})
    assert recipe == {"model.weights": "c.h5", "model.dropout": "0.5", "train.augment.flip": "true"}


def test_intervals_are_told_in_words_with_the_measured_coverage(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch, intervals=True, group="f")
    text = Page(html).text
    assert "meant to hold the real age of 90% of photos like these" in text and "90% of photos like these" in card
    assert "In validation it held 92% [89%, 94%] of 546 real ages, and was 22.1 years wide" in text
    assert "371 other validation photos, of 370 people, calibrated the intervals" in text
    assert "| validation | 546 | 92% \\[89%, 94%\\] | 22.1 years |" in card
    assert "| 90+ | 2 | 100% \\[too few\\] | 40.0 years |" in card and "100% [too few]" in text


def test_a_model_without_intervals_says_so(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch)
    assert "The model gives no intervals" in Page(html).text and "The model gives no intervals" in card
