"""Packaged model -> the same model as one ONNX file, which answers as the evaluated one does."""

from realage.core.disk import replacing
from realage.core.errors import UserError
from realage.core.files import read_rows, write_json
from realage.core.params import load
from realage.core.paths import EXPORTED, MODEL, PREDICTIONS, PREPARED, metrics_file
from realage.export.convert import export_model
from realage.export.params import ExportParams
from realage.export.parity import compare_answers
from realage.inference.onnx_engine import OnnxEngine
from realage.runner.command import run

DIGITS = 2  # of differences in years; further digits vary with the kind of processor


def export() -> None:
    """Write `models/export/age.onnx` and `metrics/export.json`.

    Raises UserError if an answer for a held-out photo differs by more than `export.tolerance` from the evaluated one.
    """
    params = load("export", ExportParams)
    with replacing(EXPORTED) as part:
        export_model(MODEL, part, params.precision)
        parity = compare_answers(OnnxEngine(part), read_rows(PREDICTIONS), PREPARED)
        if not parity.largest_difference <= params.tolerance:  # also if it is NaN
            raise UserError(f"{EXPORTED}: an answer differs by {parity.largest_difference:.3g} years from that of "
                            f"{MODEL}, more than export.tolerance, {params.tolerance:g}: set export.precision to "
                            "float32, or raise the tolerance")
    size = EXPORTED.stat().st_size
    write_json(metrics_file("export"), {
        "precision": params.precision,
        "bytes": size,
        "photos": parity.photos,
        "largest_difference": round(parity.largest_difference, DIGITS),
        "mae_change": round(parity.mae_change, DIGITS),
    })  # fmt: skip
    print(f"export: {EXPORTED}, {size / 1e6:.1f} MB; on {parity.photos} held-out photos within "
          f"{parity.largest_difference:.1g} years of {MODEL}")


if __name__ == "__main__":
    run(export)
