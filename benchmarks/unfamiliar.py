"""How many photos of other kinds the model calls unlike its training photos: `python -m benchmarks.unfamiliar`.

Run it in a clone after `dvc repro`. The test photos are shown to the exported model as they are, and after one change
each. Prints for each change the MAE, the share of photos with the reason `unfamiliar`, and beside it the share with any
other reason, which needs no network; then in how many draws of 100 photos `realage watch` would raise an alarm, with
and without the measure `familiarity`. Shares have 95% intervals.
"""

from collections.abc import Callable

import cv2
import numpy as np
import pandas as pd
import typer
from scipy.stats import binomtest

from realage.core.columns import EYE_DISTANCE, PHOTO, REAL_AGE
from realage.core.errors import UserError
from realage.core.files import read_rows
from realage.core.paths import EXPORTED, PREDICTIONS, PREPARED, PREPARED_LIST
from realage.drift.findings import find_changes
from realage.inference.age_model import AgeModel, Prediction
from realage.inference.views import View
from realage.photos.likeness import AGE, FAMILIARITY, UNFAMILIAR, TrainingSummary, look_at
from realage.photos.prepared import read_prepared

DRAWS, PHOTOS, SEED = 50, 100, 1

Change = Callable[[np.ndarray], np.ndarray]  # of a square, uint8 (n, n, 3) RGB


def cut_up(square: np.ndarray) -> np.ndarray:
    """The four quarters in other places."""
    half = len(square) // 2
    return np.roll(square, (half, half), axis=(0, 1))


def farther(square: np.ndarray) -> np.ndarray:
    """A quarter of the side more on each side, mirrored, as if the frame were wider."""
    border = len(square) // 4
    wide = cv2.copyMakeBorder(square, border, border, border, border, cv2.BORDER_REFLECT)
    return cv2.resize(wide, square.shape[:2], interpolation=cv2.INTER_AREA)


def half_covered(square: np.ndarray) -> np.ndarray:
    """The lower half in its mean colour, as behind a mask."""
    covered = square.copy()
    covered[len(square) // 2 :] = covered[len(square) // 2 :].mean(axis=(0, 1))
    return covered


CHANGES: dict[str, Change] = {
    "none": lambda square: square,
    "wider frame": farther,
    "lower half covered": half_covered,
    "upside down": lambda square: square[::-1],
    "a quarter turn": lambda square: np.rot90(square),
    "negative": lambda square: 255 - square,
    "cut up": cut_up,
}


def benchmark() -> None:
    """Print a line for each change."""
    model = AgeModel.load(EXPORTED)
    if model.facts.summary is None:
        raise UserError(f"{EXPORTED}: does not know its training photos")
    rows = read_rows(PREDICTIONS)
    rows = rows[rows["split"] == "test"]
    eyes = pd.read_csv(PREPARED_LIST, dtype={PHOTO: str}).set_index(PHOTO)[EYE_DISTANCE].reindex(rows[PHOTO])
    squares = [read_prepared(PREPARED, photo) for photo in rows[PHOTO]]
    for name, change in CHANGES.items():
        views = [_view(model, np.ascontiguousarray(change(square)), far) for square, far in zip(squares, eyes)]
        answers = [answer for answer in model.answer(views) if isinstance(answer, Prediction)]
        error = np.abs([answer.age for answer in answers] - rows[REAL_AGE].to_numpy()).mean()
        unfamiliar = sum(UNFAMILIAR in answer.reasons for answer in answers)
        others = sum(bool(set(answer.reasons) - {UNFAMILIAR}) for answer in answers)
        print(f"{name:20} MAE {error:5.2f} years  unfamiliar {_share(unfamiliar, len(answers))}  "
              f"another reason {_share(others, len(answers))}")
        with_it, without = _alarms(model.facts.summary, views, answers)
        print(f"{'':20} alarm {_share(with_it, DRAWS)}, without familiarity {_share(without, DRAWS)}", flush=True)


def _alarms(summary: TrainingSummary, views: list[View], answers: list[Prediction]) -> tuple[int, int]:
    """The draws with an alarm, and those with one by another measure than familiarity."""
    random, alarms, others = np.random.default_rng(SEED), 0, 0
    for _ in range(DRAWS):
        drawn = random.choice(len(views), PHOTOS, replace=False)
        looks = [seen for place in drawn if (seen := views[place].seen)]
        columns = {
            AGE: [answers[place].age for place in drawn],
            FAMILIARITY: [answers[place].familiarity or 0.0 for place in drawn],
        }
        causes = {finding.measure for finding in find_changes(summary, looks, columns) if finding.drift}
        alarms, others = alarms + bool(causes), others + bool(causes - {FAMILIARITY})
    return alarms, others


def _view(model: AgeModel, square: np.ndarray, eyes: float) -> View:
    seen = look_at(square, model.facts.prepare, None if np.isnan(eyes) else eyes)
    reasons = model.facts.summary.reasons(seen) if model.facts.summary else ()
    return View(square, square.shape[1::-1], None, None, seen, reasons)


def _share(count: int, photos: int) -> str:
    ends = binomtest(count, photos).proportion_ci(method="wilson")
    return f"{count / photos:6.1%} [{ends.low:.1%}, {ends.high:.1%}]"


if __name__ == "__main__":
    typer.run(benchmark)
