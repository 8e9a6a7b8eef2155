"""The intervals cover the true value about as often as they say, for one and for several photos a person.

Simulations show it. The short ones run always; those with 5,000 draws are slow. docs/design.md has the results.
"""

import numpy as np
import pytest
from scipy.stats import binom, ttest_ind
from scipy.stats import t as student

from realage.evaluation.intervals import (
    MIN_PEOPLE,
    effective_people,
    gap_interval,
    mean_interval,
    share_interval,
    widest_share_interval,
)

T4 = student(4)
ERRORS = {  # years / scale: how to draw n errors, and the mean of their absolute values
    "normal": (lambda random, n: random.normal(0, 1, n), np.sqrt(2 / np.pi)),
    "Laplace": (lambda random, n: random.laplace(0, 1, n), 1.0),
    "t with 4 degrees of freedom": (lambda random, n: random.standard_t(4, n), 2 * T4.expect(lambda x: x, lb=0)),
}
GRID = (MIN_PEOPLE, 40, 60, 100, 200, 500)
LENGTHS = [  # draws, numbers of people, and by how much a simulation may miss 93 to 97%
    pytest.param(800, (MIN_PEOPLE, 60, 200), 0.02, id="short"),
    pytest.param(5_000, GRID, 0.0, id="all", marks=pytest.mark.slow),
]
SIZES = ([MIN_PEOPLE, MIN_PEOPLE], [MIN_PEOPLE, 500], [MIN_PEOPLE] * 5, [30, 60, 120, 240, 480])  # people of groups
GAPS = [  # draws, sizes of groups, and by how much a simulation may miss 92 to 98%
    pytest.param(600, SIZES[1:3], 0.02, id="short"),
    pytest.param(5_000, SIZES, 0.0, id="all", marks=pytest.mark.slow),
]
SHARES = np.arange(0.02, 0.981, 0.002)


def coverage(draw, truth, draws, people) -> float:
    """How often an interval of the mean of `draw(random)` has the truth in it."""
    random = np.random.default_rng(20)
    intervals = (mean_interval(draw(random), people) for _ in range(draws))
    return float(np.mean([interval.low <= truth <= interval.high for interval in intervals]))


@pytest.mark.parametrize("errors", ERRORS)
@pytest.mark.parametrize(("draws", "grid", "slack"), LENGTHS)
def test_means_of_absolute_errors_and_paired_differences_are_covered(errors, draws, grid, slack):
    draw, mean = ERRORS[errors]
    for count in grid:
        people = np.arange(count)

        def absolute_errors(random, count=count):
            return abs(draw(random, count))

        absolute = coverage(absolute_errors, mean, draws, people)
        paired = coverage(lambda random, of=absolute_errors: of(random) - of(random), 0.0, draws, people)
        print(f"{errors}, {count} people: MAE {absolute:.1%}, paired difference {paired:.1%}")
        assert 0.93 - slack <= absolute <= 0.97 + slack
        assert 0.93 - slack <= paired <= 0.97 + slack


