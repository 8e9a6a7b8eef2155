"""The verdict in words: no more than the figures and their intervals say."""

import pytest
from small_report import SCORES

from realage.report.verdict import judged_on, verdict


def answers(by_group=None, decades=(), test=True, **changes):
    scores = {key: value for key, value in {**SCORES, **changes}.items() if value is not None}
    evaluate = {"val": {**SCORES, "mae": 1.0}, "by_decade": {"val": [], "test": list(decades)}}
    if test:
        evaluate["test"] = scores
    return dict(verdict(evaluate, by_group or {}))


def part(label, mae, width=1.0, n=100):
    ends = {"mae_ci95_lo": mae - width, "mae_ci95_hi": mae + width}
    return {"decade": label, "n": n, "mae": mae, **ends, "bias": -mae / 2}


FEW = {"decade": "90+", "n": 3, "mae": 40.0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "The model's error is 55% lower than that of always predicting"),
        ({"mae_ci95_hi": 14.0}, "The interval does not tell it from always predicting"),
        ({"mae": 16, "mae_ci95_lo": 15, "mae_ci95_hi": 17}, "That is worse than always predicting"),
        ({"mae_ci95_lo": None, "mae_ci95_hi": None}, "Too few people to tell whether that is better than always"),
    ],
)
def test_the_model_is_set_against_the_constant_baseline_by_its_interval(changes, said):
    assert said in answers(**changes)["How good is it?"]


def test_the_largest_error_is_named_where_there_are_enough_people_and_chance_is_owned_up_to():
    decades = [part("0-9", 3.0), part("20-29", 9.0), FEW]
    said = answers(decades=decades)["For whom is it bad?"]
    largest = "Where there are enough people, the error is largest at 20-29 years, 9.00 (95% interval 8.00 to 10.00), "
    assert said.startswith(f"{largest}and smallest at ")
    assert "At 20-29 years, predictions are 4.5 years too young on average." in said
    assert "overlap" not in said and said.endswith("Too few people to say at 90+ years.")
    assert "may be chance" in answers(decades=[part("0-9", 3.0), part("20-29", 4.0)])["For whom is it bad?"]
    assert answers(decades=[FEW])["For whom is it bad?"] == "Too few people of any decade of age to say."


def test_groups_are_compared_by_the_interval_of_their_largest_gap():
    groups = {"gender": {"test": {"f": part("", 3.0), "m": part("", 9.0), "x": FEW}}, "camera": {"test": {"a": FEW}}}
    gap = {"groups": 2, "worst": "m", "best": "f", **part("", 6.0)}
    said = answers(groups, gap={"gender": gap})
    assert said["Does the error differ by gender?"] == (
        "The error is largest for m, 9.00 (95% interval 8.00 to 10.00), and smallest for f, 3.00 (95% interval 2.00 to "
        "4.00). They differ by 6.00 (95% interval 5.00 to 7.00)."
    )
    assert said["Does the error differ by camera?"] == "Too few people in the groups to compare them."
    chance = answers(groups, gap={"gender": {**gap, "mae_ci95_lo": 0.0}})
    assert chance["Does the error differ by gender?"].endswith("The difference may be chance.")


def test_the_verdict_is_about_test_and_without_it_about_validation():
    assert judged_on({"val": {}, "test": {}}) == "test" and judged_on({"val": {}}) == "val"
    sure = answers()["How sure are these figures?"]
    assert "60 photos of the test split, which were used neither for training nor for the choice of settings" in sure
    assert "validation split, which were used to choose settings" in answers(test=False)["How sure are these figures?"]


GATE = {"challenge": 25, "fpr": 0.05, "fpr_ci95_lo": 0.03, "fpr_ci95_hi": 0.08,
        "fnr": 0.2, "fnr_ci95_lo": 0.15, "fnr_ci95_hi": 0.25}  # fmt: skip


def test_the_gate_nearest_to_18_is_told_and_none_where_none_is_asked_for():
    gates = {"13": {"challenge": 20}, "21": GATE | {"challenge": 28, "fpr": 0.5}, "18": GATE}
    assert answers(gate=gates)["At an age gate?"].startswith(
        "With the threshold 18 and the challenge age 25, 5.0% [3.0%, 8.0%] of the people younger than 18 pass without "
        "proof, and 20.0% [15.0%, 25.0%] of the others are asked for it."
    )
    few = answers(gate={"13": {"challenge": 20, "fnr": 0.1}})["At an age gate?"]
    assert few == "Too few people on one side of the threshold 13 to say."
    assert "At an age gate?" not in answers(gate={})


def test_groups_that_nobody_compared_are_unknown():
    assert answers()["Is it fair?"].startswith("Unknown: no groups of people were compared.")
    assert "Is it fair?" not in answers({"gender": {"test": {"f": FEW}}})
