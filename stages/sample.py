"""Params -> synthetic portraits of known age with label noise and planted defects, to try the pipeline."""

import shutil
from pathlib import Path

from realage.core.disk import naming
from realage.core.files import write_json
from realage.core.params import load
from realage.core.paths import metrics_file
from realage.labels.dataset import SampleParams
from realage.runner.command import run
from synthetic.sample import smallest_mae, write_sample

FOLDER = Path("data/sample")


def sample() -> None:
    """Write `data/sample/final_files/*.jpg`, `data/sample/labels.csv` and `metrics/sample.json`.

    With `sample.photos: 0` the folder is empty and the labels are only a header.
    """
    params = load("sample", SampleParams)
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    with naming(FOLDER):
        write_sample(FOLDER, params)
    write_json(metrics_file("sample"), _facts(params))
    if not params.photos:
        print("sample: switched off (sample.photos is 0)")
        return
    print(f"sample: {params.photos:,} portraits drawn, label noise {params.label_noise:g} years (standard deviation)")


def _facts(params: SampleParams) -> dict[str, float]:
    """Return the number of photos, the label noise (years), and the MAE that the noise alone causes (years)."""
    return {
        "photos": params.photos,
        "label_noise": params.label_noise,
        "floor_mae": smallest_mae(params.label_noise),
    }


if __name__ == "__main__":
    run(sample)
