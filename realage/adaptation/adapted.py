"""Reads the new source, chooses a change of the model, and writes the changed model if it is better beyond noise."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from realage.adaptation.choice import Method, best_of, judge_choice, scores_of
from realage.adaptation.correction import Correction, corrected_model, fit_correction
from realage.adaptation.head import Features, HeadChange, change_head
from realage.adaptation.source import Source, read_source
from realage.calibration.interval import read_calibration
from realage.core.columns import PHOTO, REAL_AGE
from realage.core.digests import file_md5
from realage.core.errors import UserError
from realage.core.formatting import count_photos
from realage.evaluation.intervals import MIN_PEOPLE, Interval, effective_people, mean_interval
from realage.labels.params import ValidateParams
from realage.network.archive import not_ours
from realage.network.contents import read_learnt, read_recipe
from realage.network.device import set_up_device
from realage.network.learnt import LearntPhotos
from realage.network.model_file import load_model, save_model
from realage.network.quiet_keras import keras
from realage.splits.versions import data_version

MIN_PHOTOS = 50
KNOTS = {"shift": 1, "linear": 2, "monotone": 4}  # by method
PENALTIES = {"head, slightly": 30.0, "head, moderately": 3.0, "head, strongly": 0.3}  # by method; see Features.fit
UNCHANGED = "none"
MOST_FOR_HEAD = 2_000  # photos: the time grows with their cube
THREADS = 2  # a constant, since another number changes the last digits


class Gain(NamedTuple):
    """What the adaptation changes on photos of the new source, in years; `interval` is that of the MAE's difference."""

    mae_before: float
    mae_after: float
    bias_before: float
    bias_after: float
    interval: Interval

    @property
    def difference(self) -> float:
        """The change of the MAE; negative is better."""
        return self.mae_after - self.mae_before


def write_adapted(model_file: Path, labels: Path, images: Path, rules: ValidateParams, out: Path) -> None:
    """Write `out`: the model, corrected for the photos in `images` that `labels` names and `rules` accept.

    Raises UserError, and writes nothing, if an input is not valid, if there are fewer than MIN_PHOTOS photos or too few
    people for an interval, and if the best correction does not lower the MAE beyond noise.
    """
    recipe = read_recipe(model_file)
    if recipe.adaptation:
        raise UserError(f"{model_file}: it is an adapted model: adapt the model that it came from, with all photos of "
                        "the new source")
    source = read_source(labels, images, recipe.prepare, rules)
    _require_enough(source, labels)
    print(f"adapt: {count_photos(len(source.people), len(np.unique(source.people)))}")
    set_up_device(keras.backend.backend(), THREADS)
    model = load_model(model_file)
    real, features = source.rows[REAL_AGE].to_numpy(), _features(model, source, model_file)

    methods, everyone = _methods(features, real), np.ones(len(real), bool)
    scores = scores_of(methods, real, source.people, everyone)
    chosen = best_of(scores)
    print("adapt: cross-validated MAE: " + "; ".join(f"{name} {mae:.2f}" for name, mae in scores.items()))
    gain = _gain(features.ages(), judge_choice(methods, real, source.people), real, source.people)
    _require_gain(gain, chosen, model_file)

    change = methods[chosen](everyone)[0]
    adaptation = {"model_md5": file_md5(model_file), "method": chosen, **_facts(source, gain), **_settings(change)}
    learnt = read_learnt(model_file)
    if learnt is not None:
        learnt |= LearntPhotos.of(source.rows[PHOTO])
    save_model(_changed(model, change), out, recipe.model_copy(update={"adaptation": adaptation}), learnt)
    print(f"adapt: {chosen}: MAE {gain.mae_before:.2f} before and {gain.mae_after:.2f} after, {_difference(gain)}; "
          f"bias {gain.bias_before:+.2f} before and {gain.bias_after:+.2f} after\nadapt: {out}")
    if read_calibration(model_file, model.output):
        print("adapt: it gives no intervals: those of the model before do not hold for the changed ages")


def _features(model: keras.Model, source: Source, model_file: Path) -> Features:
    try:
        return Features.of(model, source.pixels)
    except ValueError as error:
        raise not_ours(model_file, str(error)) from error


def _changed(model: keras.Model, change: object) -> keras.Model:
    if isinstance(change, Correction):
        return corrected_model(model, change)
    assert isinstance(change, HeadChange)
    change_head(model, change)
    return model


def _require_enough(source: Source, labels: Path) -> None:
    photos, people = len(source.people), effective_people(source.people)
    if photos < MIN_PHOTOS:
        raise UserError(f"{labels}: {photos} usable photos, fewer than {MIN_PHOTOS}: label more")
    if people < MIN_PEOPLE:
        raise UserError(f"{labels}: its {photos} photos count as {people:.0f} people, fewer than {MIN_PEOPLE}, since "
                        "photos of one person are alike: label photos of more people")


def _methods(features: Features, real: np.ndarray) -> dict[str, Method]:
    """All methods by name, the simplest first, which wins if errors are equal."""
    predicted = features.ages()
    penalties = PENALTIES if len(real) <= MOST_FOR_HEAD else {}

    def correct(knots: int, train: np.ndarray) -> tuple[object, np.ndarray]:
        correction = fit_correction(predicted[train], real[train], knots)
        return correction, correction.corrected(predicted)

    return {
        UNCHANGED: lambda train: (None, predicted),
        **{name: partial(correct, knots) for name, knots in KNOTS.items()},
        **{name: partial(features.fit, real, penalty=penalty) for name, penalty in penalties.items()},
    }


def _gain(before: np.ndarray, after: np.ndarray, real: np.ndarray, people: np.ndarray) -> Gain:
    old, new = before - real, after - real
    interval = mean_interval(np.abs(new) - np.abs(old), people)
    assert interval, "there are enough people"
    mae_before, mae_after = float(np.abs(old).mean()), float(np.abs(new).mean())
    return Gain(mae_before, mae_after, float(old.mean()), float(new.mean()), interval)


def _require_gain(gain: Gain, chosen: str, model_file: Path) -> None:
    if chosen == UNCHANGED or gain.interval.high >= 0:
        raise UserError(f"{model_file}: no correction lowers its error on these photos beyond noise (MAE "
                        f"{gain.mae_before:.2f} before and {gain.mae_after:.2f} after, {_difference(gain)}): nothing "
                        "is written: use the model as it is, or label more photos")


def _difference(gain: Gain) -> str:
    return f"difference {gain.difference:+.2f}, 95% interval {gain.interval.low:+.2f} to {gain.interval.high:+.2f}"


def _facts(source: Source, gain: Gain) -> dict:
    years = {
        "mae_before": gain.mae_before,
        "mae_after": gain.mae_after,
        "difference": gain.difference,
        "difference_ci95_lo": gain.interval.low,
        "difference_ci95_hi": gain.interval.high,
        "bias_before": gain.bias_before,
        "bias_after": gain.bias_after,
    }
    return {
        "data_version": data_version(source.rows),
        "photos": len(source.people),
        "people": len(np.unique(source.people)),
        **{name: round(value, 4) for name, value in years.items()},
    }


def _settings(change: object) -> dict:
    """The knots and shifts of a correction; nothing for a head, whose weights are in the model."""
    return {"knots": change.knots.tolist(), "shifts": change.shifts.tolist()} if isinstance(change, Correction) else {}
