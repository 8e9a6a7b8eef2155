"""Trained network -> the model that is evaluated, promoted and used: it answers in years and contains its recipe."""

from realage.core.errors import UserError
from realage.core.files import read_json
from realage.core.params import load
from realage.core.paths import MODEL, NETWORK, metrics_file
from realage.network.backbones import ModelParams
from realage.network.contents import read_learnt, read_recipe
from realage.network.heads import build_head
from realage.network.model import build_predictor
from realage.network.model_file import load_network, save_model
from realage.runner.command import run
from realage.splits.versions import HELD_OUT_VERSIONS


def package() -> None:
    """Write `models/age.keras`: network, head, mean over the mirror image, and the recipe with the data versions."""
    recipe = read_recipe(NETWORK)
    flip_average = load("model", ModelParams).flip_average
    params = ModelParams(**recipe.model, flip_average=flip_average)
    model = build_predictor(load_network(NETWORK), build_head(params), flip_average)
    recipe = recipe.model_copy(update={"model": params.model_dump(), "data": _data_versions()})
    save_model(model, MODEL, recipe, read_learnt(NETWORK))
    print(f"package: {MODEL}, {params.backbone} with head {params.head}, {recipe.prepare.image_size} pixels")


def _data_versions() -> dict[str, str]:
    """Return `data_version`, `val_version` and, if there is a test split, `test_version`."""
    figures = read_json(metrics_file("validate")) | read_json(metrics_file("split"))
    if "data_version" not in figures:
        raise UserError("metrics/validate.json: has no data_version: run 'dvc repro'")
    return {key: figures[key] for key in ("data_version", *HELD_OUT_VERSIONS.values()) if key in figures}


if __name__ == "__main__":
    run(package)
