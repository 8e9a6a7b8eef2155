"""Files that several modules read or write, relative to the project's folder."""

from pathlib import Path

PARAMS = Path("params.yaml")
LOCK = Path("dvc.lock")

PHOTOS = Path("data/photos.parquet")
CLEAN = Path("data/labels/clean.csv")
REJECTED = Path("data/labels/rejected.csv")
SPLITS = Path("data/labels/splits.csv")
CONFLICTING_AGES = Path("data/labels/conflicting_ages.csv")
PREPARED = Path("data/prepared")
PREPARED_LIST = Path("data/prepared.csv")
FACES = Path("data/faces.csv")
INDEX = Path("data/index")
CALIBRATION = INDEX / "calibration.csv"
WEIGHTS = Path("data/weights")
SOURCE = WEIGHTS / "source.json"
BACKBONE_WEIGHTS = WEIGHTS / "backbone.weights.h5"
START_MODEL = WEIGHTS / "age.keras"  # the age model that training starts from
SUSPECTS = Path("data/suspects")  # what `realage suspects` keeps and writes; not an out of a stage
STORE = Path(".store")  # results for single photos, kept between runs; not an out of a stage

NETWORK = Path("models/network.keras")
MODEL = Path("models/age.keras")
EXPORTED = Path("models/export/age.onnx")
CHECKPOINTS = Path("checkpoints")
LIVE_HISTORY = Path("live/training.csv")
PREDICTIONS = Path("data/predictions.csv")
REPEATABILITY = Path("data/repeatability.csv")
SALIENCY = Path("data/saliency.csv")  # of some held-out photos

METRICS = Path("metrics")
PLOTS = Path("plots")
HISTORY = PLOTS / "training.csv"
PREDICTED = PLOTS / "evaluate/predicted.csv"
REPORT = Path("reports/index.html")
MODEL_CARD = Path("reports/model_card.md")


def metrics_file(stage: str) -> Path:
    """Return the metrics file of a stage, such as `metrics/evaluate.json`."""
    return METRICS / f"{stage}.json"
