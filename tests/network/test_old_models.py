"""Model files of earlier releases are read by every later one."""

import json
import zipfile

import numpy as np
import pytest
from conftest import PROJECT

from realage.core.errors import UserError
from realage.network.contents import read_recipe
from realage.network.model_file import load_model, predict_ages

PHOTOS = np.random.default_rng(5).integers(0, 256, (3, 32, 32, 3)).astype("float32")
# What release 0.1 itself predicted of PHOTOS, in years.
PREDICTED = {
    "regression": {"age": [31.12, 31.1392, 31.1238]},
    "distribution": {"age": [30.8839, 30.8891, 30.882], "spread": [25.3946, 25.3954, 25.3947]},
}


@pytest.mark.parametrize("head", PREDICTED)
def test_a_model_of_release_0_1_predicts_what_it_predicted_then(head):
    file = PROJECT / f"tests/data/{head}-0.1.keras"
    recipe = read_recipe(file)
    assert (recipe.version, recipe.prepare.image_size, recipe.prepare.fit) == (1, 32, "pad")
    assert recipe.train["epochs"] == 40 and recipe.data == {}
    found = predict_ages(load_model(file), PHOTOS)
    assert list(found) == list(PREDICTED[head])
    assert found.to_numpy().T == pytest.approx(np.array(list(PREDICTED[head].values())), abs=0.01)


def changed(tmp_path, change) -> str:
    """A copy of a model of release 0.1 with another recipe."""
    file = tmp_path / "age.keras"
    with zipfile.ZipFile(PROJECT / "tests/data/regression-0.1.keras") as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            contents = old.read(name)
            if name == "realage.json":
                recipe = json.loads(contents)
                change(recipe)
                contents = json.dumps(recipe)
            new.writestr(name, contents)
    return file


def test_one_key_more_or_fewer_in_how_it_was_trained_is_no_matter(tmp_path):
    assert read_recipe(changed(tmp_path, lambda recipe: recipe["train"].pop("seed"))).train["epochs"] == 40
    assert read_recipe(changed(tmp_path, lambda recipe: recipe["train"].update(new=1))).train["new"] == 1


def test_a_model_of_a_later_release_asks_for_that_release(tmp_path):
    file = changed(tmp_path, lambda recipe: recipe.update(version=99))
    with pytest.raises(UserError, match="version 99.*newer release"):
        read_recipe(file)


def test_a_key_of_preparation_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(UserError, match="align"):
        read_recipe(changed(tmp_path, lambda recipe: recipe["prepare"].update(align=True)))
