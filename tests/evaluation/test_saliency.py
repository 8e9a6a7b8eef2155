"""Saliency is where the age comes from: on a model of one known region, and of the known faces of the sample."""

from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import PORTRAITS, copy_project, run_tool
from PIL import Image, ImageOps

from realage.core.files import read_rows
from realage.core.params import read_params
from realage.evaluation.saliency import (
    CELLS,
    EXAMPLES,
    contrast,
    flatten_maps,
    map_saliency,
    per_pixel,
    pick_examples,
    read_maps,
    share_inside,
)
from realage.network.model_file import load_model
from realage.network.quiet_keras import keras
from realage.photos.decode import PhotoError, load_photo
from realage.photos.framing import fit_square
from realage.photos.params import PrepareParams
from realage.photos.prepared import read_prepared
from synthetic.portraits.canvas import Pen
from synthetic.portraits.head import head_outline
from synthetic.portraits.life import cues_at
from synthetic.portraits.person import draw_person, draw_shot
from synthetic.portraits.photo import wall
from synthetic.portraits.pose import place_head, unit_pixels
from synthetic.sample import draw_age, draw_label

PREPARE = PrepareParams(image_size=32, crop="none", margin=0.0, fit="pad")
JUDGING = 24  # of the portraits; the others teach


def mean_of(region):
    """A model whose age, in years, is the mean of all values in a region of a photo."""
    return lambda photos: photos[:, *region].mean(axis=(1, 2, 3))


