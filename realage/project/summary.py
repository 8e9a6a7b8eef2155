"""The model's error, its baselines and the next steps: `realage summary`."""

from realage.core.errors import printable
from realage.core.files import read_json
from realage.core.formatting import count_photos, interval
from realage.core.params import load
from realage.core.paths import metrics_file
from realage.labels.dataset import DatasetParams


def summary() -> None:
    """Print the MAE of each held-out split, the constant baseline and, for the synthetic sample, its noise floor."""
    scores = read_json(metrics_file("evaluate"))
    dataset = load("dataset", DatasetParams)
    print(f"\n{'Synthetic sample' if dataset.is_sample else printable(dataset.labels)}")
    for split, what in (("val", "validation MAE"), ("test", "test MAE")):
        if split in scores:
            photos = count_photos(scores[split]["n"], scores[split].get("people", scores[split]["n"]))
            seen = f", {scores[split]['seen']:,} seen in training before: too low" if scores[split].get("seen") else ""
            _print_years(what, scores[split]["mae"], f"{interval(scores[split]):<14}{photos}{seen}")
    _print_years("constant baseline", scores["val"]["baseline"]["mae"], "the training photos' median age for everyone")
    if dataset.is_sample:
        sample = read_json(metrics_file("sample"))
        _print_years("floor", sample["floor_mae"], f"what label noise of {sample['label_noise']:g} years costs alone")
    print(
        "\nNext: open reports/index.html, try 'realage predict PHOTO',\n"
        "      and see README.md for photos of your own (presets/faces.yaml)."
    )


def _print_years(what: str, years: float, remark: str) -> None:
    print(f"  {what:<18} {years:>6.2f} years  {remark}".rstrip())
