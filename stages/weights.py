"""What training starts from -> a file that DVC tracks and a team can share: a backbone's weights, or an age model."""

import hashlib
import shutil
import tempfile
import zipfile
from contextlib import nullcontext
from pathlib import Path

from realage.core.disk import is_of_machine, replacing
from realage.core.errors import UserError, brief, printable
from realage.core.files import write_json
from realage.core.params import load
from realage.core.paths import BACKBONE_WEIGHTS, SOURCE, START_MODEL
from realage.network.backbones import ModelParams
from realage.network.promoted import fetch
from realage.network.start import names_age_model, names_file, require_fitting, require_weights_file
from realage.runner.command import run

# Input sizes, in pixels, that Keras requires instead of 224. Without a top, weights do not depend on the size.
PRETRAINED_SIZES = {"NASNetLarge": 331}


def weights() -> None:
    """Write `data/weights/source.json` and, unless `model.weights` is none, the backbone's weights or an age model."""
    params = load("model", ModelParams)
    require_weights_file(params)
    name = Path(params.weights).name if names_file(params.weights) else params.weights
    source = {"backbone": params.backbone, "weights": name}
    SOURCE.parent.mkdir(parents=True, exist_ok=True)
    for earlier in (BACKBONE_WEIGHTS, START_MODEL):  # DVC deletes them; dist/train.py does not
        earlier.unlink(missing_ok=True)
    if file := _start(params):
        source["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    write_json(SOURCE, source)
    print(printable(f"weights: {params.backbone}, {name}"))


def _start(params: ModelParams) -> Path | None:
    """Write the file that training starts from and return it; None without one."""
    if params.weights == "none":
        return None
    if names_age_model(params.weights):
        _save_age_model(params)
        return START_MODEL
    # Saved again by Keras, so that the format does not depend on that of the source.
    _save_weights(_pretrained(params), BACKBONE_WEIGHTS)
    return BACKBONE_WEIGHTS


def _save_age_model(params: ModelParams) -> None:
    """Copy the file of an age model, byte for byte, or fetch it by its tag."""
    with replacing(START_MODEL) as part:
        if names_file(params.weights):
            require_fitting(Path(params.weights), params)
            shutil.copyfile(params.weights, part)
        else:
            fetch(params.weights, part)
            require_fitting(part, params)


def _pretrained(params: ModelParams):
    """Return the backbone with its weights. Keras checks the hash of a download, and that a file fits the backbone.

    Raises UserError if they cannot be had or do not fit, or if one is NaN or infinite.
    """
    # Keras takes seconds to load, and is not needed without weights.
    from realage.network.pretrained import build_backbone, named_by_format, require_finite

    size = PRETRAINED_SIZES.get(params.backbone, 224)
    try:
        with named_by_format(Path(params.weights)) if names_file(params.weights) else nullcontext("imagenet") as source:
            backbone = build_backbone(params, size, str(source))
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
