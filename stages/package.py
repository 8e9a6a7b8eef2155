"""Trained network -> the model that is evaluated, promoted and used.

It answers in years, with an interval that was calibrated on photos it has not learnt from. Its file contains its recipe
and measures of its training photos.
"""

import math
from collections.abc import Iterator
from functools import partial

import pandas as pd

from realage.calibration.fit import calibrate, fit_scale, least_people
from realage.calibration.interval import Calibration
from realage.core.columns import EYE_DISTANCE, PERSON, PHOTO, REAL_AGE
from realage.core.errors import UserError
from realage.core.files import read_json
from realage.core.params import load
from realage.core.paths import CALIBRATION, INDEX, MODEL, NETWORK, PREPARED, PREPARED_LIST, metrics_file
from realage.evaluation.metrics import EvaluateParams
from realage.network.backbones import ModelParams
from realage.network.contents import read_learnt, read_recipe
from realage.network.device import set_up_device
from realage.network.familiarity import with_familiarity
from realage.network.finite import require_numbers
from realage.network.heads import build_head
from realage.network.learnt import LearntPhotos
from realage.network.model import build_predictor
from realage.network.model_file import load_network, predict_ages, save_model
from realage.network.quiet_keras import keras
from realage.photos.likeness import AGE, FAMILIARITY, Seen, look_at, summarize
from realage.photos.parallel import map_photos
from realage.photos.params import PrepareParams
from realage.photos.prepared import read_index, read_prepared, require_indexed
from realage.runner.command import run
from realage.splits.calibration import PART, QUANTILE, SCALE
from realage.splits.versions import HELD_OUT_VERSIONS
from realage.training.photo_dataset import PhotoDataset

SUMMARIZED = 5_000  # training photos; more take longer and say the same


def package() -> None:
    """Write `models/age.keras`: network, head, mean over the mirror image, recipe, calibration, training photos."""
    recipe, learnt = read_recipe(NETWORK), read_learnt(NETWORK)
    set_up_device(recipe.train["backend"], recipe.train["threads"])
    flip_average = load("model", ModelParams).flip_average
    params = ModelParams(**recipe.model, flip_average=flip_average)
    model = build_predictor(load_network(NETWORK), build_head(params), flip_average)
    recipe = recipe.model_copy(update={"model": params.model_dump(), "data": _data_versions()})
    batch_size = recipe.train["batch_size"]
    held_out = _answer_held_out(with_familiarity(model), learnt, batch_size)
    calibration = _calibrate(held_out)
    answers = {name: held_out[name].to_numpy() for name in (AGE, FAMILIARITY) if name in held_out}
    summary = summarize(_look_at_training(recipe.prepare), answers)
    texts = (calibration.to_json() if calibration else None, summary.model_dump_json(indent=2) if summary else None)
    save_model(model, MODEL, recipe, learnt, *texts)
    print(f"package: {MODEL}, {params.backbone} with head {params.head}, {recipe.prepare.image_size} pixels")


def _answer_held_out(model: keras.Model, learnt: LearntPhotos | None, batch_size: int) -> pd.DataFrame:
    """The answers of `model` to validation photos that it has not learnt from, with their hashes as index."""
    index = read_index(INDEX / "val.csv")
    index = index if learnt is None else index[~learnt.holds(index[PHOTO])]
    if index.empty:
        return pd.DataFrame({AGE: []})
    require_indexed(PREPARED, index)
    answers = predict_ages(model, PhotoDataset(PREPARED, index[PHOTO], index[REAL_AGE], batch_size))
    require_numbers(answers, MODEL)
    return answers.set_index(index[PHOTO])


def _calibrate(held_out: pd.DataFrame) -> Calibration | None:
    """Calibrate on the photos of `data/index/calibration.csv` among those `held_out`; None if too few."""
    coverage = load("evaluate", EvaluateParams).coverage
    index = read_index(CALIBRATION)
    index = index[index[PHOTO].isin(held_out.index)]
    scaling, calibrating = (index[index[PART] == part] for part in (SCALE, QUANTILE))
    people = calibrating[PERSON].to_numpy()
    if scaling.empty or len(set(people)) < least_people(coverage):
        print(f"package: predictions have no intervals: the validation photos that calibrate them show "
              f"{len(set(people))} people, fewer than {least_people(coverage)}: add photos or raise split.val_fraction")
        return None
    scale = fit_scale(scaling[REAL_AGE].to_numpy(), held_out.loc[scaling[PHOTO]])
    return calibrate(scale, calibrating[REAL_AGE].to_numpy(), held_out.loc[calibrating[PHOTO]], people, coverage)


def _look_at_training(prepare: PrepareParams) -> Iterator[Seen]:
    """Measure the first SUMMARIZED training photos, in the order of their hashes."""
    index = read_index(INDEX / "train.csv").sort_values(PHOTO).head(SUMMARIZED)
    require_indexed(PREPARED, index)
    found = pd.read_csv(PREPARED_LIST, dtype={PHOTO: str}).set_index(PHOTO)[EYE_DISTANCE]
    eyes = [None if math.isnan(distance) else float(distance) for distance in found.reindex(index[PHOTO])]
    return map_photos(partial(_look_at_prepared, prepare), list(zip(index[PHOTO], eyes)), "package: training photos")


def _look_at_prepared(prepare: PrepareParams, photo: tuple[str, float | None]) -> Seen:
    name, eyes = photo
    return look_at(read_prepared(PREPARED, name), prepare, eyes)


def _data_versions() -> dict[str, str]:
    """Return `data_version`, `val_version` and, if there is a test split, `test_version`."""
    figures = read_json(metrics_file("validate")) | read_json(metrics_file("split"))
    if "data_version" not in figures:
        raise UserError("metrics/validate.json: has no data_version: run 'dvc repro'")
    return {key: figures[key] for key in ("data_version", *HELD_OUT_VERSIONS.values()) if key in figures}


if __name__ == "__main__":
    run(package)
