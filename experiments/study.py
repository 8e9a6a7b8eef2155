"""Run the trials of trials.yaml with `dvc exp run`, and add the results to results.csv and curves.csv.

    python -m experiments.study SCALE [--trials NAME...] [--seeds N...] --labels CSV --images FOLDER --weights H5

A trial that results.csv has at this scale with this seed is not run again. An interrupted trial resumes after its last
finished epoch. The study overwrites the results of the stages, and params.yaml, which it restores: run it in a clone.
"""

import argparse
import csv
import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from realage.core.errors import UserError
from realage.core.files import read_json, read_rows
from realage.core.params import read_params
from realage.runner.command import run

HERE = Path(__file__).parent
PARAMS, BASE = Path("params.yaml"), Path("presets/seed.yaml")
RUN = Path("metrics/run.json")
METRICS = ("n", "mae", "mae_ci95_lo", "mae_ci95_hi", "balanced_mae", "bias", "cs5")
OLD = 60  # years


def study() -> None:
    """Run the trials that results.csv lacks, one after the other."""
    arguments = _parse_arguments()
    plan = read_params(HERE / "trials.yaml")
    scale = _look_up(plan["scales"], arguments.scale)
    trials = {name: {**changes_of(plan["trials"], name), **scale} for name in arguments.trials or plan["trials"]}
    _require_sources(arguments)
    with _restored_params():
        for trial, changes in trials.items():
            for seed in arguments.seeds:
                _add_trial(trial, changes, seed, arguments)


def _add_trial(trial: str, changes: dict[str, Any], seed: int, arguments: argparse.Namespace) -> None:
    results, curves = (arguments.results / f"{name}.csv" for name in ("results", "curves"))
    key = {"scale": arguments.scale, "trial": trial, "backbone": arguments.backbone, "seed": str(seed)}
    key["changes"] = digest(changes)
    if not is_done(results, key):
        _run_trial(f"{arguments.scale}-{trial}-{seed}", {**changes, "train.seed": seed, **_data(arguments)})
        if not is_done(curves, key):
            add_rows(curves, [{**key, **epoch} for epoch in _read_csv(Path("plots/training.csv"))])
        add_rows(results, [{**key, **_read_results()}])


def changes_of(trials: dict[str, dict], name: str) -> dict[str, Any]:
    """All changes of trial `name` to the base params: those of the trial that it starts from, and its own.

    Raises UserError if there is no such trial.
    """
    trial = _look_up(trials, name)
    return {**(changes_of(trials, trial["from"]) if "from" in trial else {}), **trial["set"]}


def digest(changes: dict[str, Any]) -> str:
    """A hash of `changes`, eight hexadecimal digits, so that an edited trial runs again."""
    return hashlib.sha256(json.dumps(changes, sort_keys=True).encode()).hexdigest()[:8]


def _look_up(known: dict[str, Any], name: str) -> Any:
    if name not in known:
        raise UserError(f"{name}: not in trials.yaml: it has {', '.join(known)}")
    return known[name]


def _require_sources(arguments: argparse.Namespace) -> None:
    weights = [] if arguments.weights in ("imagenet", "none") else [Path(arguments.weights)]
    for source in (arguments.labels, arguments.images, *weights):
        if not source.exists():
            raise UserError(f"{source}: no such file or folder")


@contextmanager
def _restored_params() -> Iterator[None]:
    """Restore params.yaml after the trials have overwritten it. Raises UserError if it has uncommitted changes."""
    if subprocess.run(["git", "diff", "--quiet", "HEAD", "--", PARAMS], check=False, capture_output=True).returncode:
        raise UserError(f"{PARAMS}: has uncommitted changes, and trials overwrite it: commit it or restore it with Git")
    before = PARAMS.read_bytes()
    try:
        yield
    finally:
        PARAMS.write_bytes(before)


def _data(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "dataset.labels": str(arguments.labels.absolute()),
        "dataset.images": str(arguments.images.absolute()),
        "model.backbone": arguments.backbone,
        "model.weights": arguments.weights,
        "train.threads": arguments.threads,
    }


def _run_trial(name: str, changes: dict[str, Any]) -> None:
    print(f"\n== {name}", flush=True)
    PARAMS.write_bytes(BASE.read_bytes())
    RUN.unlink(missing_ok=True)  # not written if DVC restores the results of an earlier run
    settings = [f"--set-param={key}={json.dumps(value)}" for key, value in changes.items()]
    # DVC accepts a name once. An experiment of this name is not needed, as its figures are not in results.csv.
    subprocess.run(["dvc", "exp", "remove", "--quiet", name], check=False, capture_output=True)
    if subprocess.run(["dvc", "exp", "run", "--name", name, *settings], check=False).returncode:
        raise UserError(f"{name}: the run failed, see above: fix it and start the study again, it resumes here")


def _read_results() -> dict[str, Any]:
    evaluation, training = (read_json(Path(f"metrics/{name}.json")) for name in ("evaluate", "train"))
    machine = read_json(RUN) if RUN.exists() else None
    whole = machine and machine["epochs_before"] == 0
    predictions = read_rows(Path("data/predictions.csv"))
    errors = (predictions["predicted_age"] - predictions["real_age"]).abs()
    old = (predictions["split"] == "val") & (predictions["real_age"] >= OLD)
    return {
        **{name: round(evaluation["val"][name], 3) if name in evaluation["val"] else "" for name in METRICS},
        "mae_60plus": round(errors[old].mean(), 3),
        "train_mae": round(training["train_mae"], 3),
        "kept_epoch": training["kept_epoch"],
        "epochs": training["epochs"],
        "photos_seen": training["photos"] * training["epochs"],
        "seconds": machine["seconds"] if whole else "",  # of a resumed training, only a part is known
        "test_mae": round(evaluation["test"]["mae"], 3) if "test" in evaluation else "",
        "data_version": evaluation["data_version"],
    }


def is_done(results: Path, key: dict[str, str]) -> bool:
    """Whether `results` has a row with these values."""
    return results.is_file() and any(key.items() <= row.items() for row in _read_csv(results))


def add_rows(table: Path, rows: list[dict[str, Any]]) -> None:
    """Append to a CSV `table`, to which several studies may write; raises UserError if its columns differ."""
    with FileLock(f"{table}.lock"), table.open("a+", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
        file.seek(0)
        if (columns := next(csv.reader(file))) != list(rows[0]):
            raise UserError(f"{table}: has columns {', '.join(columns)}: name another folder with --results")
        writer.writerows(rows)


def _read_csv(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.study", description="Run the study's trials.")
    parser.add_argument("scale", help="how many photos, of what size: a scale of trials.yaml")
    parser.add_argument("--trials", nargs="+", metavar="NAME", help="default: all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1], metavar="N", help="default: 1")
    parser.add_argument("--labels", type=Path, required=True, help="CSV with columns file_name and real_age")
    parser.add_argument("--images", type=Path, required=True, help="folder of the photos")
    parser.add_argument("--weights", required=True, help="imagenet, none, or a weights file of the backbone")
    parser.add_argument("--backbone", default="MobileNetV2", help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s; one study per core is fastest")
    parser.add_argument("--results", type=Path, default=HERE, metavar="FOLDER", help="default: experiments/")
    return parser.parse_args()


if __name__ == "__main__":
    run(study)
