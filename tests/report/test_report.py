"""The report tells the metrics' own figures, needs no other file, and trusts nothing that the data say."""

import base64
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_report import DEFAULTS, GATES, HOSTILE, SCORES, history, make, write_project

from realage.core.errors import UserError
from realage.core.files import write_listing
from realage.photos.faces import Face
from realage.report import page as report_page
from realage.report import saliency
from realage.report.charts import mae_limit
from realage.report.page import flatten_recipe
from stages.report import SHEETS, report


class Page(HTMLParser):
    """The tags of a page, its text without styles, and whether every tag is closed in order."""

    VOID = {"meta", "img", "br"}
    UNSEEN = ("style", "script", "title")

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

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        if not set(self.UNSEEN) & set(self._open):
            self.text += data


def test_page_and_card_tell_the_metrics_own_figures(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch)
    text = Page(html).text
    for figure in ("6.12", "5.43 to 6.99", "-0.57", "4.35", "8.23", "0.68", "31%", "52%", "83%", "7.46", "13.58"):
        assert figure in text and figure in card, figure
    assert "Predictions are wrong by 6.12 years on average (95% interval 5.43 to 6.99)." in text
    assert "The model's error is 55% lower than that of always predicting" in text
    assert re.search(r"20\.25\s*too few\s*\+20\.25", text)
    assert "| 20.25 | too few | +20.25 |" in card
    assert "0123456789abcdef" in text and "0123456789abcdef" in card


def test_page_needs_no_other_file_and_no_network(tmp_path, monkeypatch):
    html, _ = make(tmp_path, monkeypatch, group="f")
    tags = Page(html).tags
    assert not {"link", "iframe", "object"} & {tag for tag, _ in tags}
    assert [attributes for tag, attributes in tags if tag == "script"] == [{}]
    sources = [attributes["src"] for tag, attributes in tags if tag == "img"]
    assert len(sources) == len(SHEETS) + 2 + 2 * 2 + 1  # largest errors, photos with and without maps, thumbnails
    for source in sources:
        assert base64.b64decode(source.removeprefix("data:image/jpeg;base64,")).startswith(b"\xff\xd8")
    assert all(attributes["href"].startswith("#") for tag, attributes in tags if tag == "a")
    assert not re.search(r"url\(|@import|https?://", html)


def test_without_photos_no_face_is_in_the_page(tmp_path, monkeypatch):
    html, _ = make(tmp_path, monkeypatch, photos=False)
    assert "data:image" not in html and "img" not in {tag for tag, _ in Page(html).tags}
    assert "The faces are left out" in Page(html).text and "data-photo=" not in html
    assert html.count("b.jpg") == 1  # in the table of the largest errors; dots have no names


def test_what_ages_come_from_is_shown_over_the_photo_and_told_in_words(tmp_path, monkeypatch):
    html, _ = make(tmp_path / "shown", monkeypatch)
    page, alts = Page(html), [attributes.get("alt", "") for tag, attributes in Page(html).tags if tag == "img"]
    assert "The age moves: not most. Each photo has its own scale" in page.text
    assert "Photo 1 with its map; the age moves by 6.0 years at most (lower right)" in alts
    assert "Photo 2 with its map; no region moves the age" in alts
    assert "30, predicted 31; moves by up to 6.0 years" in page.text
    assert "1, best: 30, predicted 31.0 6.0 lower right – –" in text_of(html)
    assert "How much these ages depend on the face is unknown" in page.text  # the photos are noise

    monkeypatch.setattr(saliency, "find_faces", lambda photo: [Face((32.0, 32.0, 64.0, 64.0), (), 1.0)])
    text = text_of(make(tmp_path / "faces", monkeypatch, photos=False)[0])
    assert "1, best: 30, predicted 31.0 6.0 lower right 100% 25%" in text and "2 photos with a face" not in text
    assert "Each photo has its own scale" not in text


def test_a_map_colours_the_region_that_moves_the_age_on_a_grey_photo():
    photo, moves = np.full((64, 64, 3), (90, 120, 150), np.uint8), np.zeros((8, 8))
    moves[0, 0] = 3.0
    drawn = saliency.tint(photo, moves)
    red, green, blue = drawn[0, 0].astype(int)
    assert red > 180 and red > green > blue and set(drawn[40, 40]) == {120}
    assert np.array_equal(saliency.tint(photo, moves / 10), drawn), "where, and not how much"
    assert set(saliency.tint(photo, 0 * moves).ravel()) == {120}


