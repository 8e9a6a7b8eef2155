"""`python -m stages.package`: the trained network becomes a model that answers in years, with its recipe inside."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import write_params

from realage.network.backbones import ModelParams
from realage.network.contents import RECIPE_VERSION, Recipe, read_recipe
from realage.network.heads import build_head
from realage.network.model_file import load_model, predict_ages, save_model
from realage.network.quiet_keras import keras
from realage.photos.prepared import PrepareParams
from stages.package import package

VERSIONS = {"data_version": "d" * 16, "val_version": "v" * 16}
PIXELS = np.random.default_rng(3).integers(0, 256, (4, 32, 32, 3)).astype("float32")


@pytest.fixture
def project(workspace: Path, params: dict) -> dict:
    """A folder with metrics of data and a network for package to read; its params, for a test to change."""
    for stage, figures in (("validate", {"data_version": VERSIONS["data_version"]}),
                           ("split", {"val_version": VERSIONS["val_version"], "val": {"n": 3}})):
        Path("metrics").mkdir(exist_ok=True)
        Path(f"metrics/{stage}.json").write_text(json.dumps(figures))
    return params


def write_network(params: dict, head: str) -> keras.Model:
    params["model"] |= {"head": head, "flip_average": False}
    write_params(Path(), params)
    keras.utils.set_random_seed(4)
    pixels = keras.Input((32, 32, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))
    units = build_head(ModelParams(**params["model"])).units
    network = keras.Model(pixels, keras.layers.Dense(units)(features), name="network")
    model = {key: value for key, value in params["model"].items() if key != "flip_average"}
    recipe = Recipe(prepare=PrepareParams(**params["prepare"]), model=model, train=params["train"])
    save_model(network, Path("models/network.keras"), recipe)
    return network


@pytest.mark.parametrize("head", ["regression", "distribution", "ordinal"])
def test_the_model_gives_the_years_of_the_networks_head(project, head):
    network = write_network(project, head)
    package()
    ages = predict_ages(load_model(Path("models/age.keras")), PIXELS)
    years = build_head(ModelParams(**project["model"])).years(network(PIXELS))
    assert ages["age"].to_numpy() == pytest.approx(np.asarray(years).ravel(), abs=1e-3)
    assert ("spread" in ages) == (head != "regression")


def test_the_recipe_says_how_it_came_about(project):
    write_network(project, "regression")
    package()
    recipe = read_recipe(Path("models/age.keras"))
    assert (recipe.version, recipe.data, recipe.train) == (RECIPE_VERSION, VERSIONS, project["train"])
    assert recipe.model == project["model"] and recipe.prepare.model_dump() == project["prepare"]


def test_the_same_network_gives_the_same_bytes_and_another_answer_another_model(project):
    write_network(project, "regression")
    made = []
    for flip_average in (False, False, True):
        project["model"]["flip_average"] = flip_average
        write_params(Path(), project)
        keras.utils.clear_session()
        package()
        made.append(Path("models/age.keras").read_bytes())
    same, other = made[0] == made[1], made[0] == made[2]
    assert same and not other
