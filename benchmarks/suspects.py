"""How many wrong labels `realage suspects` puts first, on photos of people of whose labels some are made wrong.

    REALAGE_FACES=FOLDER python -m benchmarks.suspects --weights FILE [--photos N] [--seeds N...] [--work FOLDER]
        [--json FILE]

FOLDER has `labels.csv` and `final_files`. The recipe is that of `presets/faces_small.yaml`, with the backbone's weights
from FILE. For each seed, the ages of 1% of the photos are shifted by 15 to 40 years, and the stages up to `weights` and
`realage suspects` run as a user would run them. The rival is the residual of one network that was trained in the same
way on all photos. A seed that is finished, and a fold of one that is not, are kept in the work folder. Prints Markdown.
"""

import argparse
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.faces_project import faces_folder, prepare_project, require_weights, run_python
from realage.core.columns import FILE_NAME, PREDICTED_AGE, REAL_AGE
from realage.core.files import read_json, read_listing, write_csv, write_json
from realage.core.params import check_section, load
from realage.core.paths import PREPARED
from realage.network.backbones import ModelParams
from realage.network.recipe import TrainParams
from realage.runner.command import run
from realage.suspects.command import LISTED
from realage.suspects.ranking import SCORE

SHARE, SHIFTS = 0.01, (15, 40)  # of the labels; years
OLDEST = 100  # years: a shift that leads further goes the other way
FOLDS, SIZE, EPOCHS = 3, 96, 10
RANKS = {"suspects": "`realage suspects`", "out_of_fold": "out-of-fold residual", "in_sample": "in-sample residual"}


def benchmark() -> None:
    """Print, for each seed and way to rank, the share of wrong labels among as many first labels as there are wrong."""
    arguments = _parse_arguments()
    weights, json_file = require_weights(arguments.weights), arguments.json and arguments.json.absolute()
    labels = _draw_photos(faces_folder(), arguments.photos, arguments.work)
    os.chdir(arguments.work)
    results = [_measured(seed, labels, weights) for seed in arguments.seeds]
    if json_file:
        facts = {"photos": len(labels), "share": SHARE, "years": list(SHIFTS)}
        facts |= {"folds": FOLDS, "size": SIZE, "epochs": EPOCHS}
        write_json(json_file, {**facts, "seeds": results})
    print(f"| seed | wrong labels | {' | '.join(RANKS.values())} |\n{'|---:' * (2 + len(RANKS))}|")
    for result in results:
        found = " | ".join(f"{result['precision'][rank]:.2f}" for rank in RANKS)
        print(f"| {result['seed']} | {result['wrong']} | {found} |")


def shift_ages(ages: np.ndarray, seed: int) -> np.ndarray:
    """Return `ages`, float (n,), years, of which a share of SHARE is shifted by SHIFTS years, up or down at random."""
    random = np.random.default_rng(seed)
    wrong = random.choice(len(ages), round(SHARE * len(ages)), replace=False)
    shift = random.integers(SHIFTS[0], SHIFTS[1], len(wrong), endpoint=True) * random.choice([-1, 1], len(wrong))
    inside = (ages[wrong] + shift >= 0) & (ages[wrong] + shift <= OLDEST)
    shifted = ages.copy()
    shifted[wrong] += np.where(inside, shift, -shift)
    return shifted


def precision_at_number(score: np.ndarray, wrong: np.ndarray) -> float:
    """The share of `wrong`, bool (n,), among as many labels with the highest `score`, float (n,), as are wrong."""
    return float(wrong[np.argsort(-score, kind="stable")[: wrong.sum()]].mean())


def _draw_photos(faces: Path, photos: int, work: Path) -> pd.DataFrame:
    """Copy the photos into the work folder, and return their labels."""
    labels = pd.read_csv(faces / "labels.csv", dtype={FILE_NAME: str})[[FILE_NAME, REAL_AGE]]
    labels = labels.sample(photos, random_state=0).sort_values(FILE_NAME, ignore_index=True)
    folder = work / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    for name in labels[FILE_NAME]:
        if not (folder / name).exists():
            shutil.copyfile(faces / "final_files" / name, folder / name)
    return labels.astype({REAL_AGE: "float64"})


def _measured(seed: int, labels: pd.DataFrame, weights: Path) -> dict[str, Any]:
    finished = Path(f"seed-{seed}.json")
    if not finished.is_file():
        shifted = labels.assign(real_age=shift_ages(labels[REAL_AGE].to_numpy(), seed))
        write_csv(Path("labels.csv"), shifted)
        prepare_project(Path("labels.csv"), Path("photos"), weights, seed)
        run_python("-m", "realage", "suspects", f"--folds={FOLDS}", f"--size={SIZE}", f"--epochs={EPOCHS}")
        ranked = read_listing(LISTED).astype(dict.fromkeys([REAL_AGE, PREDICTED_AGE, SCORE], float))
        in_sample = _in_sample(seed)
        ranked = ranked.merge(in_sample, on=FILE_NAME).merge(labels, on=FILE_NAME, suffixes=("", "_before"))
        write_csv(Path(f"seed-{seed}.csv"), ranked)
        write_json(finished, _score(seed, ranked))
    return read_json(finished)


def _score(seed: int, ranked: pd.DataFrame) -> dict[str, Any]:
    wrong = (ranked[REAL_AGE] != ranked[f"{REAL_AGE}_before"]).to_numpy()
    scores = {
        "suspects": ranked[SCORE],
        "out_of_fold": (ranked[PREDICTED_AGE] - ranked[REAL_AGE]).abs(),
        "in_sample": (ranked["in_sample_age"] - ranked[REAL_AGE]).abs(),
    }
    found = {name: precision_at_number(score.to_numpy(), wrong) for name, score in scores.items()}
    return {"seed": seed, "labels": len(ranked), "wrong": int(wrong.sum()), "precision": found}


def _in_sample(seed: int) -> pd.DataFrame:
    """The ages of all photos by one network that has learnt from all of them: `file_name`, `in_sample_age`, years."""
    from realage.network.device import set_up_device
    from realage.suspects.search import read_photos
    from realage.suspects.training import Setup, resize_prepared
    from realage.training.checkpoints import Checkpoints

    model, train = load("model", ModelParams), load("train", TrainParams)
    train = check_section("train", {**train.model_dump(), "epochs": EPOCHS}, TrainParams)
    set_up_device(train.backend, train.threads)
    rows, photos = read_photos(), Path("photos-resized")
    resize_prepared(PREPARED, rows["photo"], SIZE, photos)
    checkpoints = Checkpoints(Path("in-sample"), {"device": "any", "seed": str(seed)})
    ages = Setup(photos, SIZE, model, train).ages_of(rows, rows, checkpoints)["age"]
    return rows[[FILE_NAME]].assign(in_sample_age=ages)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suspects", description="Find labels made wrong.")
    parser.add_argument("--weights", type=Path, required=True, metavar="FILE", help="of MobileNetV2, without its top")
    parser.add_argument("--photos", type=int, default=2_000, metavar="N", help="default: %(default)s")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="default: 1 2 3")
    parser.add_argument("--work", type=Path, default=Path("suspects-work"), metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser.parse_args()


if __name__ == "__main__":
    run(benchmark)
