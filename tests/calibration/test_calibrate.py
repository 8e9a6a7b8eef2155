"""Calibrated intervals hold the real age as often as they say, and are narrow where the model is sure."""

import math

import numpy as np
import pandas as pd
import pytest

from realage.calibration.fit import MIN_PEOPLE, calibrate, fit_scale, least_people, person_quantile
from realage.calibration.interval import LEAST_SCALE, Calibration, Scale


def photos(random: np.random.Generator, count: int, spread: bool = True) -> tuple[np.ndarray, pd.DataFrame]:
    """Real ages and answers of a model that is surer of the young, and whose spread says how sure it is."""
    age = random.uniform(0, 80, count)
    sigma = (1 + age / 10) * random.uniform(0.5, 1.5, count)
    real = age + sigma * random.gumbel(size=count)
    return real, pd.DataFrame({"age": age, **({"spread": 2 * sigma} if spread else {})})


def calibration_of(random: np.random.Generator, count: int, coverage: float = 0.9, spread: bool = True) -> Calibration:
    scale = fit_scale(*photos(random, count // 2, spread))
    return calibrate(scale, *photos(random, count, spread), np.arange(count), coverage)


def covered(calibration: Calibration, real: np.ndarray, answers: pd.DataFrame) -> np.ndarray:
    ends = calibration.intervals(answers)
    return (np.maximum(real, 0) >= ends["age_lo"].to_numpy()) & (real <= ends["age_hi"].to_numpy())


def test_the_quantile_of_people_with_one_photo_each_by_hand():
    """Of 9 people, the rank for 0.8 is ceil(10 * 0.8) = 8, for 0.9 it is 9, and for more there is no score."""
    scores, people = np.array([5.0, 1, 9, 3, 2, 8, 7, 6, 4]), np.arange(9)
    assert [person_quantile(scores, people, level) for level in (0.75, 0.8, 0.81, 0.9)] == [8, 8, 9, 9]
    assert person_quantile(scores, people, 0.91) == math.inf


def test_a_person_with_many_photos_counts_once_by_hand():
    """Three people have the weight 1/4 each. Four photos of the first have 1/16 each, and the others come after."""
    scores, people = np.array([1.0, 2, 3, 4, 10, 20]), np.array([0, 0, 0, 0, 1, 2])
    assert [person_quantile(scores, people, level) for level in (1 / 16, 0.25, 0.26, 0.5, 0.75)] == [1, 4, 10, 10, 20]
    assert person_quantile(scores, people, 0.76) == math.inf


def test_the_calibration_by_hand():
    """40 errors of -20 to 19 years at a scale of one year: ranks ceil(41 * 0.95) = 39 from both sides."""
    scale = Scale(base=1, per_spread=None, ages=[50], factors=[1])
    real, answers = 50 + np.arange(-20.0, 20), pd.DataFrame({"age": np.full(40, 50.0)})
    found = calibrate(scale, real, answers, np.arange(40), 0.9)
    assert (found.low, found.high, found.photos, found.people) == (-19, 18, 40, 40)
    ends = found.intervals(pd.DataFrame({"age": [50.0, 5.0]}))
    assert ends.to_dict("list") == {"age_lo": [31, 0], "age_hi": [68, 23]}


@pytest.mark.parametrize("spread", [True, False])
@pytest.mark.parametrize("people, exact", [(39, 0.9), (57, 1 - 2 * 2 / 58)])
def test_the_average_coverage_is_the_one_that_theory_gives(people, exact, spread):
    """Each end misses with probability 1 - k / (K + 1), k its rank, whatever the scale and the errors are."""
    random = np.random.default_rng(1)
    shares = [covered(calibration_of(random, people, spread=spread), *photos(random, 500, spread)).mean()
              for _ in range(400)]
    assert exact >= 0.9 and np.mean(shares) == pytest.approx(exact, abs=4 * np.std(shares) / 20)


def test_a_new_person_is_covered_where_people_have_many_photos_with_errors_alike():
    """Half of the error is the person's own, and a few people have most of the photos."""
    random = np.random.default_rng(2)
    scale = Scale(base=1, per_spread=None, ages=[50], factors=[1])
    counts = np.where(np.arange(60) < 6, 40, 1)
    people = np.repeat(np.arange(60), counts)
    hits = []
    for _ in range(400):
        random.shuffle(counts)
        people = np.repeat(np.arange(60), counts)
        real = 50 + random.normal(size=60)[people] + random.normal(size=len(people))
        found = calibrate(scale, real, pd.DataFrame({"age": np.full(len(people), 50.0)}), people, 0.9)
        hits.append(np.mean(np.abs(random.normal(scale=2**0.5, size=500) - (found.low + found.high) / 2)
                            <= (found.high - found.low) / 2))
    assert np.mean(hits) >= 0.9 - 4 * np.std(hits) / 20


def test_intervals_are_narrower_where_the_model_is_surer():
    random = np.random.default_rng(3)
    with_spread, by_age = (calibration_of(random, 2_000, spread=spread) for spread in (True, False))
    for calibration in (with_spread, by_age):
        ends = calibration.intervals(pd.DataFrame({"age": [5.0, 40, 75], "spread": [3.0, 10, 17]}))
        assert (np.diff(ends["age_hi"] - ends["age_lo"]) > 3).all()
    sure, unsure = with_spread.intervals(pd.DataFrame({"age": [40.0, 40], "spread": [4.0, 12]})).diff(axis=1)["age_hi"]
    assert unsure > 2 * sure
    real, answers = photos(random, 20_000)
    hit = covered(with_spread, real, answers)
    assert [hit[answers["age"].between(start, start + 20)].mean() for start in (0, 20, 40, 60)] == pytest.approx(
        [0.9] * 4, abs=0.05
    )


def test_an_end_is_missed_as_often_as_the_other_although_errors_are_skewed():
    random = np.random.default_rng(4)
    calibration, (real, answers) = calibration_of(random, 4_000), photos(random, 20_000)
    ends = calibration.intervals(answers)
    older, inside = real > ends["age_hi"], ends["age_lo"] > 0
    assert older.mean() == pytest.approx(0.05, abs=0.02)
    assert (real < ends["age_lo"])[inside].mean() == pytest.approx(0.05, abs=0.02)


def test_a_spread_that_says_nothing_does_not_widen_the_intervals():
    random = np.random.default_rng(5)
    (real, answers), noise = photos(random, 4_000, spread=False), random.uniform(0, 30, 4_000)
    plain, with_noise = fit_scale(real, answers), fit_scale(real, answers.assign(spread=noise))
    widths = [calibrate(scale, real, answers.assign(spread=noise), np.arange(4_000), 0.9).intervals(
        answers.assign(spread=noise)).diff(axis=1)["age_hi"].mean() for scale in (plain, with_noise)]
    assert widths[1] < 1.03 * widths[0]


@pytest.mark.parametrize("spread", [True, False])
def test_predictions_that_are_all_equal_or_all_right_are_calibrated(spread):
    random = np.random.default_rng(6)
    answers = pd.DataFrame({"age": np.full(100, 30.0), **({"spread": np.zeros(100)} if spread else {})})
    real = random.uniform(0, 80, 100)
    ends = calibrate(fit_scale(real, answers), real, answers, np.arange(100), 0.9).intervals(answers)
    inside = ((real >= ends["age_lo"]) & (real <= ends["age_hi"])).mean()
    assert 0.9 <= inside < 1 and ends.drop_duplicates().shape == (1, 2)
    right = calibrate(fit_scale(np.full(100, 30.0), answers), np.full(100, 30.0), answers, np.arange(100), 0.9)
    assert right.intervals(answers).to_numpy() == pytest.approx(30)


@pytest.mark.parametrize("coverage, least", [(0.5, MIN_PEOPLE), (0.9, MIN_PEOPLE), (0.95, 39), (0.99, 199)])
def test_with_too_few_people_there_is_no_calibration(coverage, least):
    assert least_people(coverage) == least
    scale = Scale(base=1, per_spread=None, ages=[50], factors=[1])

    def of(people: int) -> Calibration:
        answers = pd.DataFrame({"age": np.full(400, 50.0)})
        return calibrate(scale, np.full(400, 51.0), answers, np.arange(400) % people, coverage)

    assert math.isfinite(of(least).high)
    with pytest.raises(ValueError, match=f"{least - 1} people"):
        of(least - 1)


def test_the_same_photos_in_another_order_give_the_same_text():
    random = np.random.default_rng(7)
    real, answers = photos(random, 200)
    people, order = np.arange(200) // 2, random.permutation(200)
    scale = fit_scale(real, answers)
    text = calibrate(scale, real, answers, people, 0.9).to_json()
    assert text == calibrate(scale, real[order], answers.iloc[order], people[order], 0.9).to_json()
    assert Calibration.model_validate_json(text).to_json() == text
    assert min(scale.of(answers)) >= LEAST_SCALE
