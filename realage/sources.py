"""The user's data that params.yaml names must lie apart from the outs that dvc.yaml names, which DVC deletes."""

import os
from collections.abc import Iterator
from pathlib import Path

from realage.core.errors import UserError
from realage.core.params import load, read_params
from realage.labels.dataset import DatasetParams
from realage.network.backbones import ModelParams
from realage.network.start import names_file

DAG = Path("dvc.yaml")
SAMPLE = "sample"  # the stage whose outs may be used as data


def source_paths() -> dict[str, Path]:
    """The paths of the user's data in params.yaml, by dotted key. Raises UserError if their sections are not valid."""
    dataset, model = load("dataset", DatasetParams), load("model", ModelParams)
    paths = {"dataset.labels": dataset.labels, "dataset.images": dataset.images}
    if names_file(model.weights):
        paths["model.weights"] = model.weights
    return {key: Path(path) for key, path in paths.items()}


def require_apart(sources: dict[str, Path]) -> None:
    """Raise UserError if one of `sources`, paths by their key in params.yaml, is, contains or is in an out of a stage.

    DVC fails on most of these before any stage runs, and names no key. Links are followed. What stage `sample` draws
    may be a source. Without dvc.yaml nothing is checked.
    """
    for key, source in sources.items():
        for stage, out in _outs():
            relation = _relation([*_places(source), Path(os.path.realpath(source))], _places(out))
            if relation == "contains":
                raise UserError(
                    f"{key}: {source}: contains {out}, an out of stage '{stage}': move your data into a folder of "
                    "their own, such as data/faces, and set it to that"
                )
            if relation and stage != SAMPLE:
                raise UserError(
                    f"{key}: {source}: {relation} {out}, an out of stage '{stage}', which DVC deletes before the stage "
                    "runs: set it to data of your own in another folder"
                )


def _outs() -> Iterator[tuple[str, Path]]:
    """Stages and their outs."""
    stages = read_params(DAG)["stages"] if DAG.is_file() else {}
    for stage, entry in stages.items():
        for out in [out for kind in ("outs", "metrics", "plots") for out in entry.get(kind, [])]:
            yield stage, Path(next(iter(out)) if isinstance(out, dict) else out)


def _places(path: Path) -> list[Path]:
    """The absolute path, as DVC compares it, and with links in the folders above followed.

    A link at its end is not followed: an out may be a link into DVC's cache, as a source with the same contents may be.
    """
    place = Path(os.path.abspath(path))
    return [place, Path(os.path.realpath(place.parent), place.name)]


def _relation(sources: list[Path], outs: list[Path]) -> str:
    """How a source lies to an out, each given by its places: 'is', 'is in', 'contains', or '' if they are apart."""
    pairs = [(source, out) for source in sources for out in outs]
    if any(source == out for source, out in pairs):
        return "is"
    if any(source.is_relative_to(out) for source, out in pairs):
        return "is in"
    return "contains" if any(out.is_relative_to(source) for source, out in pairs) else ""
