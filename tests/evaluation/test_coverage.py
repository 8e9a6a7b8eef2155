"""Measures of intervals, by hand, and only on photos that did not calibrate them."""

import numpy as np
import pandas as pd
import pytest

from realage.charts import to_png
from realage.evaluation.charts import COVERAGE, draw_coverage, draw_intervals, draw_risk, tabulate_breakdown
from realage.evaluation.coverage import add_coverage, judging, score_intervals
from realage.evaluation.intervals import mean_interval, share_interval
from realage.evaluation.metrics import score_groups
from realage.evaluation.risk import FEWEST, score_risk, tabulate_risk
from realage.splits.ages import decade, decade_label


def table(count: int = 200, seed: int = 1) -> pd.DataFrame:
    """Held-out photos whose errors and intervals grow alike; every second validation photo calibrates."""
    random = np.random.default_rng(seed)
    real, half = random.uniform(0, 80, count), random.uniform(1, 20, count)
    predicted = real + half * random.uniform(-1.1, 1.1, count)
    split = np.where(np.arange(count) < count * 3 // 4, "val", "test")
    part = np.where((split == "val") & (np.arange(count) % 2 == 0), "calibrating", "judging")
    return pd.DataFrame({
        "photo": [str(number) for number in range(count)], "person": range(1, count + 1), "split": split,
        "real_age": real, "predicted_age": predicted, "interval_part": part,
        "predicted_lo": predicted - half, "predicted_hi": predicted + half,
    })  # fmt: skip


def metrics_of(rows: pd.DataFrame) -> dict:
    """What stage evaluate has before the intervals are added."""
    metrics: dict = {"calibration": {"coverage": 0.9, "photos": 75, "people": 75}, "by_decade": {}}
    metrics |= {"by_group": {}, "by_crossing": {}}
    for split, part in rows.groupby("split"):
        columns = (part["real_age"].to_numpy(), part["predicted_age"].to_numpy())
        found = score_groups(*columns, decade(columns[0]), part["person"].to_numpy())
        metrics[split] = {"mae": 5.0}
        metrics["by_decade"][split] = [{"decade": decade_label(start), **scores} for start, scores in found]
        metrics["by_group"][split] = [{"column": "gender", "group": group} for group in ("f", "m", "x")]
        metrics["by_crossing"][split] = [{"column": "gender x glasses", "group": "f x yes"}]
    return metrics


def test_coverage_and_width_by_hand():
    rows = pd.DataFrame({
        "person": range(4), "real_age": [20.0, 30, 40, 50], "predicted_lo": [20.0, 31, 10, 0],
        "predicted_hi": [21.0, 40, 40, 49.9],
    })  # fmt: skip
    assert score_intervals(rows) == {
        "coverage": 0.5, "coverage_n": 4, "interval_width": pytest.approx((1 + 9 + 30 + 49.9) / 4)
    }
    assert score_intervals(rows.iloc[:0]) == {}


def test_the_interval_of_the_coverage_is_over_people_and_there_is_none_for_few():
    rows = table(80).assign(person=lambda rows: np.arange(len(rows)) // 2)
    found, hits = score_intervals(rows), rows["real_age"].between(rows["predicted_lo"], rows["predicted_hi"])
    assert (found["coverage_ci95_lo"], found["coverage_ci95_hi"]) == share_interval(hits.to_numpy(), rows["person"])
    assert "coverage_ci95_lo" not in score_intervals(rows.iloc[:50])


def test_photos_that_calibrated_do_not_judge():
    rows = table()
    metrics, gender = metrics_of(rows), pd.Series(np.where(np.arange(200) % 4 < 2, "f", "m"))
    groups = {"gender": gender, "glasses": pd.Series(np.where(np.arange(200) % 8 < 4, "yes", "no"))}
    add_coverage(metrics, rows, groups)
    altered = rows.copy()
    altered.loc[altered["interval_part"] == "calibrating", ["predicted_lo", "predicted_hi"]] = [0, 150]
    other = metrics_of(rows)
    add_coverage(other, altered, groups)
    assert metrics == other
    assert metrics["val"]["coverage_n"] == 75 and metrics["test"]["coverage_n"] == 50
    for split, of in (("val", 75), ("test", 50)):
        assert sum(row.get("coverage_n", 0) for row in metrics["by_decade"][split]) == of
        assert [row.get("coverage_n", 0) for row in metrics["by_group"][split]][2] == 0
        assert sum(row.get("coverage_n", 0) for row in metrics["by_group"][split]) == of
        judged = rows[(rows["split"] == split) & (rows["interval_part"] == "judging")].index
        both = judged[judged % 8 < 2]  # women with glasses
        assert metrics["by_crossing"][split][0]["coverage_n"] == len(both)
        assert metrics["by_crossing"][split][0]["coverage"] == score_intervals(rows.loc[both])["coverage"]


def test_without_a_calibration_nothing_is_added():
    rows = table().drop(columns=["predicted_lo", "predicted_hi", "interval_part"])
    metrics = metrics_of(rows)
    add_coverage(metrics, rows, {})
    assert metrics == metrics_of(rows) and judging(rows).empty


def test_the_risk_coverage_curve_and_its_area_by_hand():
    """Widths 2, 4, 4, 8 and errors 1, 2, 6, 7: the two of one width count 4 each, so 1, 2.5, 3, 4; mean 2.625."""
    rows = pd.DataFrame({
        "person": range(4), "split": "val", "real_age": 50.0, "predicted_age": [49.0, 52, 44, 57],
        "predicted_lo": [48.0, 50, 42, 53], "predicted_hi": [50.0, 54, 46, 61], "interval_part": "judging",
    })  # fmt: skip
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        metrics = metrics_of(rows)
        metrics |= {"by_group": {"val": []}, "by_crossing": {"val": []}}
        add_coverage(metrics, rows.iloc[order], {})
        assert metrics["val"]["aurc"] == pytest.approx((1 + 2.5 + 3 + 4) / 4)
        assert "aurc_ci95_lo" not in metrics["val"]


def test_the_curve_ends_at_the_mae_of_all_and_leaves_out_what_few_photos_say():
    rows = table()
    curve = tabulate_risk(judging(rows))
    for split, part in judging(rows).groupby("split"):
        error = (part["predicted_age"] - part["real_age"]).abs()
        assert curve[split].iloc[-1] == pytest.approx(error.mean())
        assert curve[split].isna().sum() == sum(np.ceil(curve["share"] * len(part) - 1e-9) < FEWEST)
        surest = error[(part["predicted_hi"] - part["predicted_lo"]).sort_values().index[: -(-len(part) // 2)]]
        assert curve[split][curve["share"] == 0.5].iloc[0] == pytest.approx(surest.mean())
        assert surest.mean() < error.mean()


@pytest.mark.parametrize("splits", [["val", "test"], ["val"]])
def test_the_charts_show_what_the_tables_have(tmp_path, splits):
    rows = table(400)
    rows = rows[rows["split"].isin(splits)]
    metrics = metrics_of(rows)
    metrics |= {name: {split: [] for split in splits} for name in ("by_group", "by_crossing")}
    add_coverage(metrics, rows, {})
    draw_intervals(rows, metrics, tmp_path)
    coverage, risk = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("coverage", "risk_coverage"))
    assert list(risk.columns) == ["share", *[split for split in ("test", "val") if split in splits][::-1]]
    for split in splits:
        expected = {row["decade"]: row["coverage"] for row in metrics["by_decade"][split]}
        assert dict(zip(coverage["decade"], coverage[f"{split}_coverage"])) == pytest.approx(expected, abs=1e-5)
    again = tabulate_breakdown(metrics["by_decade"], "decade", COVERAGE)
    assert to_png(draw_coverage(again, metrics)) == (tmp_path / "coverage.png").read_bytes()
    assert to_png(draw_risk(tabulate_risk(judging(rows)), metrics)) == (tmp_path / "risk_coverage.png").read_bytes()


@pytest.mark.parametrize("few", [0, 1])
def test_a_model_without_intervals_and_one_judged_by_one_photo_have_their_files_too(tmp_path, few):
    rows = table().drop(columns=["predicted_lo", "predicted_hi", "interval_part"])
    metrics = metrics_of(rows)
    if few:
        rows = table().iloc[1:2]
        metrics = metrics_of(rows)
        metrics |= {"by_group": {"val": []}, "by_crossing": {"val": []}}
        add_coverage(metrics, rows, {})
    else:
        del metrics["calibration"]
    draw_intervals(rows, metrics, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "coverage.csv", "coverage.png", "risk_coverage.csv", "risk_coverage.png"
    ]


def test_all_intervals_alike_are_no_reason_to_prefer_a_photo():
    rows = table().assign(predicted_lo=0.0, predicted_hi=90.0)
    curve = tabulate_risk(judging(rows))["val"].dropna()
    assert curve.to_numpy() == pytest.approx(curve.iloc[-1]) and len(curve) > 50


def alike(random: np.random.Generator, people: int, photos: int) -> pd.DataFrame:
    """Photos that judge, some of each person, whose errors and widths are those of the person by half."""
    person, spread = np.arange(people).repeat(photos), random.uniform(1, 4, people).repeat(photos)
    error = spread * (random.normal(0, 2, people).repeat(photos) + random.normal(0, 2, people * photos))
    half = spread * random.uniform(0.8, 1.2, people * photos)
    return pd.DataFrame({"person": person, "real_age": 40.0, "predicted_age": 40 + error,
                         "predicted_lo": 40 - half, "predicted_hi": 40 + half})  # fmt: skip


def test_the_interval_of_the_area_is_that_of_the_jackknife():
    rows = alike(np.random.default_rng(1), 50, 1)
    area = score_risk(rows)["aurc"]
    values = [50 * area - 49 * score_risk(rows.drop(photo))["aurc"] for photo in rows.index]
    expected = mean_interval(np.array(values), np.arange(50))
    assert [score_risk(rows)[f"aurc_ci95_{end}"] for end in ("lo", "hi")] == pytest.approx(expected)


def test_the_interval_of_the_area_is_that_of_the_mae_if_all_intervals_are_alike():
    rows = alike(np.random.default_rng(1), 50, 2).assign(predicted_lo=0.0, predicted_hi=90.0)
    errors = (rows["predicted_age"] - rows["real_age"]).abs().to_numpy()
    found, expected = score_risk(rows), mean_interval(errors, rows["person"].to_numpy())
    assert found["aurc"] == pytest.approx(errors.mean())
    assert [found["aurc_ci95_lo"], found["aurc_ci95_hi"]] == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("draws", "grid", "slack"), [
    pytest.param(100, [(60, 3)], 0.05, id="short"),
    pytest.param(2_000, [(30, 1), (60, 1), (500, 1), (60, 3)], 0.01, id="all", marks=pytest.mark.slow),
])  # fmt: skip
def test_the_area_is_covered_about_as_often_as_its_interval_says(draws, grid, slack):
    random = np.random.default_rng(20)
    truth = score_risk(alike(random, 200_000, 1))["aurc"]
    for people, photos in grid:
        found = [score_risk(alike(random, people, photos)) for _ in range(draws)]
        covered = np.mean([one["aurc_ci95_lo"] <= truth <= one["aurc_ci95_hi"] for one in found])
        print(f"{people} people, {photos} photos each: {covered:.1%}")
        assert 0.92 - slack <= covered <= 0.98 + slack
