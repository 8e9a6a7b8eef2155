"""Export any model file: `realage export MODEL --out FILE`. Stage `export` does it for the model of the pipeline."""

from pathlib import Path

import numpy as np

from realage.core.errors import UserError
from realage.export.params import ExportParams

NOISE = 8  # pictures on which the exported model is compared with the original


def export(model_file: Path, out: Path, precision: str) -> None:
    """Write `out`, the ONNX file of `model_file`, and print how large it is.

    Raises UserError if the model is not sound, if `out` exists, or if the two models answer differently to pictures of
    noise.
    """
    if out.suffix != ".onnx":
        raise UserError(f"{out}: the name of an exported model ends in .onnx: name it so")
    if model_file.suffix == ".onnx":
        raise UserError(f"{model_file}: is an exported model already: name the .keras file that it was exported from")
    if out.exists() or out.is_symlink():
        raise UserError(f"{out}: exists already: name a new file")
    # Imported late: Keras takes seconds to load, and a wrong path should be reported at once.
    from realage.export.convert import export_model
    from realage.inference.keras_engine import KerasEngine
    from realage.inference.onnx_engine import OnnxEngine

    export_model(model_file, out, precision)
    exported, original = OnnxEngine(out), KerasEngine(model_file)
    side = original.facts.prepare.image_size
    pictures = np.random.default_rng(0).integers(0, 256, (NOISE, side, side, 3), np.uint8)
    expected = original.answer(pictures)
    difference = max(np.abs(years - expected[name]).max() for name, years in exported.answer(pictures).items())
    tolerance = ExportParams().tolerance
    if not difference <= tolerance:  # also if it is NaN
        out.unlink()
        raise UserError(f"{out}: an answer would differ by {difference:.3f} years from that of {model_file}, more than "
                        f"{tolerance:g}: it was not written; try --precision float32")
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, within {difference:.1g} years of {model_file}")
