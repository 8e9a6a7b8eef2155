"""What `make repro` ends with: how good the model is, what that compares with, and where to look next."""

from pathlib import Path

from realage.command import run
from realage.dataset import DatasetParams
from realage.files import read_json
from realage.params import load

METRICS = Path("metrics")


def summary() -> None:
    """Print validation MAE, the constant baseline and, for the synthetic sample, the floor that label noise sets."""
    val = read_json(METRICS / "evaluate.json")["val"]
    dataset = load("dataset", DatasetParams)
    print(f"\n{'Synthetic sample' if dataset.is_sample else dataset.labels}: {val['n']:,} validation photos")
    _print_years("validation MAE", val["mae"], _interval(val))
    _print_years("constant baseline", val["baseline"]["mae"], "  the training photos' median age for everyone")
    if dataset.is_sample:
        sample = read_json(METRICS / "sample.json")
        _print_years("floor", sample["floor_mae"], f"  what label noise of {sample['label_noise']:g} years costs alone")
    print(
        "\nNext: open reports/index.html, try 'python -m realage.predict PHOTO',\n"
        "      and see README.md for photos of your own (presets/faces.yaml)."
    )


def _print_years(what: str, years: float, remark: str) -> None:
    print(f"  {what:<18} {years:>6.2f} years{remark}")


def _interval(scores: dict) -> str:
    return f"  [{scores['mae_ci95_lo']:.2f}, {scores['mae_ci95_hi']:.2f}]" if "mae_ci95_lo" in scores else ""


if __name__ == "__main__":
    run(summary)
