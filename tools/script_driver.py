"""The command line of dist/train.py: every stage, one after the other, in a folder of its own."""

import argparse
import contextlib
from pathlib import Path

import yaml

from realage.backbones import ModelParams, require_weights_file
from realage.dataset import DatasetParams
from realage.device import set_up_device
from realage.errors import UserError
from realage.labels import ValidateParams
from realage.metrics import EvaluateParams
from realage.params import load, read_params
from realage.prepared import PrepareParams
from realage.quiet_keras import keras
from realage.recipe import TrainParams
from realage.splits import SplitParams
from stages.evaluate import evaluate
from stages.prepare import prepare
from stages.split import split
from stages.train import train
from stages.validate import validate
from stages.weights import weights

STAGES = (validate, split, prepare, weights, train, evaluate)
SECTIONS = {
    "dataset": DatasetParams,
    "validate": ValidateParams,
    "split": SplitParams,
    "prepare": PrepareParams,
    "model": ModelParams,
    "train": TrainParams,
    "evaluate": EvaluateParams,
}
# Also how a folder is known again as one that may be written to.
WRITTEN_BY = "# Written by train.py from its PARAMS and its command line: edit PARAMS, and this file is written anew.\n"


def run_stages(params_text: str) -> None:
    """Train and evaluate on the data that the command line names; `params_text` is a params file's text."""
    arguments = _parse_arguments()
    _check_paths(arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)
    _write_params(params_text, arguments)
    with contextlib.chdir(arguments.out):
        train_params = load("train", TrainParams)
        # TensorFlow takes its threads only before the first computation, and the stage weights may be the first.
        set_up_device(train_params.backend, train_params.threads)
        for stage in STAGES:
            print(f"\n== {stage.__name__}", flush=True)
            # Keras numbers layers through, and the numbers end in the model file: let each stage start from none.
            keras.utils.clear_session()
            stage()
    print(f"\ndone: model {arguments.out}/models/age.keras, metrics in {arguments.out}/metrics, "
          f"plots in {arguments.out}/plots")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a model that predicts ages from face photos, and evaluate it.")
    parser.add_argument("--labels", type=Path, required=True, help="CSV with columns file_name and real_age (years)")
    parser.add_argument("--images", type=Path, required=True, help="folder of the photos that file_name names")
    parser.add_argument("--out", type=Path, default=Path("run"), help="folder for the results (default: %(default)s)")
    return parser.parse_args()


def _check_paths(arguments: argparse.Namespace) -> None:
    if not arguments.labels.is_file():
        raise UserError(f"--labels {arguments.labels}: no such file: name your label file")
    if not arguments.images.is_dir():
        raise UserError(f"--images {arguments.images}: no such folder: name the folder of the photos")
    if arguments.out.resolve().is_relative_to(arguments.images.resolve()):
        raise UserError(f"--out {arguments.out}: is inside the photos' folder: name a folder elsewhere")
    if arguments.out.is_dir() and any(arguments.out.iterdir()) and not _is_earlier_run(arguments.out):
        raise UserError(f"--out {arguments.out}: holds files of something else: name a new folder")


def _is_earlier_run(folder: Path) -> bool:
    params = folder / "params.yaml"
    return params.is_file() and params.read_bytes().startswith(WRITTEN_BY.encode())


def _write_params(text: str, arguments: argparse.Namespace) -> None:
    """Write `params.yaml` for the stages, which run in another folder, so with absolute paths; then check it all."""
    file = arguments.out / "params.yaml"
    file.write_text(WRITTEN_BY + text, encoding="utf-8")
    params = read_params(file)
    model = load("model", ModelParams, file)
    if model.weights not in ("imagenet", "none"):
        require_weights_file(model)
        params["model"]["weights"] = str(Path(model.weights).absolute())
    params["dataset"] = {"labels": str(arguments.labels.absolute()), "images": str(arguments.images.absolute())}
    file.write_text(WRITTEN_BY + yaml.safe_dump(params, sort_keys=False, allow_unicode=True), encoding="utf-8")
    for name, section in SECTIONS.items():
        load(name, section, file)
