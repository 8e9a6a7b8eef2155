"""A `.keras` model of this project as one file for other programs: ONNX, or LiteRT for phones."""

from pathlib import Path
from tempfile import TemporaryDirectory

from realage.calibration.interval import read_calibration
from realage.core.errors import UserError
from realage.export.graph import build_exported
from realage.export.litert_file import write_litert
from realage.export.onnx_file import to_onnx, write_onnx
from realage.export.precision import shrink_weights
from realage.inference.keras_engine import read_facts
from realage.inference.model_path import LITERT
from realage.inference.onnx_engine import METADATA
from realage.network.model_file import load_model


def export_model(model_file: Path, out: Path, precision: str) -> None:
    """Write `out`, the file that answers as `model_file` does; `precision` is that of `ExportParams`.

    The file is for LiteRT if its name ends in `.tflite`, and ONNX otherwise. The same model file gives the same bytes.
    Raises UserError if it is not a model of this project, or if a weight of it does not fit in float16.
    """
    model = load_model(model_file)
    calibration = read_calibration(model_file, model.output)
    complete = build_exported(model, calibration)
    metadata = {METADATA: read_facts(model_file, calibration).model_dump_json()}
    if out.suffix == LITERT:
        write_litert(complete, out, precision, metadata)
        return
    with TemporaryDirectory() as folder:
        exported = to_onnx(complete, Path(folder))
    if precision != "float32":
        try:
            shrink_weights(exported, precision)
        except ValueError as error:
            raise UserError(f"{model_file}: {error}: export it in float32") from error
    write_onnx(exported, out, metadata)
