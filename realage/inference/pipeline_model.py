"""The model of the pipeline, where none is named."""

import sys
from pathlib import Path

from realage.core.digests import file_sha256
from realage.core.errors import UserError
from realage.core.paths import EXPORTED, MODEL
from realage.inference.age_model import AgeModel


def open_model(model_file: Path | None) -> tuple[Path, AgeModel]:
    """Load `model_file`, or, without one, the model of the pipeline; returns the file, too.

    That is the exported file if it is that of `models/age.keras`, or is alone, and otherwise `models/age.keras`. Raises
    UserError if there is neither, and as `AgeModel.load` does.
    """
    if model_file:
        return model_file, AgeModel.load(model_file)
    if not EXPORTED.is_file() and not MODEL.is_file():
        raise UserError(f"neither {EXPORTED} nor {MODEL} is here: name a model: --model age.onnx")
    if EXPORTED.is_file():
        exported = AgeModel.load(EXPORTED)
        if not MODEL.is_file() or exported.facts.fingerprint == file_sha256(MODEL):
            return EXPORTED, exported
        print(f"{EXPORTED} was exported from another model than {MODEL}, which is used: run 'dvc repro export'",
              file=sys.stderr)
    return MODEL, AgeModel.load(MODEL)
