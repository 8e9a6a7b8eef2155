"""params.yaml -> data/checked.txt, if every key is valid and every source exists."""

import os
from pathlib import Path

from realage.core.disk import replacing
from realage.core.errors import UserError
from realage.core.params import check_section, load, read_params, require_known_sections
from realage.labels.dataset import DatasetParams, SampleParams
from realage.network.backbones import ModelParams
from realage.network.start import require_start
from realage.photos.names import find_photos, require_plain_name, walk
from realage.runner.command import run
from realage.sections import SECTIONS
from realage.sources import require_apart, source_paths


def check() -> None:
    """Write `data/checked.txt`. Its text is constant, so that it does not trigger later stages.

    Raises UserError that names the key or the file.
    """
    params = read_params()
    require_known_sections(params, SECTIONS)
    for name, section in SECTIONS.items():
        check_section(name, params.get(name), section)
    require_apart(source_paths())
    _check_dataset(load("dataset", DatasetParams), load("sample", SampleParams))
    require_start(load("model", ModelParams))
    with replacing(Path("data/checked.txt")) as part:
        part.write_text("params.yaml is valid and its sources exist\n", encoding="utf-8")
    print("check: params.yaml is valid")


def _check_dataset(dataset: DatasetParams, sample: SampleParams) -> None:
    labels, images = Path(dataset.labels), Path(dataset.images)
    if dataset.is_sample:
        if not sample.photos:
            raise UserError("sample.photos is 0, but dataset.* names the sample: set it to 1200, or name your own data")
        return
    if not labels.is_file():
        raise UserError(f"dataset.labels: {labels}: {_why_missing(labels, 'file')}set it to your label file")
    if not images.is_dir():
        raise UserError(f"dataset.images: {images}: {_why_missing(images, 'folder')}set it to the folder of the photos")
    if not find_photos(images):
        raise UserError(f"dataset.images: {images}: contains no photos: set it to the folder of the photos")
    for path in (labels, *sorted(walk(images))):
        _check_hashable(path)


def _check_hashable(path: Path) -> None:
    """Raise UserError for a path on which DVC hangs or fails: a pipe, a broken link, an unreadable path or name."""
    require_plain_name(path)
    if not path.exists():
        raise UserError(f"{path}: a broken link: correct or delete it")
    if not (path.is_file() or path.is_dir()):
        raise UserError(f"{path}: not a file or folder but a pipe, socket or device: delete it")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: no permission to read it: change its permissions")


def _why_missing(path: Path, wanted: str) -> str:
    if path.exists():
        return f"not a {wanted}: "
    tracked = any(Path(f"{place}.dvc").is_file() for place in (path, *path.parents))
    return "not fetched yet: run 'dvc pull', or " if tracked else "not found: "


if __name__ == "__main__":
    run(check)
