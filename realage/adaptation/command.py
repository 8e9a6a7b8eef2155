"""Adapt a model to a new source: `realage adapt MODEL --labels FILE --images FOLDER --out FILE`."""

from pathlib import Path

from realage.core.errors import UserError
from realage.core.params import load
from realage.labels.params import ValidateParams


def adapt(model_file: Path, labels: Path, images: Path, out: Path) -> None:
    """Write `out`: the model, corrected for the photos in `images` that `labels` names.

    Raises UserError, and writes nothing, if an input is not valid, if there are too few photos or people, and if the
    best correction does not lower the MAE beyond noise.
    """
    if out.suffix != ".keras":
        raise UserError(f"{out}: the name of a model file ends in .keras: name it so")
    if out.exists() or out.is_symlink():
        raise UserError(f"{out}: exists already: name a new file")
    if not labels.is_file():
        raise UserError(f"{labels}: no such label file: name a CSV file with columns file_name and real_age")
    if not images.is_dir():
        raise UserError(f"{images}: no such folder of photos: name the folder that file_name is relative to")
    rules = load("validate", ValidateParams)
    # Imported late: Keras takes seconds to load, and a wrong path should be reported at once.
    from realage.adaptation.adapted import write_adapted

    write_adapted(model_file, labels, images, rules, out)
