"""Rates of age gates: by hand, against a loop over single photos, and where there are too few people."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realage.evaluation.charts import draw_gate_curves, draw_gates
from realage.evaluation.gates import BUFFER, COUNTS, RATES, WIDEST, score_gate, score_gates, tabulate_gates
from realage.evaluation.intervals import MIN_PEOPLE, share_interval

PHOTOS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=200)


def held_out(real, predicted, split="val"):
    return pd.DataFrame({
        "split": split, "real_age": np.asarray(real, "float64"), "predicted_age": np.asarray(predicted, "float64"),
        "person": np.arange(len(real)),
    })


def test_by_hand():
    """Of 50 people of 17, 10 look 25 or older; of 100 people of 18 or more, 30 look younger than 25."""
    real = np.array([17.0] * 50 + [18.0] * 40 + [60.0] * 60)
    predicted = np.array([25.0] * 10 + [24.99] * 40 + [24.0] * 30 + [25.0] * 10 + [60.0] * 60)
    found = score_gate(real, predicted, np.arange(150), 18, 25)
    younger = share_interval(np.arange(50) < 10, np.arange(50))
    older = share_interval(np.arange(100) < 30, np.arange(100))
    assert found == {
        "challenge": 25, "n_younger": 50, "n_older": 100,
        "fpr": 0.2, "fpr_ci95_lo": younger.low, "fpr_ci95_hi": younger.high,
        "fnr": 0.3, "fnr_ci95_lo": older.low, "fnr_ci95_hi": older.high,
    }
    assert younger.low == pytest.approx(0.11, abs=0.01) and younger.high == pytest.approx(0.34, abs=0.01)


@given(PHOTOS, st.integers(1, 40), st.integers(0, 20))
def test_rates_are_those_of_a_loop_over_single_photos(photos, threshold, above):
    challenge, outcomes = threshold + above, {"younger": [], "older": []}
    photos = photos * 4
    for real, predicted in photos:
        is_positive = not predicted < challenge
        outcomes["younger" if real < threshold else "older"].append(is_positive)
    real, predicted = np.array(photos).T
    found = score_gate(real, predicted, np.arange(len(photos)), threshold, challenge)
    for rate, side, wrong in (("fpr", "younger", True), ("fnr", "older", False)):
        seen = outcomes[side]
        assert found[f"n_{side}"] == len(seen)
        if rate in found:
            assert found[rate] == pytest.approx(seen.count(wrong) / len(seen))
            assert 0 <= found[f"{rate}_ci95_lo"] <= found[rate] <= found[f"{rate}_ci95_hi"] <= 1
            assert found[f"{rate}_ci95_hi"] - found[f"{rate}_ci95_lo"] <= WIDEST
        else:
            assert f"{rate}_ci95_lo" not in found and len(seen) < 42


@given(PHOTOS, st.integers(1, 40))
def test_a_higher_challenge_age_passes_no_more_and_asks_no_fewer(photos, threshold):
    real, predicted = np.array(photos * 3).T
    table = tabulate_gates(held_out(real, predicted), [threshold], 12)
    assert table["challenge"].tolist() == list(range(threshold, threshold + 13))
    assert (table["fpr"].dropna().diff().dropna() <= 0).all() and (table["fnr"].dropna().diff().dropna() >= 0).all()


@pytest.mark.parametrize("count", [0, 1, MIN_PEOPLE, 41])
def test_too_few_younger_people_give_no_figure_however_they_look(count):
    for looks in (5.0, 50.0):
        real = np.array([10.0] * count + [40.0] * 100)
        found = score_gate(real, np.where(real < 18, looks, 40.0), np.arange(len(real)), 18, 25)
        assert not [key for key in found if key.startswith("fpr")] and found["n_younger"] == count
        assert found["fnr"] == 0.0, "the other side is known"


def test_people_count_and_not_photos():
    real, predicted = np.full(600, 10.0), np.full(600, 30.0)
    assert "fpr" not in score_gate(real, predicted, np.arange(600) // 20, 18, 25)
    found = score_gate(real, predicted, np.arange(600) // 10, 18, 25)
    alone = score_gate(real, predicted, np.arange(600), 18, 25)
    assert found["fpr_ci95_lo"] < alone["fpr_ci95_lo"] - 0.03 and found["n_younger"] == 600


@pytest.mark.parametrize("answer", [0.0, 30.0, 150.0])
def test_equal_predictions_are_all_right_or_all_wrong(answer):
    real = np.arange(200) % 100.0
    found = score_gate(real, np.full(200, answer), np.arange(200), 25, 32)
    assert (found["fpr"], found["fnr"]) == ((1.0, 0.0) if answer >= 32 else (0.0, 1.0))


def test_scalars_are_those_of_the_table_seven_years_above_the_threshold():
    random = np.random.default_rng(1)
    photos = held_out(random.uniform(0, 60, 400), random.uniform(0, 60, 400))
    scalars = score_gates(*(photos[name].to_numpy() for name in ("real_age", "predicted_age", "person")), [16, 18])
    table = tabulate_gates(photos, [16, 18], 12).set_index(["threshold", "challenge"])
    assert list(scalars) == ["16", "18"]
    for threshold, gate in scalars.items():
        assert gate["challenge"] == int(threshold) + BUFFER
        row = table.loc[int(threshold), gate["challenge"]]
        assert row[[*COUNTS, *RATES]].to_dict() == {name: gate[name] for name in (*COUNTS, *RATES)}


def test_the_table_has_an_empty_cell_for_a_rate_that_is_not_known(tmp_path):
    photos = pd.concat([held_out([40.0] * 60, [40.0] * 60), held_out([9.0] * 60, [9.0] * 60, "test")])
    draw_gates(tabulate_gates(photos, [18], 7), tmp_path)
    table = pd.read_csv(tmp_path / "gates.csv")
    assert list(table.columns) == ["split", "threshold", "challenge", *COUNTS, *RATES]
    assert table["split"].tolist() == ["val"] * 8 + ["test"] * 8
    assert table["fpr"].isna().tolist() == [True] * 8 + [False] * 8
    assert table["fnr"].isna().tolist() == [False] * 8 + [True] * 8


def words(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in [axes.title, axes._left_title]) + " ".join(
        text.get_text() for text in figure.texts
    )


def test_the_chart_shows_each_gate_that_is_known_and_counts_the_others():
    random = np.random.default_rng(1)
    real = np.concatenate([random.uniform(14, 18, 20), random.uniform(18, 60, 200)])
    photos = held_out(real, real + random.normal(0, 5, 220))
    figure = draw_gate_curves(tabulate_gates(photos, [13, 18, 25], 12))
    curves = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 13]
    rings = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert len(curves) == len(rings) == 1 and "at 2 of 3 thresholds" in words(figure)
    table = tabulate_gates(photos, [25], 12).set_index("challenge")
    assert rings[0].get_ydata()[0] == pytest.approx(100 * table["fpr"][25 + BUFFER])
    assert curves[0].get_xdata().tolist() == pytest.approx((100 * table["fnr"]).tolist())


@pytest.mark.parametrize("thresholds", [[], [18]])
def test_the_chart_says_so_where_nothing_is_known(tmp_path, thresholds):
    draw_gates(tabulate_gates(held_out([40.0], [41.0]), thresholds, 12), tmp_path)
    assert (tmp_path / "gates.png").stat().st_size > 0
    assert "unknown" in words(draw_gate_curves(tabulate_gates(held_out([40.0], [41.0]), thresholds, 12)))
