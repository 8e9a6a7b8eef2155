"""How two versions of the data differ: `realage compare-data REV [REV] [--format NAME]`."""

import json
import logging
from pathlib import Path

import pandas as pd

from realage.core.columns import REAL_AGE
from realage.core.errors import UserError
from realage.core.files import neutralized
from realage.history.data_changes import CHANGES, age_figures, changed_photos, in_order, set_differences, with_change
from realage.history.data_versions import DataVersion, read_revision, read_working_tree
from realage.labels.rules import RULES
from realage.splits.assign import HELD_OUT, SPLIT_NAMES

MOST_NAMES = 10  # photos listed per kind of change, in the table
EVERY_SPLIT = "all"
HEADINGS = {
    "n": ("photos", "{:,}"),
    "age_mean": ("mean", "{:.1f}"),
    "age_median": ("median", "{:.1f}"),
    "age_sd": ("sd", "{:.1f}"),
    "share_20_30": ("20 to 30", "{:.0%}"),
}


def compare_data(before: str, after: str | None = None, style: str = "table") -> None:
    """Print how the data of revision `after`, or of the working tree, differ from those of revision `before`.

    `style` is table, csv or json.
    """
    if not Path("dvc.yaml").is_file():
        raise UserError("dvc.yaml: no such file: run this in the project's folder")
    # Hides DVC's log messages about a revision's dvc.yaml; what matters raises an error.
    logging.disable(logging.CRITICAL)
    first = read_revision(before)
    second = read_revision(after) if after is not None else read_working_tree()
    changed = changed_photos(first.photos, second.photos)
    if style == "csv":
        print(neutralized(changed).to_csv(index=False, lineterminator="\n").rstrip())
    elif style == "json":
        print(json.dumps(_as_json(first, second, changed), indent=2, allow_nan=False))
    else:
        print(_as_text(first, second, changed))


def _as_json(before: DataVersion, after: DataVersion, changed: pd.DataFrame) -> dict:
    return {
        "before": before.name,
        "after": after.name,
        "photos": _figures_by_split(before, after),
        "rejected": _counts_by_rule(before, after),
        "changes": {change: len(with_change(changed, change)) for change in CHANGES},
        "held_out": {split: set_differences(changed, split) for split in HELD_OUT},
        "verdict": _verdicts(before, after, changed),
        "changed": changed.astype(object).where(changed.notna(), None).to_dict("records"),
    }


def _as_text(before: DataVersion, after: DataVersion, changed: pd.DataFrame) -> str:
    sections = [
        f"before: {before.name}\nafter:  {after.name}",
        "Photos and their ages in years\n" + _figures_as_text(_figures_by_split(before, after)),
        "Rejected rows and photos\n" + _rejected_as_text(_counts_by_rule(before, after)),
        "\n".join(_change_as_text(change, with_change(changed, change)) for change in CHANGES),
        "\n".join(_verdicts(before, after, changed)),
    ]
    return "\n\n".join(sections)


def _figures_by_split(before: DataVersion, after: DataVersion) -> dict[str, dict[str, dict]]:
    """The `age_figures` of each split and of all photos, before and after."""

    def ages(version: DataVersion, split: str) -> pd.Series:
        photos = version.photos
        return photos.loc[(photos["split"] == split) | (split == EVERY_SPLIT), REAL_AGE]

    splits = [*in_order(SPLIT_NAMES, before.photos["split"], after.photos["split"]), EVERY_SPLIT]
    return {
        split: {"before": age_figures(ages(before, split)), "after": age_figures(ages(after, split))}
        for split in splits
    }


def _counts_by_rule(before: DataVersion, after: DataVersion) -> dict[str, dict[str, int]]:
    old, new = before.rejected["rule"], after.rejected["rule"]
    return {
        rule: {"before": int((old == rule).sum()), "after": int((new == rule).sum())}
        for rule in in_order(RULES, old, new)
    }


def _figures_as_text(figures: dict[str, dict[str, dict]]) -> str:
    rows = {(split, when): figures[split][when] for split in figures for when in ("before", "after")}
    table = pd.DataFrame(rows.values(), index=pd.MultiIndex.from_tuples(rows))
    cells = {heading: table[name].map(form.format, na_action="ignore") for name, (heading, form) in HEADINGS.items()}
    return pd.DataFrame(cells).fillna("-").to_string()


def _rejected_as_text(counts: dict[str, dict[str, int]]) -> str:
    return pd.DataFrame.from_dict(counts, orient="index").to_string() if counts else "none, before and after"


def _change_as_text(change: str, photos: pd.DataFrame) -> str:
    lines = [f"{change}: {len(photos):,}"]
    lines += [f"  {_description(change, row)}" for row in photos.head(MOST_NAMES).itertuples()]
    if len(photos) > MOST_NAMES:
        lines.append(f"  and {len(photos) - MOST_NAMES:,} more (--format csv lists them all)")
    return "\n".join(lines)


def _description(change: str, row) -> str:
    if change == "added":
        return f"{row.file_name_after} ({row.split_after}, {row.real_age_after:g} years)"
    if change == "removed":
        return f"{row.file_name_before} ({row.split_before}, {row.real_age_before:g} years)"
    was_called = "" if row.file_name_before == row.file_name_after else f"{row.file_name_before} -> "
    name = was_called + row.file_name_after
    if change == "renamed":
        return name
    if change == "relabelled":
        return f"{name} ({row.split_after}): {row.real_age_before:g} -> {row.real_age_after:g} years"
    return f"{name}: {row.split_before} -> {row.split_after}"


def _verdicts(before: DataVersion, after: DataVersion, changed: pd.DataFrame) -> list[str]:
    verdicts = [_verdict(changed, after, split) for split in HELD_OUT]
    return verdicts + [
        f"But the errors in metrics/evaluate.json of {version.name} are of other data: run 'dvc repro' there first."
        for version in (before, after)
        if not version.is_judged
    ]


def _verdict(changed: pd.DataFrame, after: DataVersion, split: str) -> str:
    """Whether two commits' errors on a held-out set were measured on the same photos with the same labels."""
    differences = set_differences(changed, split)
    differing = sum(differences.values())
    if differing:
        kinds = ", ".join(f"{count:,} {change}" for change, count in differences.items() if count)
        photos = "photo differs" if differing == 1 else "photos differ"
        return (
            f"{differing:,} {SPLIT_NAMES[split]} {photos} ({kinds}): "
            f"a difference in {split}.mae is partly due to the data."
        )
    if split not in set(after.photos["split"]):
        return f"There are no {SPLIT_NAMES[split]} photos, before or after."
    return f"The {SPLIT_NAMES[split]} sets are the same: {split}.mae can be compared."
