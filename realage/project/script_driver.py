"""The command line of dist/train.py, which runs every stage, one after the other, in a folder of its own."""

import argparse
import contextlib
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from realage.core.errors import UserError
from realage.core.params import load, read_params
from realage.network.backbones import ModelParams
from realage.network.device import set_up_device
from realage.network.quiet_keras import keras
from realage.network.recipe import TrainParams
from realage.network.start import names_file, names_tag, require_weights_file
from realage.project.script import STAGES
from realage.runner.command import run
from realage.sections import SECTIONS

CHECKED = ("dataset", "validate", "split", "prepare", "model", "train", "evaluate")
# Also marks a folder as one that may be overwritten.
WRITTEN_BY = "# Written by train.py from its PARAMS and its command line: edit PARAMS, and this file is written anew.\n"


def main(params_text: str) -> None:
    """Run as a program that prints a UserError as one line; `params_text` is a params file's text."""
    run(lambda: run_stages(params_text))


def run_stages(params_text: str) -> None:
    """Train and evaluate on the data that the command line names; `params_text` is a params file's text."""
    arguments = _parse_arguments()
    _check_paths(arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)
    _write_params(params_text, arguments)
    with contextlib.chdir(arguments.out):
        train_params = load("train", TrainParams)
        # TensorFlow accepts a number of threads only before the first computation, which may be in stage weights.
        set_up_device(train_params.backend, train_params.threads)
        for stage in STAGES:
            print(f"\n== {stage}", flush=True)
            # Keras numbers layers, and the numbers are saved in the model file: restart them for each stage.
            keras.utils.clear_session()
            getattr(import_module(f"stages.{stage}"), stage)()
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
        raise UserError(f"--out {arguments.out}: contains other files: name a new folder")


def _is_earlier_run(folder: Path) -> bool:
    params = folder / "params.yaml"
    return params.is_file() and params.read_bytes().startswith(WRITTEN_BY.encode())


def _write_params(text: str, arguments: argparse.Namespace) -> None:
    """Write `params.yaml` with absolute paths, as the stages run in another folder, and validate it."""
    file = arguments.out / "params.yaml"
    file.write_text(WRITTEN_BY + text, encoding="utf-8")
    params = read_params(file)
    model = load("model", ModelParams, file)
    if names_tag(model.weights):
        raise UserError(f"model.weights is '{model.weights}': a tag needs Git, which this script runs without: set it "
                        "to the path of the model's file")
    if names_file(model.weights):
        require_weights_file(model)
        params["model"]["weights"] = str(Path(model.weights).absolute())
    params["dataset"] = {"labels": str(arguments.labels.absolute()), "images": str(arguments.images.absolute())}
    file.write_text(WRITTEN_BY + _as_yaml(params), encoding="utf-8")
    for name in CHECKED:
        load(name, SECTIONS[name], file)


def _as_yaml(params: dict[str, Any]) -> str:
    stream = StringIO()
    YAML().dump(params, stream)
    return stream.getvalue()
