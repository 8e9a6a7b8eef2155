"""Stages run in a folder on the photos of people in REALAGE_FACES, with the recipe of presets/faces_small.yaml."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from realage.core.errors import UserError
from realage.photos.decode import PhotoError, load_photo
from realage.photos.names import find_photos

PROJECT = Path(__file__).parent.parent
PRESET = PROJECT / "presets/faces_small.yaml"
STAGES = ("scan", "validate", "split", "prepare", "weights")


def faces_folder() -> Path:
    """The folder REALAGE_FACES. Raises UserError if it is not set, or has no labels."""
    folder = Path(os.environ.get("REALAGE_FACES", ""))
    if not (folder / "labels.csv").is_file():
        raise UserError("REALAGE_FACES: set it to a folder with labels.csv (file_name, real_age) and final_files")
    return folder.absolute()


def some_photos(count: int) -> list[Path]:
    """The first `count` photos of REALAGE_FACES or, where it is not set, of the embedded sample that can be decoded.

    They are repeated if there are fewer. Raises UserError if there are none.
    """
    folder = faces_folder() / "final_files" if "REALAGE_FACES" in os.environ else PROJECT / "data/sample/final_files"
    photos = [folder / name for name in find_photos(folder)[: count + 2] if is_decodable(folder / name)][:count]
    if not photos:
        raise UserError(f"{folder}: no photos: run 'dvc repro', or set REALAGE_FACES")
    return photos * -(-count // len(photos))


def is_decodable(photo: Path) -> bool:
    """Whether the photo can be used; two of the sample cannot, on purpose."""
    try:
        load_photo(photo)
    except PhotoError:
        return False
    return True


def require_weights(file: Path) -> Path:
    """The absolute path of `file`. Raises UserError if there is none."""
    if not file.is_file():
        raise UserError(f"{file}: no such file: name weights of keras.applications.MobileNetV2, no top")
    return file.absolute()


def prepare_project(labels: Path, images: Path, weights: Path, seed: int) -> None:
    """Run the stages before `train` in the current folder, with `train.seed` `seed`."""
    params = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
    params["dataset"] = {"labels": str(labels), "images": str(images)}
    params["model"] |= {"weights": str(weights)}
    params["train"] |= {"seed": seed}
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    for stage in STAGES:
        run_python("-m", f"stages.{stage}")


def run_python(*command: str) -> None:
    """Run Python in the current folder with the project's code."""
    subprocess.run([sys.executable, *command], env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=True)
