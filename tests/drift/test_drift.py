"""`realage watch`: photos of the same kind raise no alarm, others do, and the alarm names what has changed."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import browser
from conftest import assert_one_line_error, needs_browser, run_realage
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import get_data_path
from PIL import Image, ImageFilter
from scipy.stats import chi2_contingency
from small_network import PREPARE, light_meter, tiny_model

from realage.core.errors import UserError
from realage.drift import comparison
from realage.drift.command import DRIFTED, watch
from realage.drift.comparison import ALPHA, compare_counts
from realage.drift.findings import LEAST_NEW, Finding, find_changes
from realage.export.convert import export_model
from realage.photos.decode import load_photo
from realage.photos.framing import frame_photo
from realage.photos.likeness import AGE, FAMILIARITY, Seen, TrainingSummary, look_at, summarize
from synthetic.sample import SampleParams, write_sample

FRAMED = PREPARE.model_copy(update={"image_size": 96})
HOPPER = Path(get_data_path()) / "sample_data/grace_hopper.jpg"


class Sample:
    """Synthetic portraits with their real ages, as if a model without errors had predicted them."""

    def __init__(self, folder: Path) -> None:
        write_sample(folder, SampleParams(photos=320, label_noise=0.0, seed=5))
        rows = pd.read_csv(folder / "labels.csv")
        rows["real_age"] = pd.to_numeric(rows["real_age"], errors="coerce")
        rows = rows[rows["real_age"].between(0, 100)].drop_duplicates("file_name")
        found = {}
        for row in rows.itertuples():
            try:
                found[row.real_age, row.file_name] = load_photo(folder / "final_files" / row.file_name)
            except Exception:
                continue  # it is broken on purpose
        self.ages = np.array([age for age, _ in found])
        self.photos = list(found.values())
        self.looks = [self.look(pixels) for pixels in self.photos]
        self.summary: TrainingSummary = summarize(self.looks, {AGE: self.ages})

    def look(self, pixels: np.ndarray, change: Callable[[Image.Image], Image.Image] = lambda image: image) -> Seen:
        framed = frame_photo(np.array(change(Image.fromarray(pixels))), FRAMED)
        return look_at(framed.pixels, FRAMED, framed.eye_distance)


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Sample:
    return Sample(tmp_path_factory.mktemp("sample"))


def drifted(findings: list[Finding]) -> dict[str, str]:
    return {finding.measure: finding.change for finding in findings if finding.drift}


def test_photos_of_the_training_seldom_raise_an_alarm(sample, monkeypatch):
    monkeypatch.setattr(comparison, "DRAWS", 2_000)
    random, alarms = np.random.default_rng(3), 0
    for _ in range(200):
        drawn = random.integers(0, len(sample.looks), 120)
        findings = find_changes(sample.summary, [sample.looks[n] for n in drawn], {AGE: sample.ages[drawn]})
        assert len(findings) >= 5
        alarms += bool(drifted(findings))
    assert alarms <= 10


def darker(image: Image.Image) -> Image.Image:
    return image.point(lambda value: value * 0.6)


def with_margin(image: Image.Image) -> Image.Image:
    side = image.width
    wider = Image.new("RGB", (side * 3 // 2,) * 2, image.getpixel((1, 1)))
    wider.paste(image, (side // 4, side // 4))
    return wider


@pytest.mark.parametrize("change, measure, word", [
    (darker, "brightness", "darker"),
    (lambda image: image.filter(ImageFilter.GaussianBlur(2)), "sharpness", "blurred"),
    (lambda image: image.point(lambda value: 128 + (value - 128) * 0.6), "contrast", "less contrast"),
])  # fmt: skip
def test_changed_photos_raise_an_alarm_that_names_the_change(sample, change, measure, word):
    looks = [sample.look(pixels, change) for pixels in sample.photos[:120]]
    assert drifted(find_changes(sample.summary, looks, {AGE: sample.ages[:120]}))[measure] == word


def test_another_margin_is_seen_in_photos_of_faces(tmp_path):
    """Faces of one person at many sizes; drawn portraits have no face for the detector."""
    hopper, random = Image.open(HOPPER).convert("RGB"), np.random.default_rng(2)

    def views(least: float, most: float) -> list[Seen]:
        found = []
        for half in random.uniform(least, most, 110):
            crop = hopper.crop((round(265 - half), round(170 - half), round(265 + half), round(170 + half)))
            framed = frame_photo(np.array(crop), FRAMED)
            found.append(look_at(framed.pixels, FRAMED, None))
        return found

    summary = summarize(views(110, 150))
    assert drifted(find_changes(summary, views(110, 150), {})) == {}
    assert drifted(find_changes(summary, views(165, 170), {}))["eye_distance"] == "faces smaller in the frame"


def test_only_children_are_younger_people(sample):
    children = [place for place, age in enumerate(sample.ages) if age < 18]
    assert len(children) >= LEAST_NEW
    found = drifted(find_changes(sample.summary, [sample.looks[n] for n in children], {AGE: sample.ages[children]}))
    assert found["age"] == "younger people"


def test_photos_without_faces_are_named():
    usual = [Seen(100 + n % 50, 50 + n % 7, 9 + n % 5, 0.3 + n % 9 / 100, 50 + n % 30) for n in range(300)]
    faceless = [seen._replace(eye_distance=np.nan, face_pixels=np.nan) for seen in usual[:200]]
    found = drifted(find_changes(summarize(usual), [*faceless, *usual[200:]], {}))
    assert found["faces"] == "more photos without a face"


def test_photos_that_the_network_knows_less_well_are_named():
    usual = [Seen(100 + n % 50, 50 + n % 7, 9 + n % 5, 0.3, 50) for n in range(300)]
    familiar = np.random.default_rng(1).normal(20, 3, 300)
    summary = summarize(usual, {FAMILIARITY: familiar})
    assert drifted(find_changes(summary, usual, {FAMILIARITY: familiar[::-1]})) == {}
    found = drifted(find_changes(summary, usual, {FAMILIARITY: familiar - 3}))
    assert found == {"familiarity": "less familiar to the network"}


COUNTS = st.lists(st.integers(0, 400), min_size=4, max_size=8)


@given(COUNTS.filter(any), st.randoms())
def test_a_sample_that_is_like_the_other_has_not_changed(counts, random):
    change = compare_counts(np.array(counts), np.array(counts) * 3)
    assert change.psi < 0.1 * len(counts) and change.p > 0.9


def test_the_p_value_is_that_of_the_chi_square_test_where_that_one_is_exact():
    training, new = np.array([500, 800, 700]), np.array([130, 170, 200])
    expected = chi2_contingency(np.array([training, new]), correction=False)
    assert 0.01 < expected.pvalue < 0.2
    assert compare_counts(training, new).p == pytest.approx(expected.pvalue, abs=0.01)


def test_a_large_change_may_be_chance_and_a_certain_one_small():
    few = compare_counts(np.array([5, 5]), np.array([2, 3]))
    assert not few.is_drift(1)
    certain = compare_counts(np.array([50_000, 50_000]), np.array([52_000, 48_000]))
    assert certain.p <= ALPHA and certain.psi < 0.01 and not certain.is_drift(1)
    both = compare_counts(np.array([5_000, 5_000]), np.array([900, 100]))
    assert both.is_drift(7)


@pytest.fixture
def project(workspace, sample) -> Path:
    """A model that knows the sample, and folders of photos: some of it, the same darkened, and too few."""
    light_meter(Path("light.keras"), prepare=FRAMED)
    tiny_model(Path("age.keras"), "regression", prepare=FRAMED, summary=sample.summary.model_copy(
        update={"measures": {name: each for name, each in sample.summary.measures.items() if name != "age"}}
    ))  # fmt: skip
    export_model(Path("age.keras"), Path("age.onnx"), "float32")
    for name, change, count in (("usual", lambda image: image, 60), ("dark", darker, 60), ("few", darker, 20)):
        Path(name).mkdir()
        for number, pixels in enumerate(sample.photos[:count]):
            change(Image.fromarray(pixels)).save(f"{name}/{number:03}.png")
    Path("dark/note.jpg").write_text("no photo")
    return workspace


def test_the_status_tells_a_scheduler_and_the_report_a_person(project, capsys):
    watch(["usual"], Path("age.onnx"))
    said = capsys.readouterr().out
    assert "60 photos, 0 without an age" in said and "\nno drift: in " in said
    done = run_realage(project, "watch", "dark", "--model", "age.onnx", "--json", "a.json", "--html", "a.html")
    assert done.returncode == DRIFTED and "drift: darker" in done.stdout and "Traceback" not in done.stderr
    report = json.loads(Path("a.json").read_text())
    assert (report["photos"], report["unusable"]) == (61, 1)
    brightness = next(finding for finding in report["findings"] if finding["measure"] == "brightness")
    assert brightness["drift"] and brightness["new"] < 0.8 * brightness["training"]
    assert sum(brightness["new_shares"]) == pytest.approx(1, abs=0.01)
    page = Path("a.html").read_text()
    assert "Drift: darker" in page and not re.search(r"(src|href)=", page)


def test_photos_without_an_age_are_drift_if_they_are_many(project, capsys):
    for number in range(7):
        Path(f"usual/bad{number}.jpg").write_text("no photo")
    with pytest.raises(SystemExit):
        watch(["usual"], Path("age.onnx"))
    assert "\ndrift: 7 of 67 photos have no age. Do not rely on" in capsys.readouterr().out
    Path("usual/bad0.jpg").unlink()
    watch(["usual", "usual/000.png"], Path("age.onnx"))
    assert "66 photos, 6 without an age" in capsys.readouterr().out


def test_the_report_is_printed_even_if_its_file_cannot_be_written(project, capsys):
    Path("file").write_text("")
    with pytest.raises(OSError):
        watch(["usual"], Path("age.onnx"), html_file=Path("file/a.html"))
    assert "\nno drift: in " in capsys.readouterr().out


def test_what_cannot_be_compared_is_one_line(project):
    assert_one_line_error(run_realage(project, "watch", "few", "--model", "age.onnx"), "20 with an age", "at least 30")
    for option, file in (("--json", "age.onnx"), ("--html", "a.json"), ("--json", "link.json")):
        Path("link.json").is_symlink() or Path("link.json").symlink_to("age.onnx")
        done = run_realage(project, "watch", "usual", "--model", "age.onnx", option, file)
        assert_one_line_error(done, f"{file}: ")
    assert_one_line_error(run_realage(project, "watch", "gone", "--model", "age.onnx"), "gone: no such photo or folder")
    with pytest.raises(UserError, match="does not know its training photos: it is of an earlier release"):
        watch(["usual"], Path("light.keras"))


@needs_browser
def test_the_page_fits_a_phone_and_asks_for_nothing(project, tmp_path):
    run_realage(project, "watch", "dark", "--model", "age.onnx", "--html", "a.html")
    with browser(tmp_path / "profile") as tab:
        for dark in (False, True):
            tab.open((project / "a.html").as_uri(), 360, dark)
            assert tab.run("document.documentElement.scrollWidth") <= 360
            assert tab.complaints() == [] and len(tab.requests()) == 1
