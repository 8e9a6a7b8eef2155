"""The facts that the card's front matter and the ML-BOM are made of, as stage `report` gathers them."""

from realage.report.params import CardParams

SCORES = {
    "n": 60, "mae": 6.1234, "mae_ci95_lo": 5.4321, "mae_ci95_hi": 6.9876, "bias": -0.5678, "median_ae": 4.3456,
    "rmse": 8.2345, "r2": 0.6789, "cs3": 0.31, "cs5": 0.52, "cs10": 0.83, "balanced_mae": 7.4567,
    "baseline": {"mae": 13.5791},
}
FEW = {"n": 2, "mae": 20.25, "bias": 20.25}
START = {"weights": "large|x.keras", "sha256": "ab" * 32, "head_taken": True, "data": {"data_version": "d" * 16},
         "learnt_photos": 4000}
HOSTILE = "a: [b\n---\n# c\r\n{d}: &e *f !!python/object:os.system '\" \u202e | <b>\x85--- @team"


def facts(title="Faces", card=None, splits=("val", "test"), group="f", sample=True, scores=SCORES, **more):
    return {
        "title": title,
        "card": {**CardParams().model_dump(), **(card or {})},
        "splits": list(splits),
        "sample": {"photos": 200} if sample else None,
        "contamination": "",
        "groups": {},
        "recipe": {"model.backbone": "MobileNetV2", "prepare.image_size": "128", "train.keep": "best"},
        "train": {},
        "validate": {"clean": 1200},
        "evaluate": {
            "data_version": "0123456789abcdef",
            **{f"{split}_version": f"version of {split}" for split in splits},
            **{split: scores for split in splits},
            "by_decade": {split: [{"decade": "20-29", **scores}, {"decade": "90+", **FEW}] for split in splits},
            "by_group": {split: [{"column": "gender", "group": group, **scores}] for split in splits},
        },
        **more,
    }
