"""A `.keras` model of this project as one ONNX file."""

from pathlib import Path
from tempfile import TemporaryDirectory

from realage.calibration.interval import read_calibration
from realage.core.errors import UserError
from realage.export.graph import build_exported
from realage.export.onnx_file import to_onnx, write_onnx
from realage.export.precision import halve_weights
from realage.inference.keras_engine import read_facts
from realage.inference.onnx_engine import METADATA
from realage.network.model_file import load_model


def export_model(model_file: Path, out: Path, precision: str) -> None:
    """Write `out`, the ONNX file that answers as `model_file` does; `precision` is that of `ExportParams`.

    The same model file gives the same bytes. Raises UserError if it is not a model of this project, or if a weight of
    it does not fit in float16.
    """
    model = load_model(model_file)
    calibration = read_calibration(model_file, model.output)
    with TemporaryDirectory() as folder:
        exported = to_onnx(build_exported(model, calibration), Path(folder))
    if precision == "float16":
        try:
            halve_weights(exported)
        except ValueError as error:
            raise UserError(f"{model_file}: {error}: export it in float32") from error
    write_onnx(exported, out, {METADATA: read_facts(model_file, calibration).model_dump_json()})
