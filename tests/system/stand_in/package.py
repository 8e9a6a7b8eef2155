"""In place of the stage: the "network" of `train`, with the versions of its data."""

from realage.core.files import read_json, write_json
from realage.core.params import load
from realage.core.paths import MODEL, NETWORK, metrics_file
from realage.network.backbones import ModelParams
from realage.runner.command import run


def package() -> None:
    """Write `models/age.keras`."""
    figures = read_json(metrics_file("validate")) | read_json(metrics_file("split"))
    versions = {key: value for key, value in figures.items() if key.endswith("_version")}
    flip_average = load("model", ModelParams).flip_average
    write_json(MODEL, {**read_json(NETWORK), "flip_average": flip_average, "data": versions})


if __name__ == "__main__":
    run(package)
