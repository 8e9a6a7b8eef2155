"""Errors by what the face detector found in a photo."""

import numpy as np
import pandas as pd

from realage.evaluation.by_face import groups_by_face
from realage.evaluation.metrics import EvaluateParams
from realage.evaluation.scores import score_splits

FOUND = pd.DataFrame({"faces": [0, 1, 1, 2, 7, 1], "eye_distance": [None, 19, 20, 79, 80, 4_000]})


def test_groups_by_number_of_faces_and_eye_distance():
    groups = groups_by_face(FOUND)
    assert groups["faces found"].tolist() == ["none", "one", "one", "several", "several", "one"]
    assert groups["eye distance in pixels"].tolist() == [
        "(none)", "0 to 19", "20 to 39", "40 to 79", "80 or more", "80 or more"
    ]


def test_no_groups_where_no_face_was_looked_for():
    assert groups_by_face(pd.DataFrame({"faces": [None, None], "eye_distance": [None, None]})) == {}


def test_each_group_has_its_own_error():
    photos = pd.DataFrame({
        "split": "val", "real_age": 30.0, "predicted_age": [50.0, 31, 31, 32, 32, 31], "person": np.arange(6),
    })
    scores = score_splits(photos, {}, 30.0, EvaluateParams(groups=[]), groups_by_face(FOUND))
    rows = [(row["group"], row["n"], row["mae"]) for row in scores["by_face"]["val"] if row["column"] == "faces found"]
    assert rows == [("none", 1, 20.0), ("one", 3, 1.0), ("several", 2, 2.0)]
    assert scores["by_group"]["val"] == [] and "gap" not in scores["val"]
