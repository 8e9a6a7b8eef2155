"""Nothing -> illustrated portraits of known age with noisy labels and planted defects, to try the pipeline on."""

import shutil
from pathlib import Path

from realage.core.files import write_json
from realage.core.params import load
from realage.core.paths import metrics_file
from realage.labels.dataset import SampleParams
from realage.runner.command import run
from synthetic.sample import smallest_mae, write_sample

FOLDER = Path("data/sample")


def sample() -> None:
    """Write `data/sample/final_files/*.jpg`, `data/sample/labels.csv` and `metrics/sample.json`.

    With `sample.photos: 0` the folder is empty and the labels are a bare header.
    """
    params = load("sample", SampleParams)
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    write_sample(FOLDER, params)
    write_json(metrics_file("sample"), _facts(params))
    if not params.photos:
        print("sample: switched off (sample.photos is 0)")
        return
    print(f"sample: {params.photos:,} portraits drawn, labels {params.label_noise:g} years off (standard deviation)")


def _facts(params: SampleParams) -> dict[str, float]:
    """Number of photos, the labels' noise, and the smallest mean absolute error that noise allows (years)."""
    return {
        "photos": params.photos,
        "label_noise": params.label_noise,
        "floor_mae": smallest_mae(params.label_noise),
    }


if __name__ == "__main__":
    run(sample)
