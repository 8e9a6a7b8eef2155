"""The backbone's name -> its pretrained weights as a file that DVC tracks and a team can share."""

import hashlib
import tempfile
import zipfile
from pathlib import Path

from realage.core.disk import is_of_machine
from realage.core.errors import UserError, brief, printable
from realage.core.files import replacing, write_json
from realage.core.params import load
from realage.network.backbones import ModelParams, require_weights_file
from realage.runner.command import run

# Input sizes, in pixels, that Keras requires instead of 224. Without a top, weights do not depend on the size.
PRETRAINED_SIZES = {"NASNetLarge": 331}


def weights() -> None:
    """Write `data/weights/source.json` and, unless `model.weights` is none, `data/weights/backbone.weights.h5`."""
    params = load("model", ModelParams)
    require_weights_file(params)
    folder = Path("data/weights")
    source = {"backbone": params.backbone, "weights": Path(params.weights).name}
    folder.mkdir(parents=True, exist_ok=True)
    if params.weights != "none":
        # Saved again by Keras, so that the format does not depend on that of the source.
        file = folder / "backbone.weights.h5"
        _save_weights(_pretrained(params), file)
        source["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    write_json(folder / "source.json", source)
    print(printable(f"weights: {params.backbone}, {source['weights']}"))


def _pretrained(params: ModelParams):
    """Return the backbone with its weights. Keras checks the hash of a download, and that a file fits the backbone.

    Raises UserError if they cannot be had or do not fit, or if one is NaN or infinite.
    """
    # Keras takes seconds to load, and is not needed without weights.
    from realage.network.pretrained import build_backbone, require_finite

    try:
        backbone = build_backbone(params, PRETRAINED_SIZES.get(params.backbone, 224), params.weights)
        require_finite(backbone)
        return backbone
    except Exception as error:  # Keras' downloader raises Exception itself
        if is_of_machine(error):
            raise
        if params.weights == "imagenet":
            raise UserError(
                f"ImageNet weights of {params.backbone} could not be downloaded ({error}): download that file "
                "elsewhere and set model.weights to its path, or set model.weights to none"
            ) from error
        raise UserError(
            f"model.weights: {params.weights}: not weights of {params.backbone} without its top ({brief(error)}): "
            "use such a file, imagenet or none"
        ) from error


def _save_weights(backbone, file: Path) -> None:
    """Save through Keras' zip format, which is written from memory: on a full disk h5py would crash Python."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder, replacing(file) as part:
        archive = Path(folder, "backbone.keras")
        backbone.save(archive)
        with zipfile.ZipFile(archive) as members:
            part.write_bytes(members.read("model.weights.h5"))


if __name__ == "__main__":
    run(weights)
