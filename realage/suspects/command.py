"""List the labels that are most likely wrong: `realage suspects`."""

import pandas as pd
from filelock import FileLock, Timeout

from realage.core.columns import FILE_NAME, PHOTO, REAL_AGE
from realage.core.errors import UserError
from realage.core.files import read_listing, write_listing
from realage.core.params import check_section, load
from realage.core.paths import CONFLICTING_AGES, PREPARED, SUSPECTS
from realage.network.backbones import ModelParams
from realage.network.recipe import TrainParams
from realage.photos.params import PrepareParams
from realage.photos.prepared import read_prepared

LISTED, SHEET = SUSPECTS / "suspects.csv", SUSPECTS / "suspects.png"


def suspects(folds: int, size: int, epochs: int) -> None:
    """Write `data/suspects/suspects.csv`, all labels from the least believable on, and a sheet of the first photos.

    Trains `folds` networks of `size` pixels for `epochs` epochs. Raises UserError if another process does so in this
    folder, if the pipeline has not been run, and as training does.
    """
    SUSPECTS.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(SUSPECTS / "running.lock", timeout=0):
            _suspects(folds, size, epochs)
    except Timeout:
        raise UserError(f"{SUSPECTS}: another 'realage suspects' is running here: wait until it ends") from None


def _suspects(folds: int, size: int, epochs: int) -> None:
    prepare, model, train = load("prepare", PrepareParams), load("model", ModelParams), load("train", TrainParams)
    smaller = {**train.model_dump(), "photos": None, "epochs": epochs, "keep": "last"}
    try:
        train = check_section("train", smaller, TrainParams)
    except UserError as error:
        raise UserError(f"--epochs {epochs} is too few: {error}") from error
    # Imported late: Keras takes seconds to load, and an invalid param should be reported at once.
    from realage.charts import save
    from realage.suspects.ranking import rank_labels
    from realage.suspects.search import ages_out_of_fold, read_photos
    from realage.suspects.sheet import SHOWN, suspects_sheet

    rows = read_photos()
    answers = ages_out_of_fold(rows, folds, size, prepare, model, train)
    ranked = rank_labels(rows, answers, _read_conflicting())
    write_listing(LISTED, ranked)
    photo_of = rows.set_index(FILE_NAME)[PHOTO]
    save(suspects_sheet(ranked, [read_prepared(PREPARED, photo_of[name]) for name in ranked[FILE_NAME].head(SHOWN)]),
         SHEET)
    print(f"suspects: {len(ranked):,} labels in {LISTED}, the least believable first; the photos of the first "
          f"{min(SHOWN, len(ranked))} are in {SHEET}")


def _read_conflicting() -> pd.DataFrame:
    try:
        return read_listing(CONFLICTING_AGES).astype({REAL_AGE: "float64", "years_apart": "float64"})
    except (KeyError, ValueError) as error:
        raise UserError(f"{CONFLICTING_AGES}: damaged or edited ({error}): run 'dvc repro'") from error
