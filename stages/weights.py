"""The backbone's name -> its pretrained weights as a file that DVC tracks and a team can share."""

import hashlib
import tempfile
import zipfile
from pathlib import Path

from realage.core.errors import UserError
from realage.core.files import replacing, write_json
from realage.core.params import load
from realage.network.backbones import ModelParams
from realage.runner.command import run

# Pixels that Keras insists on where 224 will not do; without a top, the weights are the same for every size.
PRETRAINED_SIZES = {"NASNetLarge": 331}


def weights() -> None:
    """Write `data/weights/source.json` and, unless `model.weights` is none, `data/weights/backbone.weights.h5`."""
    params = load("model", ModelParams)
    folder = Path("data/weights")
    source = {"backbone": params.backbone, "weights": Path(params.weights).name}
    folder.mkdir(parents=True, exist_ok=True)
    if params.weights != "none":
        # Saved anew by Keras: one format, whichever of its formats the source had.
        file = folder / "backbone.weights.h5"
        _save_weights(_pretrained(params), file)
        source["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    write_json(folder / "source.json", source)
    print(f"weights: {params.backbone}, {source['weights']}")


def _pretrained(params: ModelParams):
    """The backbone with its weights; Keras checks the hash of what it downloads, and that a file fits the backbone."""
    # Keras takes seconds to load, and without weights nothing needs it.
    from realage.network.pretrained import build_backbone

    try:
        return build_backbone(params, PRETRAINED_SIZES.get(params.backbone, 224), params.weights)
    except Exception as error:  # Keras' downloader raises bare Exception
        if params.weights == "imagenet":
            raise UserError(
                f"ImageNet weights of {params.backbone} could not be fetched ({error}): download that file elsewhere "
                "and set model.weights to its path, or set model.weights to none"
            ) from error
        raise UserError(
            f"model.weights: {params.weights}: does not hold weights of {params.backbone} without its top: {error}"
        ) from error


def _save_weights(backbone, file: Path) -> None:
    """Save by way of Keras' zip, which is filled from memory: h5py itself dies of a full disk, and Python with it."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder, replacing(file) as part:
        archive = Path(folder, "backbone.keras")
        backbone.save(archive)
        with zipfile.ZipFile(archive) as members:
            part.write_bytes(members.read("model.weights.h5"))


if __name__ == "__main__":
    run(weights)