@pytest.mark.parametrize("errors", ERRORS)
@pytest.mark.parametrize("photos", [5, 20])
@pytest.mark.parametrize(("draws", "grid", "slack"), LENGTHS)
def test_several_photos_of_each_person_make_no_interval_too_narrow(errors, photos, draws, grid, slack):
    """Half of an error is the person's, half the photo's."""
    draw, _ = ERRORS[errors]

    def absolute(random, count):
        return abs(np.repeat(draw(random, count), photos) + draw(random, count * photos))

    truth = absolute(np.random.default_rng(1), 2_000_000 // photos).mean()
    for count in grid[:3]:
        people = np.repeat(np.arange(count), photos)
        covered = coverage(lambda random, count=count: absolute(random, count), truth, draws, people)
        print(f"{errors}, {count} people with {photos} photos each: {covered:.1%}")
        assert 0.92 - slack <= covered <= 0.97 + slack


@pytest.mark.parametrize("errors", ERRORS)
@pytest.mark.parametrize("worse", [0, 1, 2], ids=["all alike", "one worse", "two worse"])
@pytest.mark.parametrize(("draws", "sizes", "slack"), GAPS)
def test_the_largest_gap_of_groups_is_covered_though_it_is_chosen_as_the_largest(errors, worse, draws, sizes, slack):
    """The more groups, the more it may cover: the interval allows for all of them to be alike, the hardest case."""
    draw, mean = ERRORS[errors]
    random = np.random.default_rng(20)
    for people in sizes:
        scale = np.ones(len(people))
        scale[[0, -1][:worse]] = 1.5
        member = np.repeat(np.arange(len(people)), people)
        groups = [member == number for number in range(len(people))]
        held = []
        for _ in range(draws):
            found = gap_interval(abs(draw(random, len(member))) * scale[member], np.arange(len(member)), groups)
            held.append(found.low <= (scale.max() - scale.min()) * mean <= found.high)
        print(f"{errors}, groups of {people} people, {worse} worse: {np.mean(held):.1%}")
        assert 0.92 - slack <= np.mean(held) <= (0.98 + slack if len(people) == 2 else 1)


@pytest.mark.parametrize("apart", [True, False], ids=["people of one group", "people in both groups"])
def test_gaps_of_several_photos_a_person_are_covered(apart):
    """Half of an error is the person's. In both groups it cancels out of the difference."""
    random, held, widths = np.random.default_rng(1), [], []
    people = np.repeat(np.arange(80), 6)
    first = people < 40 if apart else np.arange(480) % 2 == 0
    for _ in range(800):
        values = random.normal(0, 1, 80).repeat(6) + random.normal(0, 1, 480)
        low, high = gap_interval(values, people, [first, ~first])
        held.append(low <= 0 <= high)
        widths.append(high)
    assert 0.92 <= np.mean(held) <= 0.97
    assert np.mean(widths) > 0.5 if apart else np.mean(widths) < 0.35


def test_the_gap_of_two_groups_is_that_of_welchs_test_where_nothing_is_skewed():
    random = np.random.default_rng(2)
    halves = [random.normal(0, spread, count) for spread, count in ((1, 50), (3, 200))]
    one, other = (np.concatenate([5 + half, 5 - half]) for half in halves)  # symmetric: no skewness
    other += 4
    values, first = np.concatenate([one, other]), np.arange(500) < 100
    expected = ttest_ind(other, one, equal_var=False).confidence_interval()
    for members in ([first, ~first], [~first, first]):
        assert gap_interval(values, np.arange(500), members) == pytest.approx(tuple(expected), abs=1e-9)
    assert gap_interval(values, np.arange(500), [first]) is None


def test_a_gap_of_groups_without_spread_has_no_width_and_is_never_negative():
    values, first = np.repeat([1.0, 3.0], 40), np.arange(80) < 40
    assert gap_interval(values, np.arange(80), [first, ~first]) == (2.0, 2.0)
    low, high = gap_interval(np.random.default_rng(1).random(80), np.arange(80), [first, ~first])
    assert low == 0 < high


@pytest.mark.parametrize("count", GRID)
def test_no_share_of_so_many_people_has_a_wider_interval(count):
    widths = np.diff([share_interval(np.arange(count) < hits, np.arange(count)) for hits in range(count + 1)])
    assert widths.max() == pytest.approx(widest_share_interval(np.arange(count)), abs=1e-3)
    assert widest_share_interval(np.arange(MIN_PEOPLE - 1)) == widest_share_interval(np.arange(0)) == 1


@pytest.mark.parametrize("count", GRID)
def test_shares_are_covered(count):
    """Exactly: the probability of each number of hits is known."""
    intervals = [share_interval(np.arange(count) < hits, np.arange(count)) for hits in range(count + 1)]
    low, high = np.array(intervals).T
    hits = np.arange(count + 1)
    covered = [binom.pmf(hits, count, share)[(low <= share) & (share <= high)].sum() for share in SHARES]
    print(f"share, {count} people: {np.mean(covered):.1%} on average, at least {np.min(covered):.1%}")
    assert np.mean(covered) >= 0.94 and np.min(covered) >= 0.90


def test_shares_of_several_photos_a_person_are_covered():
    random, photos, held = np.random.default_rng(1), 10, []
    people = np.repeat(np.arange(40), photos)
    for _ in range(1_000):
        hits = random.random(len(people)) < np.repeat(random.beta(2, 2, 40), photos)
        interval = share_interval(hits, people)
        held.append(interval.low <= 0.5 <= interval.high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_too_few_people_have_no_interval_however_many_photos():
    few = np.repeat(np.arange(MIN_PEOPLE - 1), 50)
    one_has_most = np.repeat(np.arange(MIN_PEOPLE + 5), [500] + [1] * (MIN_PEOPLE + 4))
    for people in (few, one_has_most, np.arange(MIN_PEOPLE - 1), np.arange(0)):
        values = np.arange(len(people)) % 7.0
        assert mean_interval(values, people) is None and share_interval(values > 2, people) is None


def test_who_is_who_matters_and_how_they_are_named_does_not():
    random = np.random.default_rng(1)
    values, people = random.normal(0, 1, 90), random.permutation(np.repeat(np.arange(45), 2))
    named = np.array([f"person {44 - number}" for number in people])
    assert mean_interval(values, people) == pytest.approx(mean_interval(values, named))
    assert mean_interval(values, people) != pytest.approx(mean_interval(values, np.arange(90)))
    assert effective_people(people) == 45 and effective_people(np.arange(90)) == 90


@pytest.mark.parametrize("hits", [0, 60])
def test_a_share_of_none_or_all_has_an_interval_that_ends_within_0_and_1(hits):
    low, high = share_interval(np.arange(60) < hits, np.repeat(np.arange(30), 2))
    assert (low == 0 and 0.05 < high < 0.2) if hits == 0 else (high == 1 and 0.8 < low < 0.95)


def test_equal_values_have_an_interval_of_no_width():
    assert mean_interval(np.full(40, -0.5), np.arange(40)) == (-0.5, -0.5)
