"""Whether labels of the photos of which a model is least certain teach it more than labels of random ones.

    REALAGE_FACES=FOLDER python -m benchmarks.label_next --weights FILE [--draws N...] [--work FOLDER] [--json FILE]

FOLDER has `labels.csv` and `final_files`. The recipe is that of `presets/faces_small.yaml` at 96 pixels and 12 epochs,
with the backbone's weights from FILE. In each draw a network is trained on 1,000 random training photos. Then two are
trained from the start on these and 500 more: random ones, the rival, and those of which the first network predicts
the largest spread (uncertainty sampling, Lewis & Gale 1994, SIGIR), without near-duplicates. All are judged on the
validation and test photos. A network that is finished is not trained again. Prints Markdown.
"""

import argparse
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.faces_project import faces_folder, prepare_project, require_weights
from realage.core.columns import PERCEPTUAL_HASH, REAL_AGE
from realage.core.files import write_csv, write_json
from realage.core.params import check_section, load
from realage.core.paths import PREPARED
from realage.evaluation.intervals import mean_interval
from realage.network.backbones import ModelParams
from realage.network.device import set_up_device
from realage.network.recipe import TrainParams
from realage.runner.command import run
from realage.splits.assign import HELD_OUT
from realage.splits.near_duplicates import group_near_duplicates
from realage.splits.people import people_apart
from realage.suspects.search import read_photos
from realage.suspects.training import Setup, resize_prepared
from realage.training.checkpoints import Checkpoints

LABELLED, COUNT, SIZE, EPOCHS = 1_000, 500, 96, 12
OLD = 60  # years
LINES = {"all photos": lambda ages: ages >= 0, "60 and older": lambda ages: ages >= OLD}


class Trainer(NamedTuple):
    """Trains networks on some of `rows`, and keeps their answers to others."""

    setup: Setup
    rows: pd.DataFrame

    def answers(self, name: str, learnt: pd.Index, asked: pd.Index) -> pd.DataFrame:
        """Ages and spreads of the rows `asked`, years, by a network that was trained on the rows `learnt`."""
        finished = Path(f"{name}.csv")
        if not finished.is_file():
            print(f"\n== {name}", flush=True)
            checkpoints = Checkpoints(Path("checkpoints") / name, {"device": "any", "name": name})
            answers = self.setup.ages_of(self.rows.loc[asked], self.rows.loc[learnt], checkpoints)
            write_csv(finished, answers.rename_axis("row").reset_index())
        return pd.read_csv(finished, index_col="row")


def benchmark() -> None:
    """Print the errors after random and after chosen labels, and the difference with its 95% interval."""
    arguments = _parse_arguments()
    weights, json_file = require_weights(arguments.weights), arguments.json and arguments.json.absolute()
    faces = faces_folder()
    arguments.work.mkdir(parents=True, exist_ok=True)
    os.chdir(arguments.work)
    trainer = _prepare(faces, weights)
    judged = trainer.rows[trainer.rows["split"].isin(HELD_OUT)]
    errors = pd.concat({draw: _errors(draw, trainer, judged) for draw in arguments.draws}, names=["draw"])
    people = pd.Series(people_apart(judged), index=judged.index)
    results = {line: _compared(errors, judged, people, arguments.draws, line) for line in LINES}
    if json_file:
        write_json(json_file, {"labelled": LABELLED, "more": COUNT, "judged": len(judged), **results})
    print("\n| photos | MAE before | after random labels | after chosen labels | difference | by draw |")
    print("|---|---:|---:|---:|---:|---:|")
    for line, found in results.items():
        draws = ", ".join(f"{difference:+.2f}" for difference in found["by_draw"])
        interval = f"[{found['low']:+.2f}, {found['high']:+.2f}]"
        print(f"| {line} ({found['photos']:,}) | {found['before']:.2f} | {found['random']:.2f} | {found['chosen']:.2f} "
              f"| {found['difference']:+.2f} {interval} | {draws} |")


def _prepare(faces: Path, weights: Path) -> Trainer:
    photos = Path("photos-resized")
    if not photos.is_dir():
        prepare_project(faces / "labels.csv", faces / "final_files", weights, seed=1)
        resize_prepared(PREPARED, read_photos()["photo"], SIZE, photos)
    model, train = load("model", ModelParams), load("train", TrainParams)
    train = check_section("train", {**train.model_dump(), "epochs": EPOCHS, "threads": 1}, TrainParams)
    set_up_device(train.backend, train.threads)
    return Trainer(Setup(photos, SIZE, model, train), read_photos())


def _errors(draw: int, trainer: Trainer, judged: pd.DataFrame) -> pd.DataFrame:
    """Absolute errors in years of the judged photos: columns `before`, `random` and `chosen`."""
    pool = trainer.rows[trainer.rows["split"] == "train"].sample(frac=1, random_state=draw)
    labelled, others = pool.head(LABELLED), pool.iloc[LABELLED:]
    before = trainer.answers(f"{draw}-before", labelled.index, others.index.union(judged.index))
    spread = before["spread"].loc[_new_pictures(others, labelled).index]
    picked = {"random": others.head(COUNT), "chosen": spread.sort_values(ascending=False, kind="stable").head(COUNT)}
    after = {name: trainer.answers(f"{draw}-{name}", labelled.index.union(more.index), judged.index)
             for name, more in picked.items()}
    ages = pd.DataFrame({name: answers["age"] for name, answers in {"before": before, **after}.items()})
    return ages.loc[judged.index].sub(judged[REAL_AGE], axis=0).abs()


def _new_pictures(photos: pd.DataFrame, labelled: pd.DataFrame) -> pd.DataFrame:
    """The rows of `photos` without near-duplicates of `labelled`, and with one of those among them."""
    groups = group_near_duplicates([*labelled[PERCEPTUAL_HASH], *photos[PERCEPTUAL_HASH]])
    known, group = np.split(groups, [len(labelled)])
    return photos[~np.isin(group, known) & ~pd.Series(group).duplicated().to_numpy()]


def _compared(
    errors: pd.DataFrame, judged: pd.DataFrame, people: pd.Series, draws: list[int], line: str
) -> dict[str, object]:
    """The means over the draws; the interval is over people, whose errors are averaged over the draws first."""
    photos = judged.index[LINES[line](judged[REAL_AGE])]
    by_draw = {draw: errors.loc[draw].loc[photos] for draw in draws}
    mean = sum(by_draw.values()) / len(draws)
    difference = mean["chosen"] - mean["random"]
    interval = mean_interval(difference.to_numpy(), people.loc[photos].to_numpy())
    assert interval is not None  # thousands of photos
    return {
        "photos": len(photos),
        **{name: float(mean[name].mean()) for name in ("before", "random", "chosen")},
        "difference": float(difference.mean()), "low": interval.low, "high": interval.high,
        "by_draw": [float((one["chosen"] - one["random"]).mean()) for one in by_draw.values()],
    }  # fmt: skip


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.label_next", description="Chosen or random labels.")
    parser.add_argument("--weights", type=Path, required=True, metavar="FILE", help="of MobileNetV2, without its top")
    parser.add_argument("--draws", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="default: 1 2 3")
    parser.add_argument("--work", type=Path, default=Path("label-next-work"), metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser.parse_args()


if __name__ == "__main__":
    run(benchmark)
