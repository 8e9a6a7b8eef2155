"""Compare new photos with the training photos: `realage watch PHOTO|FOLDER...`."""

import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from realage.core.disk import replacing
from realage.core.errors import UserError
from realage.drift.page import to_html
from realage.drift.report import DriftReport, report_drift
from realage.inference.named import named_photos
from realage.inference.pipeline_model import open_model
from realage.inference.stream import predict_stream

DRIFTED = 3  # exit status; 1 is an error, 2 a wrong command line


def watch(
    paths: Iterable[str | Path], model_file: Path | None = None, json_file: Path | None = None,
    html_file: Path | None = None,
) -> None:  # fmt: skip
    """Print in which measures the photos in `paths` differ from the training photos, and write the report.

    Ends the program with status DRIFTED if any does. Raises UserError as `report_drift` and `named_photos` do.
    """
    _require_outputs(json_file, html_file)
    photos = list(dict.fromkeys(named_photos(paths)))  # a photo that is named twice counts once
    _, model = open_model(model_file)
    progress = tqdm(predict_stream(model, photos), total=len(photos), desc="watch", unit=" photos", disable=None)
    report = report_drift(model, progress)
    _print(report)  # first, in case that a file cannot be written
    for file, text in ((json_file, report.model_dump_json(indent=2)), (html_file, to_html(report))):
        if file:
            with replacing(file) as part:
                part.write_text(text, encoding="utf-8")
    if report.has_drifted:
        sys.exit(DRIFTED)


def _require_outputs(json_file: Path | None, html_file: Path | None) -> None:
    """Raise UserError for an output that could replace something else than an earlier report."""
    for file, suffix in ((json_file, ".json"), (html_file, ".html")):
        if file and file.suffix != suffix:
            raise UserError(f"{file}: the name of this report ends in {suffix}: name it so")
        if file and (file.is_symlink() or (file.exists() and not file.is_file())):
            raise UserError(f"{file}: not a regular file: name another one")


def _print(report: DriftReport) -> None:
    print(f"{report.photos:,} photos, {report.unusable:,} without an age")
    for reason, count in report.reasons.items():
        print(f"  unlike the training photos: {count:,} {reason}")
    print(f"\n{'measure':13}{'training':>10}{'here':>10}{'index':>8}{'p':>9}  change")
    for finding in report.findings:
        print(f"{finding.measure:13}{finding.training:10.4g}{finding.new:10.4g}{finding.psi:8.3f}{finding.p:9.4f}  "
              f"{finding.change or '-'}")
    print(f"\n{report.verdict}.")
