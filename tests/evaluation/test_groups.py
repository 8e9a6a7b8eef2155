"""Groups: which can be compared, columns crossed two by two, and the largest gap in MAE."""

import json

import numpy as np
import pandas as pd
import pytest

from realage.core.errors import UserError
from realage.evaluation.groups import comparable_groups, cross_groups, largest_gap
from realage.evaluation.intervals import MIN_PEOPLE
from realage.evaluation.metrics import EvaluateParams
from realage.evaluation.scores import score_splits
from realage.splits.groups import NO_GROUP, groups_of

PARAMS = EvaluateParams(groups=[])


def held_out(photos=240, split="val", seed=1, young=0.3):
    random = np.random.default_rng(seed)
    real = np.where(random.random(photos) < young, random.uniform(0, 18, photos), random.uniform(18, 80, photos))
    return pd.DataFrame({
        "split": split, "real_age": real, "predicted_age": real + random.normal(0, 5, photos),
        "person": np.arange(photos),
    })


def scored(photos, **columns):
    groups = {name: pd.Series(values, photos.index) for name, values in columns.items()}
    found = score_splits(photos, groups, 30.0, PARAMS)
    json.dumps(found, allow_nan=False)
    return found


def test_groups_of_enough_people_are_compared_and_empty_cells_are_no_group():
    groups = np.repeat(["f", "m", NO_GROUP, "few"], [MIN_PEOPLE, 60, 90, MIN_PEOPLE - 1])
    assert comparable_groups(groups, np.arange(len(groups))) == ["f", "m"]
    pairs = np.arange(len(groups)) // 2
    assert comparable_groups(groups, pairs) == ["m"], "15 people with two photos each are too few"


def test_the_name_of_a_group_cannot_turn_the_text_around_it_or_fill_a_page():
    names = groups_of(pd.DataFrame({"city": ["\u202eParis", "Paris", ""]}), "city")
    assert names.tolist() == ["\\u202eParis", "Paris", NO_GROUP]
    with pytest.raises(UserError, match=r"evaluate.groups: city: 'x{200}...' has 5,000 characters: shorten"):
        groups_of(pd.DataFrame({"city": ["Paris", "x" * 5_000]}), "city")


def test_crossings_by_hand():
    rows = pd.DataFrame({"gender": ["f", "m", "", "f"], "light": ["day", "day", "day", ""], "camera": list("aabb")})
    crossed = cross_groups({column: groups_of(rows, column) for column in rows})
    assert list(crossed) == ["gender x light", "gender x camera", "light x camera"]
    assert crossed["gender x light"].tolist() == ["f x day", "m x day", NO_GROUP, NO_GROUP]
    assert cross_groups({"gender": groups_of(rows, "gender")}) == {}


def test_the_largest_gap_by_hand():
    error = np.concatenate([np.tile([1.0, -3.0], 20), np.tile([4.0, -6.0], 20), np.tile([3.0, -3.0], 20), [50.0] * 5])
    groups = np.repeat(["a", "b", "c", "few"], [40, 40, 40, 5])
    found = largest_gap(error, groups, np.arange(len(error)))
    assert (found["groups"], found["worst"], found["best"], found["mae"]) == (3, "b", "a", 3.0)
    assert 2.4 < found["mae_ci95_lo"] < 3.0 < found["mae_ci95_hi"] < 3.6


@pytest.mark.parametrize("groups", [["f"] * 60, [NO_GROUP] * 60, ["f"] * 58 + ["m"] * 2, [str(n) for n in range(60)]])
def test_one_group_or_groups_of_few_have_no_gap(groups):
    assert largest_gap(np.ones(60), np.array(groups, dtype=object), np.arange(60)) == {}


def test_a_split_has_its_gates_and_gaps_as_scalars_and_each_group_its_own_in_a_list():
    photos = held_out(600)
    gender = np.array(["f", "m"])[np.arange(600) % 2]
    found = scored(photos, gender=gender, light=np.array(["day", "night", "day"])[np.arange(600) % 3])
    assert list(found["val"]["gate"]) == ["13", "16", "18", "21", "25"]
    assert found["val"]["gate"]["18"]["challenge"] == 25
    assert list(found["val"]["gap"]) == ["gender", "light"]
    woman = next(row for row in found["by_group"]["val"] if row["group"] == "f")
    alone = scored(photos[gender == "f"])["val"]
    assert woman["gate"]["18"] == alone["gate"]["18"] and woman["mae"] == alone["mae"]
    crossing = {row["group"]: row["n"] for row in found["by_crossing"]["val"]}
    assert crossing == {"f x day": 200, "f x night": 100, "m x day": 200, "m x night": 100}
    assert {row["column"] for row in found["by_crossing"]["val"]} == {"gender x light"}


def test_single_years_of_age_go_to_25():
    photos = held_out(4).assign(real_age=[0.0, 25.9, 26.0, 0.5], predicted_age=[3.0, 25.9, 90.0, 1.5])
    assert scored(photos)["by_age"]["val"] == [
        {"age": 0, "n": 2, "mae": 2.0, "bias": 2.0}, {"age": 25, "n": 1, "mae": 0.0, "bias": 0.0}
    ]


def test_nobody_young_is_no_figure():
    photos = held_out(200, young=0).query("real_age > 30")
    found = scored(photos)
    assert found["by_age"]["val"] == []
    for gate in found["val"]["gate"].values():
        assert gate["n_younger"] == 0 and "fpr" not in gate and "fnr" in gate


def test_one_photo_in_a_split_and_two_in_a_group():
    photos = pd.concat([held_out(1, "test", 2), held_out(100)], ignore_index=True)
    found = scored(photos, gender=["f", "m", "m"] + ["f"] * 98)
    assert "gap" not in found["val"] and "gap" not in found["test"] and found["by_crossing"]["val"] == []
    assert all("fpr" not in gate and "fnr" not in gate for gate in found["test"]["gate"].values())
    men = next(row for row in found["by_group"]["val"] if row["group"] == "m")
    assert men["n"] == 2 and "mae_ci95_lo" not in men and "gate" not in men


def test_equal_predictions_are_scored():
    photos = held_out(300).assign(predicted_age=30.0)
    found = scored(photos, gender=np.array(["f", "m"])[np.arange(300) % 2])
    assert found["val"]["gate"]["18"]["fpr"] == 1.0 and found["val"]["gap"]["gender"]["groups"] == 2


def test_a_column_of_500_values_or_none_and_its_crossings():
    photos = held_out(1_000)
    found = scored(photos, camera=[str(n % 500) for n in range(1_000)], empty=NO_GROUP, gender=["f", "m"] * 500)
    assert list(found["val"]["gap"]) == ["gender"]
    assert sum(row["column"] == "camera" for row in found["by_group"]["val"]) == 500
    assert found["by_crossing"]["val"] == []


def test_no_threshold_is_no_gate():
    assert "gate" not in score_splits(held_out(), {}, 30.0, EvaluateParams(groups=[], thresholds=[]))["val"]
