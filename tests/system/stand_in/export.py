"""In place of the stage: the "model" of `package` again, under the name of the exported file."""

from realage.core.files import read_json, write_json
from realage.core.params import load
from realage.core.paths import EXPORTED, MODEL, metrics_file
from realage.export.params import ExportParams
from realage.runner.command import run


def export() -> None:
    """Write `models/export/age.onnx` and its metrics."""
    write_json(EXPORTED, read_json(MODEL))
    write_json(metrics_file("export"), {"precision": load("export", ExportParams).precision, "largest_difference": 0.0})


if __name__ == "__main__":
    run(export)
