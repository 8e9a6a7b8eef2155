"""Heads: ages and spreads that follow from their outputs, and losses that are lowest at the truth."""

import numpy as np
import pytest
from conftest import PROJECT, recipe
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, log_expit, log_softmax, logit, softmax
from scipy.stats import entropy, norm

from realage.core.params import load
from realage.network.backbones import ModelParams
from realage.network.heads import HUBER_DELTA, OLDEST, Head, build_head, label_distribution, rank_labels
from realage.network.model import build_predictor
from realage.network.quiet_keras import keras

NAMES = ("regression", "distribution", "ordinal")
YEARS = np.arange(OLDEST + 1)


def build(name: str, output: str = "linear") -> Head:
    params = load("model", ModelParams, PROJECT / "params.yaml")
    return build_head(params.model_copy(update={"head": name, "output": output}))


def raw_outputs(name: str, distributions: np.ndarray) -> np.ndarray:
    """Probabilities (n, 101) of the years -> outputs that say them, as far as `name` can."""
    if name == "regression":
        return (distributions @ YEARS)[:, None].astype("float32")
    if name == "distribution":
        return np.log(np.maximum(distributions, 1e-30)).astype("float32")
    older = 1 - np.cumsum(distributions, axis=1)[:, :-1]
    return logit(np.clip(older, 1e-12, 1 - 1e-12)).astype("float32")


def predicted(name: str, outputs: np.ndarray) -> dict[str, np.ndarray]:
    """What the predictor makes of raw outputs, around a network that hands them through."""
    head = build(name)
    raw = keras.Input((head.units,))
    model = build_predictor(keras.Model(raw, keras.layers.Identity()(raw), name="network"), head, flip_average=False)
    return {key: values.ravel().astype("float64") for key, values in model.predict(outputs, verbose=0).items()}


