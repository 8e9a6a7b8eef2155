"""A picture of the photos whose labels are the least believable."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from realage.charts import Tile, drawable, sheet
from realage.core.columns import FILE_NAME, PREDICTED_AGE, REAL_AGE

COLUMNS = 8
SHOWN = 80  # photos
LONGEST = 18  # characters of a name; of a longer one its end


def suspects_sheet(ranked: pd.DataFrame, photos: Sequence[np.ndarray]) -> Figure:
    """Draw the first rows of `ranked`, from `rank_labels`, with their `photos`, uint8 RGB (size, size, 3)."""
    tiles = [Tile(pixels, _caption(number, row))
             for number, (pixels, (_, row)) in enumerate(zip(photos, ranked.iterrows()), start=1)]
    rows = [("", tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    return sheet(
        rows, 1.4, f"The {len(tiles)} labels that are least believable",
        "Place in suspects.csv, file, labelled age, and the age that a network which has not seen the person says",
    )  # fmt: skip


def _caption(number: int, row: pd.Series) -> str:
    name = drawable(row[FILE_NAME])
    name = name if len(name) <= LONGEST else f"...{name[3 - LONGEST :]}"
    return f"{number}: {name}\nlabel {row[REAL_AGE]:g}, looks {row[PREDICTED_AGE]:.0f}"
