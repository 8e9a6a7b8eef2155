"""Where a model file is: what is wrong with its path is said before anything is loaded."""

from pathlib import Path

from realage.core.errors import UserError

ONNX, LITERT = ".onnx", ".tflite"  # ends of the names of exported models

def require_file(path: Path) -> None:
    """Raise UserError if `path` is no regular file, or cannot be one."""
    try:
        if path.is_file():
            return
        reason = "not a regular file" if path.exists() else "no such file"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise UserError(f"{path}: {reason}: name a model file; 'dvc repro' makes one, and 'dvc pull' fetches it")