def numpy_of(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def losses(name: str, ages: np.ndarray, outputs: np.ndarray, **changes) -> np.ndarray:
    """The head's loss (n,) at `outputs` (n, units)."""
    return numpy_of(build(name).loss(recipe(**changes))(np.asarray(ages, "float32"), outputs.astype("float32")))


def random_distributions(count: int) -> np.ndarray:
    """Of all shapes: from nearly one year to nearly uniform, young and old."""
    random = np.random.default_rng(5)
    return np.stack([random.dirichlet(np.full(OLDEST + 1, 10.0**power)) for power in random.uniform(-2, 1, count)])


# Sampled at whole years a Gaussian's moments differ by about exp(-2 pi² spread²), and the edges are 6 spreads away.
@given(st.integers(30, 70), st.floats(1, 5))
def test_away_from_the_edges_a_label_is_a_gaussian_about_its_age(age, spread):
    found = numpy_of(label_distribution(np.array([[age]], "float32"), spread))
    density = norm.pdf(YEARS, age, spread)
    assert found.shape == (1, 101)
    np.testing.assert_allclose(found[0], density / density.sum(), atol=1e-5)


@pytest.mark.parametrize("spread", [0.01, 0.2, 0.5, 2.0, 5.0, 50.0])
def test_the_mean_of_every_label_is_its_age(spread):
    ages = np.concatenate([np.arange(0, 100.25, 0.25), [0.01, 0.1, 1.3, 99.9, 99.99]]).astype("float32")
    found = numpy_of(label_distribution(ages[:, None], spread)).astype("float64")
    assert found.shape == (len(ages), 101) and (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(found @ YEARS, ages, atol=1e-4)


@pytest.mark.parametrize("spread", [0.5, 2.0, 5.0])
def test_no_label_is_wider_than_its_gaussian_and_the_ends_mirror_each_other(spread):
    found = numpy_of(label_distribution(YEARS[:, None].astype("float32"), spread)).astype("float64")
    np.testing.assert_allclose(found, found[::-1, ::-1], atol=1e-6)
    widths = np.sqrt(np.maximum(found @ YEARS**2 - (found @ YEARS) ** 2, 0))
    assert widths[0] == 0 and (np.diff(widths[:51]) > -1e-3).all() and widths[50] < spread + 0.01


def test_between_two_years_a_label_goes_from_one_to_the_other():
    low, between, high = numpy_of(label_distribution(np.array([[4], [4.25], [5]], "float32"), 2.0))
    np.testing.assert_allclose(between, 0.75 * low + 0.25 * high, atol=1e-6)


def test_ages_above_one_hundred_are_taught_as_one_hundred():
    ages = np.array([[100], [100.5], [119]], "float32")
    for found in (numpy_of(label_distribution(ages, 2.0)), numpy_of(rank_labels(ages))):
        np.testing.assert_array_equal(found, np.repeat(found[:1], 3, axis=0))
    for name in NAMES[1:]:
        said = np.zeros((3, build(name).units))
        taught = losses(name, ages, said) - np.square(ages.ravel() - 50)
        np.testing.assert_allclose(taught, taught[0], atol=1e-3)


@given(st.lists(st.floats(0, 120, width=32), min_size=1, max_size=5))
def test_ranks_add_up_to_the_age(ages):
    found = numpy_of(rank_labels(np.array(ages, "float32")[:, None]))
    assert found.shape == (len(ages), 100) and found.dtype == np.float32
    for row, age in zip(found, ages):
        assert row.sum() == pytest.approx(min(age, OLDEST), abs=1e-4) and (np.diff(row) <= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_certain_outputs_say_their_age_without_spread(name):
    ages = np.array([0, 1, 37, 99, 100])
    outputs = raw_outputs(name, np.eye(OLDEST + 1)[ages])
    found = predicted(name, outputs)
    np.testing.assert_allclose(found["age"], ages, atol=1e-3)
    np.testing.assert_allclose(numpy_of(build(name).years(outputs)), ages[:, None], atol=1e-3)
    # The difference of squares up to 10,000 in float32 is exact to about 0.001 years squared.
    np.testing.assert_allclose(found.get("spread", 0), 0, atol=0.06)


@pytest.mark.parametrize("name", NAMES)
def test_years_and_spread_are_mean_and_standard_deviation(name):
    labels = numpy_of(label_distribution(np.array([[3], [40], [98.5]], "float32"), 4.0)).astype("float64")
    two_peaks = (np.eye(OLDEST + 1)[[20]] + np.eye(OLDEST + 1)[[80]]) / 2
    uniform = np.full((1, OLDEST + 1), 1 / (OLDEST + 1))
    distributions = np.concatenate([labels, two_peaks, uniform, random_distributions(20)])
    mean = distributions @ YEARS
    variance = (distributions * (YEARS - mean[:, None]) ** 2).sum(axis=1)
    found = predicted(name, raw_outputs(name, distributions))
    np.testing.assert_allclose(found["age"], mean, atol=2e-3)
    if name != "regression":
        np.testing.assert_allclose(found["spread"] ** 2, variance, atol=0.02)
        assert found["spread"][3] == pytest.approx(30, abs=1e-3)
        assert found["spread"][4] == pytest.approx(np.sqrt((101**2 - 1) / 12), abs=1e-3)


def test_ranks_that_contradict_each_other_have_no_negative_variance():
    outputs = np.where(np.arange(OLDEST) < 50, -20, 20)[None].astype("float32")  # no child, but older than 50
    found = predicted("ordinal", outputs)
    assert found["age"] == pytest.approx(50) and np.isfinite(found["spread"]).all()
    found = predicted("ordinal", -outputs[:, ::-1] * np.linspace(1, -1, OLDEST, dtype="float32"))
    assert np.isfinite(found["spread"]).all() and (found["spread"] >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_an_untrained_head_says_the_mean_age(name):
    for mean in (5, 31.2, 50, 75):
        assert predicted(name, build(name).start(mean)[None].astype("float32"))["age"] == pytest.approx(mean, abs=0.1)


def test_outputs_of_zero_say_nothing_or_the_middle():
    for name, age in zip(NAMES, (0, 50, 50)):
        assert predicted(name, np.zeros((1, build(name).units)))["age"] == pytest.approx(age, abs=1e-3)


ERRORS = {
    "mse": lambda error: error**2,
    "mae": np.abs,
    "huber": lambda error: np.where(np.abs(error) <= 5, error**2 / 2, 5 * np.abs(error) - 12.5),
}


@pytest.mark.parametrize("loss", ERRORS)
def test_the_regressions_loss_is_its_formula(loss):
    errors = np.array([0, 0.5, -3, 4.99, 5, -5, 5.01, 20, -80])
    ages = np.full(len(errors), 40.0)
    for shape in ((-1,), (-1, 1)):
        found = losses("regression", ages.reshape(shape), (ages + errors)[:, None], loss=loss)
        np.testing.assert_allclose(found, ERRORS[loss](errors), rtol=1e-4, atol=1e-5)
    assert HUBER_DELTA == 5


@pytest.mark.parametrize("loss", ERRORS)
def test_the_other_heads_add_cross_entropy_to_it(loss):
    random = np.random.default_rng(6)
    ages = np.array([0, 3.5, 40, 71.25, 100])
    outputs = random.normal(0, 2, (len(ages), OLDEST + 1))
    labels = numpy_of(label_distribution(ages[:, None].astype("float32"), 3.0))
    expected = -(labels * log_softmax(outputs, axis=1)).sum(axis=1)
    expected += ERRORS[loss](softmax(outputs, axis=1) @ YEARS - ages)
    found = losses("distribution", ages, outputs, loss=loss, label_spread=3.0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)

    outputs = outputs[:, :OLDEST]
    passed = np.clip(ages[:, None] - YEARS[:-1], 0, 1)
    expected = -(passed * log_expit(outputs) + (1 - passed) * log_expit(-outputs)).sum(axis=1)
    expected += ERRORS[loss](expit(outputs).sum(axis=1) - ages)
    np.testing.assert_allclose(losses("ordinal", ages, outputs, loss=loss), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("loss", ERRORS)
@pytest.mark.parametrize("name", NAMES)
def test_a_loss_is_lowest_at_the_truth(name, loss):
    ages = np.array([20, 50, 85])
    labels = numpy_of(label_distribution(ages[:, None].astype("float32"), 2.0)).astype("float64")
    truth = raw_outputs(name, labels if name == "distribution" else np.eye(OLDEST + 1)[ages])
    lowest = losses(name, ages, truth, loss=loss)
    # Cross-entropy does not reach 0 where the label is a distribution: its own entropy is the least.
    np.testing.assert_allclose(lowest, entropy(labels, axis=1) if name == "distribution" else 0, atol=2e-3)
    random = np.random.default_rng(8)
    for size in (0.3, 1, 5):
        # Certain ranks are at infinity: there are outputs beyond them, none of them any better.
        worse = losses(name, ages, np.clip(truth, -10, 10) + random.normal(0, size, truth.shape), loss=loss)
        assert (worse > lowest).all()


@pytest.mark.parametrize("name", NAMES)
def test_gradient_descent_goes_from_the_start_to_the_age(name):
    head, ages = build(name), np.array([12.0, 40.0, 77.0])
    outputs = keras.layers.Embedding(
        len(ages), head.units, embeddings_initializer=lambda shape, dtype: np.tile(head.start(30), (len(ages), 1))
    )
    model = keras.Sequential([keras.Input((), dtype="int32"), outputs])
    steps = 2_000
    schedule = keras.optimizers.schedules.CosineDecay(0.5, steps)
    model.compile(
        keras.optimizers.Adam(schedule), head.loss(recipe(label_spread=3.0)), steps_per_execution=100, jit_compile=False
    )
    rows = np.arange(len(ages))
    model.fit(np.tile(rows, steps), np.tile(ages, steps), batch_size=len(ages), shuffle=False, verbose=0)
    learnt = numpy_of(model(rows))
    np.testing.assert_allclose(predicted(name, learnt)["age"], ages, atol=0.1)
    if name == "distribution":
        labels = numpy_of(label_distribution(ages[:, None].astype("float32"), 3.0))
        np.testing.assert_allclose(softmax(learnt, axis=1), labels, atol=5e-3)
