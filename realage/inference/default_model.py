"""The model of the pipeline, where none is named."""

import sys
from pathlib import Path

from realage.core.digests import file_sha256
from realage.core.errors import UserError
from realage.core.paths import EXPORTED, MODEL
from realage.inference.age_model import AgeModel


def default_model() -> Path:
    """Return the exported file if it is that of `models/age.keras`, or is alone; otherwise `models/age.keras`.

    Raises UserError if there is neither.
    """
    if not EXPORTED.is_file() and not MODEL.is_file():
        raise UserError(f"neither {EXPORTED} nor {MODEL} is here: name a model: --model age.onnx")
    if not EXPORTED.is_file():
        return MODEL
    if not MODEL.is_file() or AgeModel.load(EXPORTED).facts.fingerprint == file_sha256(MODEL):
        return EXPORTED
    print(f"{EXPORTED} was exported from another model than {MODEL}, which is used: run 'dvc repro export'",
          file=sys.stderr)
    return MODEL
