"""Cross-validation: people stay together, no photo is judged by a fit that saw it, and the choice is judged too."""

import numpy as np
import pytest

from realage.adaptation.adapted import KNOTS
from realage.adaptation.choice import best_of, folds_of, held_out_ages, judge_choice, scores_of
from realage.adaptation.correction import fit_correction
from realage.evaluation.intervals import mean_interval

ALL = np.ones(6, bool)


def mean_of(real):
    """The method that answers the mean age of the photos that it is fitted to."""
    return lambda train: (None, np.full(len(real), real[train].mean()))


def test_held_out_ages_by_hand():
    real = np.array([10.0, 20, 30, 40, 50, 60])
    folds = np.array([0, 0, 0, 1, 1, 1])
    assert held_out_ages(mean_of(real), folds, ALL).tolist() == [50, 50, 50, 20, 20, 20]
    among = np.array([True, False, True, True, True, False])
    assert held_out_ages(mean_of(real), folds, among).tolist() == [45, 0, 45, 20, 20, 0]


def test_people_are_dealt_out_by_age_with_all_their_photos():
    real = np.array([30.0, 10, 20, 32, 40, 50])
    people = np.array([7, 1, 2, 7, 4, 5])
    assert folds_of(real, people, 2).tolist() == [0, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_no_person_is_in_two_parts_and_parts_have_like_ages(seed):
    rng = np.random.default_rng(seed)
    people = rng.integers(0, 60, 300)
    real = rng.normal(35, 12, 60)[people] + rng.normal(0, 2, 300)
    folds = folds_of(real, people, 5)
    assert all(len(set(folds[people == person])) == 1 for person in people)
    means = [real[folds == part].mean() for part in range(5)]
    assert max(means) - min(means) < 8


def test_a_method_that_learns_by_heart_is_seen_through():
    real = np.random.default_rng(1).normal(35, 12, 100)

    def by_heart(train):
        return None, np.where(train, real, 0.0)

    scores = scores_of({"mean": mean_of(real), "by heart": by_heart}, real, np.arange(100), np.ones(100, bool))
    assert best_of(scores) == "mean" and scores["by heart"] == pytest.approx(np.abs(real).mean())


def test_the_figure_is_not_the_lowest_of_many_that_are_chance():
    """40 methods that answer at random: one of them looks good on the photos that it was chosen by."""
    rng = np.random.default_rng(2)
    real = rng.normal(35, 3, 60)
    answers = rng.normal(35, 10, (40, 60))
    methods = {str(number): lambda train, ages=ages: (None, ages) for number, ages in enumerate(answers)}
    everyone = np.ones(60, bool)
    lowest = min(scores_of(methods, real, np.arange(60), everyone).values())
    honest = np.abs(judge_choice(methods, real, np.arange(60)) - real).mean()
    assert honest > lowest + 0.2


@pytest.mark.slow
def test_a_model_that_is_right_is_seldom_corrected():
    """The interval's upper end is below 0 in at most 1 of 40 draws of a source that needs no correction."""
    rng, accepted, draws = np.random.default_rng(3), 0, 400
    for _ in range(draws):
        predicted = rng.normal(35, 12, 60)
        real = predicted + rng.normal(0, 6, 60)

        def method(knots, predicted=predicted, real=real):
            def fit(train):
                correction = fit_correction(predicted[train], real[train], knots)
                return correction, correction.corrected(predicted)

            return fit

        methods = {"none": lambda _, predicted=predicted: (None, predicted), **{n: method(k) for n, k in KNOTS.items()}}
        ages = judge_choice(methods, real, np.arange(60))
        accepted += mean_interval(np.abs(ages - real) - np.abs(predicted - real), np.arange(60)).high < 0
    assert accepted / draws <= 0.025