def test_a_page_that_is_too_large_has_smaller_photos_and_says_when_that_is_not_enough(tmp_path, monkeypatch):
    html, _ = make(tmp_path / "large", monkeypatch)
    monkeypatch.setattr(report_page, "LARGEST", len(html) - 5_000)
    smaller, _ = make(tmp_path / "small", monkeypatch)
    assert len(smaller) <= len(html) - 5_000 and Page(smaller).text == Page(html).text
    monkeypatch.setattr(report_page, "LARGEST", 5_000)
    with pytest.raises(UserError, match="set report.photos to false"):
        make(tmp_path / "none", monkeypatch)


def test_a_page_of_many_dots_and_large_pictures_stays_below_5_mb(tmp_path, monkeypatch):
    noise = np.random.default_rng(1)
    make(tmp_path, monkeypatch)
    sheet = noise.integers(0, 256, (2600, 1700, 3), dtype="uint8")
    Image.fromarray(sheet).save(tmp_path / "plots" / SHEETS["contact_sheet"], compress_level=1)
    ages = noise.uniform(0, 90, (4_000, 2)).round(4)
    photos = pd.DataFrame({"file_name": "a/long/folder/name/photo.jpg", "photo": "0", "split": ["val", "test"] * 2_000,
                           "real_age": ages[:, 0], "predicted_age": ages[:, 1]})
    photos.to_csv(tmp_path / "data/predictions.csv", index=False)
    report()
    assert 1_500_000 < (tmp_path / "reports/index.html").stat().st_size <= 5_000_000


def test_links_lead_somewhere_and_pictures_say_what_they_show(tmp_path, monkeypatch):
    tags = Page(make(tmp_path, monkeypatch)[0]).tags
    places = {attributes["id"] for _, attributes in tags if "id" in attributes}
    assert {attributes["href"][1:] for tag, attributes in tags if tag == "a"} <= places
    assert all(attributes["alt"] for tag, attributes in tags if tag == "img" and attributes.get("id") != "thumbnails")


def test_what_the_data_say_is_text_and_never_markup(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch, title="A <b>bold</b>\n# title", group=HOSTILE)
    page_ = Page(html)
    assert [tag for tag, _ in page_.tags].count("script") == 1 and "b>bold" not in html
    assert html.count("<script") == 1 and html.count("</script") == 1
    assert page_.text.count(HOSTILE) >= 3
    assert "<script" not in card and "<b>" not in card
    assert "\n---\n\n# Model card: A &lt;b&gt;bold&lt;/b&gt; \\#&#8203; title\n" in card
    row = next(line for line in card.splitlines() if "script" in line and "6.12" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 6


def test_the_card_links_to_nobody_and_nothing_that_the_data_name(tmp_path, monkeypatch):
    title = "@team #12 https://a.example www.a.example a@b.example $x$ \u202egnp"
    _, card = make(tmp_path, monkeypatch, title=title, group="@admin")
    links = r"@\w|#\d|://|\bwww\.|(?<!\\)\$|\u202e"  # as Git hosts find them
    assert re.search(links, title) and not re.search(links, unescape(card))
    heading = next(line for line in card.splitlines() if line.startswith("# "))
    assert unescape(heading).replace("\u200b", "").replace("\\", "") == (
        "# Model card: @team #12 https://a.example www.a.example a@b.example $x$ u202egnp"
    )
    assert "| @&#8203;admin |" in card


def test_the_card_says_what_the_team_states_and_what_it_does_not(tmp_path, monkeypatch):
    _, card = make(tmp_path / "nothing", monkeypatch)
    assert card.startswith("---\nlicense: unknown\n") and "| owner | not stated: set report.card.owner |" in card
    _, card = make(tmp_path / "all", monkeypatch, card={"owner": "The | team\n---\n# of <b>", "licence": "mit"})
    assert card.startswith("---\nlicense: mit\n") and "| owner | The \\| team --- \\#&#8203; of &lt;b&gt; |\n" in card


def test_the_bill_of_materials_is_of_the_model_file_and_the_pins(tmp_path, monkeypatch):
    make(tmp_path, monkeypatch)
    bom = json.loads((tmp_path / "reports/ml_bom.cdx.json").read_text("utf-8"))
    (digest,) = bom["metadata"]["component"]["hashes"]
    assert digest == {"alg": "SHA-256", "content": hashlib.sha256(b"a model").hexdigest()}
    assert [part["name"] for part in bom["components"]] == ["synthetic sample of realage", "keras"]


def test_a_rejected_name_that_is_a_formula_is_shown_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path)
    row = {"file_name": "=1+1.jpg", "real_age": "-1", "rule": "missing_photo", "detail": "add it"}
    names = pd.DataFrame([row])
    write_listing(tmp_path / "data/labels/rejected.csv", names)
    report()
    text = Page((tmp_path / "reports/index.html").read_text("utf-8")).text
    assert "=1+1.jpg" in text and "'=1+1.jpg" not in text


