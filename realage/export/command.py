"""Export any model file: `realage export MODEL --out FILE`. Stage `export` does it for the model of the pipeline."""

from pathlib import Path

import numpy as np

from realage.core.errors import UserError
from realage.export.params import LITERT, ONNX

NOISE = 8  # pictures on which the exported model is compared with the original


def export(model_file: Path, out: Path, precision: str, tolerance: float) -> None:
    """Write `out`, the ONNX or LiteRT file of `model_file`, and print how large it is.

    Raises UserError if the model is not sound, if `out` exists, or if an answer to pictures of noise differs by
    more than `tolerance` years from that of the model.
    """
    if out.suffix not in (ONNX, LITERT):
        raise UserError(f"{out}: the name of an exported model ends in .onnx, or .tflite for LiteRT: name it so")
    if model_file.suffix in (ONNX, LITERT):
        raise UserError(f"{model_file}: is an exported model already: name the .keras file that it was exported from")
    if out.exists() or out.is_symlink():
        raise UserError(f"{out}: exists already: name a new file")
    # Imported late: Keras takes seconds to load, and a wrong path should be reported at once.
    from realage.export.convert import export_model
    from realage.export.litert_file import answer_litert
    from realage.export.parity import COLUMNS
    from realage.inference.keras_engine import KerasEngine
    from realage.inference.onnx_engine import OnnxEngine

    export_model(model_file, out, precision)
    original = KerasEngine(model_file)
    side = original.facts.prepare.image_size
    pictures = np.random.default_rng(0).integers(0, 256, (NOISE, side, side, 3), np.uint8)
    expected = original.answer(pictures)
    answers = answer_litert(out, pictures) if out.suffix == LITERT else OnnxEngine(out).answer(pictures)
    difference = max(np.abs(answers[name] - expected[name]).max() for name in COLUMNS if name in answers)
    if not difference <= tolerance:  # also if it is NaN
        out.unlink()
        raise UserError(f"{out}: an answer would differ by {difference:.3f} years from that of {model_file}, more than "
                        f"{tolerance:g}: it was not written: store more digits with --precision, or raise --tolerance")
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, within {difference:.1g} years of {model_file}")
