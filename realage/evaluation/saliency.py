"""Which region of a photo a predicted age comes from: occlusion (Zeiler and Fergus 2014, ECCV, section 2.1).

A square of the photo is covered, and the model predicts again. The more the age moves, the more it depends on what was
covered. It takes predictions alone, so it works with every model and every backend of Keras. Nothing in it is random.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from realage.core.columns import PHOTO, PREDICTED_AGE, REAL_AGE

CELLS = 8  # of a map, along each side
COVERED = 2  # cells, side of the square that is covered
PLACES = CELLS + COVERED - 1  # of the square along each side; at the edges it sticks out, so each cell counts alike
EXAMPLES = 3  # photos of each kind

CELL_COLUMNS = [f"cell_{row}_{column}" for row in range(CELLS) for column in range(CELLS)]
Predict = Callable[[np.ndarray], np.ndarray]


def pick_examples(predictions: pd.DataFrame) -> pd.DataFrame:
    """The validation rows with the smallest, the most typical and the largest absolute errors, EXAMPLES of each.

    Typical are those nearest to the median. Columns `kind` (best, typical or worst) and `error` (years) are added. Each
    photo is listed once, so a split of fewer photos has fewer rows.
    """
    rows = predictions[predictions["split"] == "val"].drop_duplicates(PHOTO)
    rows = rows.assign(error=rows[PREDICTED_AGE] - rows[REAL_AGE])
    size = rows["error"].abs()
    away = {"worst": -size, "best": size, "typical": (size - size.median()).abs()}
    parts: dict[str, pd.DataFrame] = {}
    for kind, distance in away.items():
        nearest = distance.loc[rows.index].sort_values(kind="stable").index[:EXAMPLES]
        parts[kind] = rows.loc[nearest].assign(kind=kind)
        rows = rows.drop(nearest)
    return pd.concat([parts[kind] for kind in ("best", "typical", "worst")])


def map_saliency(predict: Predict, photos: Sequence[np.ndarray], ages: np.ndarray) -> np.ndarray:
    """How many years the age moves when a region is covered: float64 (n, CELLS, CELLS), 0 or more.

    `photos` are uint8 RGB (size, size, 3), `ages` what the model predicts for them, in years. `predict` returns the
    ages of a batch of photos, float32 (batch, size, size, 3). A square of COVERED cells takes the photo's mean colour,
    in all its places, which overlap. A cell has the mean of the absolute changes of the squares that cover it.
    """
    covered = np.array([predict(batch) for pixels in photos for batch in _cover(pixels)], dtype="float64")
    moved = np.abs(covered.reshape(len(photos), PLACES, PLACES) - ages[:, None, None])
    windows = np.lib.stride_tricks.sliding_window_view(moved, (COVERED, COVERED), axis=(1, 2))
    return windows.mean(axis=(3, 4))


def per_pixel(saliency: np.ndarray, size: int) -> np.ndarray:
    """The map of a photo, (CELLS, CELLS), as one of its pixels, (size, size): each has the value of its cell."""
    cell = np.arange(size) * CELLS // size
    return saliency[np.ix_(cell, cell)]


def share_inside(saliency: np.ndarray, region: np.ndarray) -> float | None:
    """The share of a photo's saliency in `region`, bool (size, size); None if the age never moves."""
    pixels = per_pixel(saliency, len(region))
    return float(pixels[region].sum() / pixels.sum()) if pixels.any() else None


def contrast(maps: Sequence[np.ndarray], regions: Sequence[np.ndarray]) -> float | None:
    """How many times as high saliency is per pixel inside the regions of photos as outside, on average over photos.

    `regions` are bool (size, size), one for each map; those that are empty or the whole photo are left out. None if
    there is no other, or if no age moves when something outside is covered.
    """
    pixels = [(per_pixel(saliency, len(region)), region) for saliency, region in zip(maps, regions)
              if region.any() and not region.all()]
    inside, outside = (sum(float(values[region == side].mean()) for values, region in pixels)
                       for side in (True, False))
    return inside / outside if outside else None


def flatten_maps(maps: np.ndarray) -> pd.DataFrame:
    """Maps as a table: a row for each, and a column for each cell, by row and column from the upper left."""
    return pd.DataFrame(maps.reshape(-1, CELLS**2), columns=CELL_COLUMNS)


def read_maps(table: pd.DataFrame) -> np.ndarray:
    """The maps of `flatten_maps`, which `table` has among its columns: float64 (n, CELLS, CELLS)."""
    return table[CELL_COLUMNS].to_numpy(dtype="float64").reshape(-1, CELLS, CELLS)


def _cover(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Copies of a photo with a square covered: a batch for each row of places."""
    size = len(pixels)
    mean = pixels.mean(axis=(0, 1))
    for row in range(PLACES):
        batch = np.repeat(pixels[None].astype("float32"), PLACES, axis=0)
        for column, photo in enumerate(batch):
            photo[_span(row, size), _span(column, size)] = mean
        yield batch


def _span(place: int, size: int) -> slice:
    """The pixels that the square covers along one side; at place 0 only its last cell is in the photo."""
    first, last = max(0, place + 1 - COVERED), min(CELLS, place + 1)
    return slice(-(-first * size // CELLS), -(-last * size // CELLS))
