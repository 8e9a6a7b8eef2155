"""Which photos are dots: all that there is room for, evenly picked, and the largest errors with their photo."""

import numpy as np
import pandas as pd

from realage.report.dots import MOST_DOTS, THUMBNAILS, pick_dots


def predictions(count):
    noise = np.random.default_rng(1)
    return pd.DataFrame({"split": "val", "real_age": noise.uniform(0, 90, count), "predicted_age": 40.0})


def test_few_photos_are_all_drawn_and_many_evenly_picked():
    assert len(pick_dots(predictions(50))) == 50
    many = predictions(10 * MOST_DOTS)
    dots = pick_dots(pd.concat([many, many.head(3).assign(split="test"), many.head(9).assign(split="train")],
                               ignore_index=True))
    assert dots["split"].value_counts().to_dict() == {"val": MOST_DOTS, "test": 3}
    assert abs(dots["real_age"].mean() - many["real_age"].mean()) < 2


def test_the_largest_errors_have_thumbnails_the_largest_first():
    dots = pick_dots(predictions(THUMBNAILS + 100)).sort_values("error", key=np.abs, ascending=False)
    assert list(dots["thumbnail"]) == [*range(THUMBNAILS), *[-1] * 100]


def test_the_same_row_twice_is_two_dots():
    twice = pd.concat([predictions(5), predictions(5)])
    assert sorted(pick_dots(twice)["thumbnail"]) == list(range(10))