def text_of(html):
    """The text of a page, with a space between the cells of its tables."""
    return Page(re.sub("<t[dh]", r" \g<0>", html)).text


def test_gates_are_told_with_intervals_and_too_few_people_in_words(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch)
    text = text_of(html)
    assert "18 / 25 validation 5.0% [3.1%, 7.8%] of 1,343 17.3% [14.8%, 20.1%] of 797" in text
    assert "13 / 20 test too few of 7 2.0% [1.5%, 2.5%] of 2,133" in text
    assert "| 18 | 25 | 1,343 | 5.0% [3.1%, 7.8%] | 797 | 17.3% [14.8%, 20.1%] |".replace("[", r"\[").replace(
        "]", r"\]") in card
    assert "| 13 | 20 | 7 | too few | 2,133 |" in card
    assert "In test, 2 of the 1,343 photos of people younger than 18 show people of 16 or 17." in text
    assert text.index("By single year of age") < text.index("Age gates At a gate")


def test_no_threshold_no_gates(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch, gates=None)
    assert "gate" not in Page(html).text.lower() and "gate" not in card.lower()


def rows_of(groups, column="gender", **more):
    return [{"column": column, "group": group, **SCORES, "n": photos, **more} for group, photos in groups.items()]


def test_the_largest_gap_is_told_with_its_groups_or_that_there_are_too_few(tmp_path, monkeypatch):
    gap = {"groups": 3, "worst": HOSTILE, "best": "m", "mae": 1.18, "mae_ci95_lo": 0.07, "mae_ci95_hi": 2.28}
    groups = rows_of({"f": 9, "m": 8, HOSTILE: 7})
    html, card = make(tmp_path / "gap", monkeypatch, by_group=groups, gap={"gender": gap})
    gap_in_words = f"1.18 years (95% interval 0.07 to 2.28; {HOSTILE} against m, the farthest apart of 3 groups"
    assert gap_in_words in Page(html).text
    assert "between two groups: 1.18 years (95% interval 0.07 to 2.28), " in card and "<script" not in card
    html, card = make(tmp_path / "few", monkeypatch, by_group=rows_of({"f": 9, "m": 8}))
    assert "validation too few (it takes two groups of 30 people); test too few" in Page(html).text
    assert "between two groups: too few" in card


def test_a_column_of_500_values_is_listed_by_its_largest_groups(tmp_path, monkeypatch):
    groups = {f"camera {number:03}": 1 + number for number in range(500)}
    html, card = make(tmp_path, monkeypatch, by_group=rows_of(groups, "camera"))
    text = Page(html).text
    assert "camera 499" in text and "camera 470" in text and "camera 469" not in text and "camera 469" not in card
    assert "470 others are in metrics/evaluate.json" in text and "470 smaller groups" in card
    assert len(html) < 3_000_000


def test_a_column_without_values_is_told_to_have_none(tmp_path, monkeypatch):
    html, _ = make(tmp_path, monkeypatch, by_group=rows_of({"(none)": 60}))
    assert "No photo has a value in this column." in Page(html).text and "Largest difference" not in html


def test_gates_of_groups_and_crossed_groups_are_shown_where_there_are_people_enough(tmp_path, monkeypatch):
    groups = rows_of({"f": 60}, gate={"18": GATES["18"]}) + rows_of({"m": 5})
    crossing = rows_of({"f x day": 40}, "gender x light")
    html, _ = make(tmp_path, monkeypatch, by_group=groups, by_crossing=crossing)
    text = text_of(html)
    assert "By gender x light Only where at least 30 people" in text and "f x day 40 6.12" in text
    gates = text[text.index("Age gates At a gate"):]
    assert gates.count("f 18 / 25 validation 5.0% [3.1%, 7.8%] of 1,343") == 1
    assert "f 13 / 20 test too few too few" in gates
    assert "m 18" not in gates


def test_errors_by_what_the_face_detector_found_are_shown(tmp_path, monkeypatch):
    found = rows_of({"none": 31, "one": 500}, "faces found") + rows_of({"(none)": 31, "40 to 79": 500}, "eye distance")
    html, _ = make(tmp_path / "found", monkeypatch, by_face=found)
    text = text_of(html)
    assert "By faces found What the face detector found" in text and "none 31 6.12" in text
    assert "By eye distance What the face detector found in the original photo. (none): no face." in text
    html, _ = make(tmp_path / "unsought", monkeypatch)
    assert "face detector" not in html