@pytest.mark.parametrize("size", [32, 35])
def test_by_hand(size):
    """White in the first of 8 x 8 cells, black elsewhere; the age is the mean of that cell."""
    corner = np.s_[:-(-size // CELLS), :-(-size // CELLS)]
    photo = np.zeros((size, size, 3), np.uint8)
    photo[corner] = 255
    predict = mean_of(corner)
    (found,) = map_saliency(predict, [photo], predict(photo[None]))
    change = 255 - photo.mean()  # wherever the square covers the cell: four places, of which a neighbour shares two
    expected = np.zeros((CELLS, CELLS))
    expected[:2, :2] = [[change, change / 2], [change / 2, change / 4]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_every_photo_has_its_own_map_of_changes_of_its_own_age():
    photos = [np.full((32, 32, 3), value, np.uint8) for value in (9, 9)]
    photos[1][16:, 16:] = 200
    predict = mean_of(np.s_[16:, 16:])
    even, corner = map_saliency(predict, photos, predict(np.stack(photos)))
    assert not even.any() and corner[4:, 4:].all() and not corner[:3].any()


def test_measures_by_hand():
    saliency, region = np.ones((CELLS, CELLS)), np.zeros((32, 32), bool)
    saliency[:2, :4] = 5
    region[:8, :16] = True
    assert per_pixel(saliency, 32)[7, 15] == 5 and per_pixel(saliency, 32)[8, 15] == 1
    assert share_inside(saliency, region) == pytest.approx(40 / (40 + 56))
    assert contrast([saliency], [region]) == 5
    assert contrast([saliency, np.full_like(saliency, 2)], [region, region]) == pytest.approx(7 / 3)


def test_no_measures_where_nothing_moves_the_age_or_nothing_is_outside():
    still, whole = np.zeros((CELLS, CELLS)), np.ones((32, 32), bool)
    half = whole.copy()
    half[:16] = False
    assert share_inside(still, half) is None and contrast([still], [half]) is None
    assert contrast([still + 1], [whole]) is None and contrast([], []) is None


def test_maps_keep_their_places_in_a_table():
    maps = np.arange(2 * CELLS**2, dtype=float).reshape(2, CELLS, CELLS)
    table = flatten_maps(maps)
    assert table.loc[0, "cell_0_1"] == 1 and np.array_equal(read_maps(table), maps)


def of_validation(*errors):
    rows = pd.DataFrame({"photo": [f"photo {error}" for error in errors], "split": "val", "real_age": 30.0})
    return rows.assign(predicted_age=rows["real_age"] + list(errors))


def test_the_best_the_typical_and_the_worst_are_picked():
    rows = of_validation(8, -1, 20, -6, 0, 5, -30, 2, 4, 25, -7)
    others = rows.assign(split="test", predicted_age=99.0, photo="test " + rows["photo"])
    picked = pick_examples(pd.concat([others, rows, rows.head(1)], ignore_index=True))
    assert {kind: list(part["error"]) for kind, part in picked.groupby("kind", sort=False)} == {
        "best": [0, -1, 2], "typical": [-6, 5, -7], "worst": [-30, 25, 20],
    }
    assert all(len(pick_examples(of_validation(*range(count)))) == min(count, 3 * EXAMPLES) for count in (1, 2, 5, 40))


def read_portraits(folder):
    """Those that are sound: photos, uint8 (n, 32, 32, 3), their labels and their numbers."""
    rows = pd.read_csv(folder / "labels.csv", dtype=str).drop_duplicates("file_name", keep=False)
    photos, ages, numbers = [], [], []
    rows = rows[rows["file_name"].str.fullmatch(r"\d+\.jpg")]
    for name, age in zip(rows["file_name"], pd.to_numeric(rows["real_age"], errors="coerce")):
        path = folder / "final_files" / name
        if 0 <= age <= 120 and path.is_file() and int(path.stem) < PORTRAITS.photos:
            with suppress(PhotoError):
                photos.append(fit_square(load_photo(path), PREPARE))
                ages.append(age)
                numbers.append(int(path.stem))
    return np.stack(photos), np.array(ages), numbers


def face_of(number, seed=PORTRAITS.seed, noise=PORTRAITS.label_noise, side=PREPARE.image_size):
    """Where the portrait of this number has its face, without hair, ears and neck: bool (side, side)."""
    rng = np.random.default_rng([seed, number])
    age = draw_age(rng)
    draw_label(age, noise, rng)
    rng.integers(70, 97)  # the quality of the JPEG
    person, shot, cues = draw_person(rng), draw_shot(rng), cues_at(age, rng)
    head = Pen(wall(shot), lambda points: place_head(points, shot), unit_pixels(shot))
    face = cv2.resize(head.mask(head_outline(person, cues)), (shot.width, shot.height), interpolation=cv2.INTER_AREA)
    return np.array(ImageOps.pad(Image.fromarray(face), (side, side))) > 127


def small_network(seed):
    """A small network with random weights."""
    keras.utils.set_random_seed(seed)
    pixels = keras.Input((32, 32, 3))
    features = keras.layers.Rescaling(1 / 127.5, -1)(pixels)
    for filters in (16, 32):
        features = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(features)
        features = keras.layers.MaxPooling2D()(features)
    features = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(features)
    return keras.Model(pixels, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(features)))


def contrast_of(network, photos, faces):
    def predict(batch):
        return network.predict_on_batch(batch).ravel()

    return contrast(map_saliency(predict, list(photos), predict(photos.astype("float32"))), faces)


def test_a_network_of_the_sample_looks_at_the_faces_and_one_of_random_weights_does_less(portraits):
    """Random weights are the sanity check of Adebayo et al. 2018 (NeurIPS): saliency has to depend on what was learnt.

    It is above 1 for them too, because a face has more contrast than the wall behind it.
    """
    photos, ages, numbers = read_portraits(portraits)
    learning, judging = np.s_[:-JUDGING], np.s_[-JUDGING:]
    network = small_network(seed=1)
    network.layers[-1].bias.assign([ages[learning].mean()])
    network.compile(keras.optimizers.Adam(6e-3), "mse")
    network.fit(photos[learning].astype("float32"), ages[learning], epochs=16, batch_size=32, verbose=0)
    faces = [face_of(number) for number in numbers[judging]]
    learnt, *random = (contrast_of(each, photos[judging], faces) for each in (network, *map(small_network, (2, 3, 4))))
    assert learnt >= 1.5
    assert learnt > 1.1 * max(random) and learnt > 1.3 * np.mean(random)


@pytest.mark.slow
def test_the_model_of_the_whole_sample_looks_at_the_faces_and_shuffled_weights_do_less(tmp_path):
    """The recipe of `params.yaml`. Shuffled are the values of each weight, which keeps the scale of the outputs."""
    copy_project(tmp_path, without=("tests/",))
    run_tool(tmp_path, "git", "init", "-q")
    run_tool(tmp_path, "dvc", "repro", "evaluate")
    learnt, shuffled = contrasts_of_the_sample(tmp_path)
    assert learnt >= 1.5
    assert learnt > 1.3 * shuffled


def contrasts_of_the_sample(folder):
    """That of the photos in `data/saliency.csv`, and that of the same model with the values of each weight shuffled."""
    rows, sample = read_rows(folder / "data/saliency.csv"), read_params(folder / "params.yaml")["sample"]
    faces = [face_of(int(Path(name).stem), sample["seed"], sample["label_noise"], 64) for name in rows["file_name"]]
    learnt = contrast(read_maps(rows), faces)
    model, generator = load_model(folder / "models/age.keras"), np.random.default_rng(1)
    frozen = {id(weight) for layer in model._flatten_layers() if not layer.trainable for weight in layer.weights}
    for weight in model.weights:
        if id(weight) not in frozen and "kernel" in weight.path:
            weight.assign(generator.permuted(np.array(weight).ravel()).reshape(weight.shape))
    photos = np.stack([read_prepared(folder / "data/prepared", photo) for photo in rows["photo"]])

    def predict(batch):
        return model.predict_on_batch(batch)["age"].ravel()

    return learnt, contrast(map_saliency(predict, list(photos), predict(photos.astype("float32"))), faces)
