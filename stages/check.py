"""params.yaml -> word that every key is right and every source is there, before anything else runs."""

import os
from pathlib import Path

from realage.core.errors import UserError
from realage.core.params import check_section, load, read_params
from realage.labels.dataset import DatasetParams, SampleParams
from realage.network.backbones import ModelParams, require_weights_file
from realage.photos.names import find_photos, require_plain_name, walk
from realage.runner.command import run
from realage.sections import SECTIONS


def check() -> None:
    """Write `data/checked.txt`, the same text whenever all is well, so that no later stage reruns for it."""
    params = read_params()
    for name in params:
        if name not in SECTIONS:
            raise UserError(f"params.yaml: {name}: unknown section: allowed are {', '.join(SECTIONS)}")
    for name, section in SECTIONS.items():
        check_section(name, params.get(name), section)
    _check_dataset(load("dataset", DatasetParams), load("sample", SampleParams))
    require_weights_file(load("model", ModelParams))
    Path("data").mkdir(exist_ok=True)
    Path("data/checked.txt").write_text("params.yaml is sound and its sources are there\n", encoding="utf-8")
    print("check: params.yaml is sound")


def _check_dataset(dataset: DatasetParams, sample: SampleParams) -> None:
    labels, images = Path(dataset.labels), Path(dataset.images)
    if dataset.is_sample:
        if not sample.photos:
            raise UserError("dataset.* names the sample, but sample.photos is 0: set it to 1200, or name your own")
        return
    if not labels.is_file():
        raise UserError(f"dataset.labels: {labels}: {_absent(labels, 'file')}: name your label file")
    if not images.is_dir():
        raise UserError(f"dataset.images: {images}: {_absent(images, 'folder')}: name the folder of the photos")
    if not find_photos(images):
        raise UserError(f"dataset.images: {images}: holds no photos: name the folder of the photos")
    for path in (labels, *sorted(walk(images))):
        _check_hashable(path)


def _check_hashable(path: Path) -> None:
    """DVC would hang on a pipe, and die on a broken link, a name that is no UTF-8 or what it may not read."""
    require_plain_name(path)
    if not path.exists():
        raise UserError(f"{path}: a broken link: mend or delete it")
    if not (path.is_file() or path.is_dir()):
        raise UserError(f"{path}: neither file nor folder, but a pipe, socket or device: delete it")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: may not be read: give yourself the right to")


def _absent(path: Path, wanted: str) -> str:
    if path.exists():
        return f"not a {wanted}"
    tracked = any(Path(f"{place}.dvc").is_file() for place in (path, *path.parents))
    return "not here yet: run 'dvc pull'" if tracked else "not found"


if __name__ == "__main__":
    run(check)