def test_synthetic_faces_are_named_so_and_real_ones_are_not(tmp_path, monkeypatch):
    html, card = make(tmp_path / "sample", monkeypatch)
    assert "Synthetic faces" in html and "Synthetic faces" in card and "2.39" in html
    html, card = make(tmp_path / "own", monkeypatch, labels="/home/jane/faces/labels.csv")
    assert "ynthetic faces" not in html and "ynthetic" not in card and "2.39" not in Page(html).text


def test_no_test_split_no_rejections_no_groups(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch, test=False, rejected=False)
    text = Page(html).text
    assert "There is no test split" in text and "There is no test split" in card
    assert "None: every row has its own readable photo" in text
    assert "by gender" not in text and "By gender" not in card


def test_one_photo_and_one_epoch_make_a_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path, test=False)
    for table in ("data/predictions.csv", "plots/training.csv", "plots/eda/ages.csv", "plots/eda/decades.csv"):
        pd.read_csv(tmp_path / table, dtype=str).head(1).to_csv(tmp_path / table, index=False)
    report()
    html = (tmp_path / "reports/index.html").read_text("utf-8")
    assert html.count("real age 20\npredicted 71.5") == 2 and "nan" not in Page(html).text
    assert not re.search(r'"[^"]*\b(nan|inf)\b%?"', html)


def test_copies_set_aside_and_ages_that_nobody_judges_are_owned_up_to(tmp_path, monkeypatch):
    html, card = make(tmp_path / "some", monkeypatch, excluded=13)
    for text in (Page(html).text, card):
        assert "13 " in text and "80-89, 90+ years" in text
    assert "13 more are copies of validation or test photos, and are not used." in Page(html).text
    html, card = make(tmp_path / "none", monkeypatch)
    assert "copies of" not in html and "near-duplicates" not in card and "training only" not in html + card


def test_photos_that_stand_out_and_groups_are_shown(tmp_path, monkeypatch):
    html, _ = make(tmp_path, monkeypatch, group="f")
    text = Page(html).text
    assert "17 of 200 photos" in text and "Ages by gender" in text and "Error by gender" in text


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
    assert "They are contaminated: see the note above." in Page(html).text
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
    assert 9 < mae_limit(history(first)) < 15


def test_learning_curve_of_one_epoch():
    assert mae_limit(history().head(1)) > 40


def test_recipe_names_files_without_their_folders():
    recipe = flatten_recipe({"model": {"weights": "/a/b/c.h5", "dropout": 0.5}, "train": {"augment": {"flip": True}}})
    assert recipe == {"model.weights": "c.h5", "model.dropout": "0.5", "train.augment.flip": "true"}


def test_intervals_are_told_in_words_with_the_measured_coverage(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch, group="f")
    text = Page(html).text
    assert "meant to hold the real age of 90% of photos like these" in text and "90% of photos like these" in card
    assert "In validation it held 92% [89%, 94%] of 546 real ages, and was 22.1 years wide" in text
    assert "an interval, 22 years wide on average. It holds the real age of 92% of the photos; the aim is 90%." in text
    assert "calibrated on 371 other validation photos, of 370 people" in text
    assert "| validation | 546 | 92% \\[89%, 94%\\] | 22.1 years |" in card
    assert "| 90+ | 2 | 100% \\[too few\\] | 40.0 years |" in card and "100% [too few]" in text


def test_a_model_without_intervals_says_so(tmp_path, monkeypatch):
    html, card = make(tmp_path, monkeypatch, intervals=False)
    assert "The model gives no intervals" in Page(html).text and "The model gives no intervals" in card


def test_repeatability_is_told_as_synthetic_with_the_photos_that_change_most(tmp_path, monkeypatch):
    text = Page(make(tmp_path, monkeypatch)[0]).text
    section = text[text.index("How much the predicted age changes"):]
    assert "synthetic" in section and "by 1.73 [1.41, 2.09] years" in section and "60 prepared" in section
    assert re.search(r"rotation 10°\s*1\.73 \[1\.41, 2\.09\]\s*5\.43\s*\+0\.46 \[-0\.01, \+0\.92\]", section)
    assert re.search(r"blur\s*7\.78 \[too few\]\s*7\.78\s*-0\.33 \[too few\]", section)
    assert re.search(re.escape(HOSTILE) + r"\s*000000000000\s*blur\s*71\.5\s*60\.2", section)


def test_without_repeatability_the_page_has_no_section_and_no_link_to_it(tmp_path, monkeypatch):
    html, _ = make(tmp_path, monkeypatch, repeatability=False)
    assert "repeatability" not in html.lower()
