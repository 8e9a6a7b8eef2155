"""Export any model file: `realage export MODEL --out FILE`. Stage `export` does it for the model of the pipeline."""

import sys
from functools import partial
from pathlib import Path

import numpy as np

from realage.core.disk import replacing
from realage.core.errors import UserError, printable
from realage.inference.age_model import AgeModel
from realage.inference.model_path import LITERT, ONNX
from realage.photos.limits import PhotoError
from realage.photos.names import list_files

NOISE = 8  # pictures on which answers are compared where no photos are named
MOST_PHOTOS = 500  # on which they are compared


def export(model_file: Path, out: Path, precision: str, tolerance: float, photos: Path | None = None) -> None:
    """Write `out`, the ONNX or LiteRT file of `model_file`, and print how large it is.

    Its answers to at most MOST_PHOTOS photos of the folder `photos`, or to noise, are compared with those of the model.
    Raises UserError if one differs by more than `tolerance` years, if the model is not sound, if `out` exists, or if
    `photos` are missing where fewer digits change the answers.
    """
    _require_names(model_file, out)
    if photos is None and precision != "float32":
        raise UserError(f"--precision {precision}: changes the answers to photos, and those to noise by less: name a "
                        "folder of photos to compare them on, with --photos")
    if photos is not None and not photos.is_dir():
        raise UserError(f"{photos}: no such folder: name one with photos")
    # Imported late: Keras takes seconds to load, and a wrong path should be reported at once.
    from realage.export.convert import export_model
    from realage.export.litert_file import answer_litert
    from realage.export.parity import answer_all, largest_difference
    from realage.inference.keras_engine import KerasEngine
    from realage.inference.onnx_engine import OnnxEngine

    original = KerasEngine(model_file)
    pictures = _noise(original.facts.prepare.image_size) if photos is None else _framed(AgeModel(original), photos)
    with replacing(out) as part:
        export_model(model_file, part, precision)
        answer = partial(answer_litert, part) if out.suffix == LITERT else OnnxEngine(part).answer
        difference = largest_difference(answer_all(answer, pictures), answer_all(original.answer, pictures))
        if not difference <= tolerance:  # also if it is NaN
            raise UserError(f"{out}: not written: an answer would differ by {difference:.3g} years from that of "
                            f"{model_file}, more than {tolerance:g}: store more digits with --precision, or raise "
                            "--tolerance")
    compared = f"{NOISE} pictures of noise" if photos is None else f"{len(pictures)} photos of {photos}"
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, within {difference:.1g} years of {model_file} on {compared}")


def _require_names(model_file: Path, out: Path) -> None:
    if out.suffix not in (ONNX, LITERT):
        raise UserError(f"{out}: the name of an exported model ends in .onnx, or .tflite for LiteRT: name it so")
    if model_file.suffix in (ONNX, LITERT):
        raise UserError(f"{model_file}: is an exported model already: name the .keras file that it was exported from")
    if out.exists() or out.is_symlink():
        raise UserError(f"{out}: exists already: name a new file")


def _noise(side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (NOISE, side, side, 3), np.uint8)


def _framed(model: AgeModel, folder: Path) -> np.ndarray:
    """Photos from all of `folder` as `model` sees them, uint8 (n, size, size, 3), n at most MOST_PHOTOS."""
    names = list_files(folder, any_name=True).photos
    views = []
    for name in names[:: max(1, -(-len(names) // MOST_PHOTOS))]:
        try:
            views += model.frame(folder / name)
        except PhotoError as error:
            print(f"export: passed over {printable(name)}: {error}", file=sys.stderr)
    if not views:
        raise UserError(f"{folder}: has no photo that can be used: name another folder")
    return np.stack([view.pixels for view in views])
