"""The command `realage`: its subcommands and their options. A subcommand imports its module only when called."""

import sys
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from realage.core.errors import UserError
from realage.core.paths import EXPORTED, MODEL
from realage.runner.command import output_for_a_reader, run

OF_SERVICE = ("fastapi", "fastapi_offline", "prometheus_client", "python_multipart", "starlette", "uvicorn")
Action = Callable[[], None]

USE, TRUST, SHARE, KEEP = "Use a model", "Compare and verify", "Release", "Maintain the project"

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Predict a person's real age from a face photo, and maintain the pipeline that trains the model. "
    "'dvc repro' trains it. With --debug, an error shows its traceback.",
)  # fmt: skip

remote = typer.Typer(no_args_is_help=True, help="Check what the team shares.")
app.add_typer(remote, name="remote", rich_help_panel=SHARE)

AnyModel = Annotated[
    Path | None,
    typer.Option(metavar="FILE", show_default=False, help=f"the model file; default: {EXPORTED}, else {MODEL}"),
]
Revision = Annotated[str, typer.Argument(metavar="REV", help="a commit, a tag, a branch, HEAD~1")]
OtherRevision = Annotated[
    str | None, typer.Argument(metavar="[REV]", show_default=False, help="another one; default: the working tree")
]


class TableFormat(StrEnum):
    """Output formats of `realage compare-data`."""

    table = "table"
    csv = "csv"
    json = "json"


class Faces(StrEnum):
    """The faces of a photo that `realage predict` looks at."""

    largest = "largest"
    all = "all"


class Precision(StrEnum):
    """Precisions of the weights that `realage export` writes."""

    float32 = "float32"
    float16 = "float16"
    int8 = "int8"


class RowFormat(StrEnum):
    """Output formats of `realage predict`; jsonl is one JSON object per line."""

    table = "table"
    csv = "csv"
    json = "json"
    jsonl = "jsonl"


def main(*command: str) -> None:
    """Run the command line, or the subcommand `command` with the command line's arguments."""
    run(lambda: _run(command))


def _run(command: tuple[str, ...]) -> None:
    # A subcommand returns its action, so that errors, Ctrl-C and closed pipes are handled as in a stage.
    try:
        action = app([*command, *sys.argv[1:]], prog_name="realage", standalone_mode=False)
        if callable(action):
            action()
    except typer.TyperException as error:
        error.show()  # type: ignore[attr-defined]  # every exception of Typer has it
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = "serve" if package in OF_SERVICE else "train"
        raise UserError(f"this needs the package {package}, which is not installed: "
                        f"run \"pip install 'realage[{extra}]'\"") from error


def _printing(action: Action) -> Action:
    """`action`, which does nothing else than print."""

    def printing() -> None:
        with output_for_a_reader():
            action()

    return printing


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            print(version("realage"))
        except PackageNotFoundError:
            print("not installed: this is a clone")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """See `app`."""


def _named(path: str) -> Path:
    if not path:  # for Path this is the current folder; in a shell it is a variable that is not set
        raise typer.BadParameter("an empty path: name a photo or a folder")
    return Path(path)


@app.command(rich_help_panel=USE)
def predict(
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO|FOLDER|-...", help="photos, folders, or - for paths on standard input", parser=_named
        ),
    ],
    model: AnyModel = None,
    format: Annotated[RowFormat, typer.Option(help="the output format")] = RowFormat.table,
    faces: Annotated[Faces, typer.Option(help="the largest face of a photo, or all of them")] = Faces.largest,
    threshold: Annotated[
        float | None, typer.Option(metavar="YEARS", min=0, max=150, help="the age where a decision falls, such as 18")
    ] = None,
    challenge: Annotated[
        float | None,
        typer.Option(metavar="YEARS", min=0, max=150, help="the predicted age from which people pass, such as 25"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write csv or jsonl there; an interrupted run goes on")
    ] = None,
) -> Action:
    """Print the age of each photo, in years."""
    from realage.inference.gate import Gate
    from realage.predict import Request, predict

    try:
        request = Request(faces is Faces.all, Gate.of(threshold, challenge))
    except ValueError:
        said = "--threshold and --challenge go together, the challenge age at or above it"
        raise typer.BadParameter(said) from None
    return _printing(partial(predict, photos, model, format.value, request, out))


@app.command(rich_help_panel=USE)
def serve(
    model: AnyModel = None,
    host: Annotated[str, typer.Option(help="the address to listen on; 0.0.0.0 for all of this machine")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 for any that is free")] = 8_000,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="whoever asks has to send the token in this file")
    ] = None,
    photos: Annotated[int, typer.Option(min=1, max=1_000, help="the most photos in a request")] = 16,
    megabytes: Annotated[float, typer.Option(min=0.1, max=1_000, help="the largest request")] = 32,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="the longest time for a request")] = 30,
) -> Action:
    """Answer over HTTP: a JSON API, and a page to try the model in a browser."""
    from realage.service.command import serve
    from realage.service.limits import Limits

    limits = Limits(photos=photos, megabytes=megabytes, seconds=seconds)
    return partial(serve, model, host, port, token_file, limits)


@app.command(rich_help_panel=USE)
def watch(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO|FOLDER|-...", help="new photos, at least 30 of them", parser=_named)
    ],
    model: AnyModel = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the report as JSON")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="write the report as a page")] = None,
) -> Action:
    """Compare new photos with those of the training. Exit status 3: they differ."""
    from realage.drift.command import watch

    return partial(watch, photos, model, json, html)


@app.command(rich_help_panel=USE)
def adapt(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="the model file to correct")],
    labels: Annotated[Path, typer.Option(metavar="FILE", help="CSV with columns file_name and real_age")],
    images: Annotated[Path, typer.Option(metavar="FOLDER", help="the folder that file_name is relative to")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="the new model file")],
) -> Action:
    """Correct a model for a new source of photos, such as a camera, if that lowers its error."""
    from realage.adaptation.command import adapt

    return partial(adapt, model, labels, images, out)


@app.command(rich_help_panel=USE)
def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a .keras model file, such as one that was adapted")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="the new file: age.onnx, or age.tflite")],
    precision: Annotated[Precision, typer.Option(help="float16: half the size, int8: a third")] = Precision.float32,
    photos: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="compare the answers to these photos with the model's")
    ] = None,
    tolerance: Annotated[float, typer.Option(metavar="YEARS", min=0, help="largest difference of an answer")] = 0.05,
) -> Action:
    """Write a model as ONNX, which needs no TensorFlow, or as LiteRT for phones."""
    from realage.export.command import export

    return partial(export, model, out, precision.value, tolerance, photos)


@app.command(rich_help_panel=USE)
def summary() -> Action:
    """Print the trained model's validation error and its baselines."""
    from realage.project.summary import summary

    return _printing(summary)


@app.command(rich_help_panel=TRUST)
def compare(
    before: Revision,
    after: OtherRevision = None,
    pictures: Annotated[
        str | None, typer.Option(metavar="URL", help="where the host serves files: https://github.com/ORG/REPO/raw")
    ] = None,
) -> Action:
    """Print what changed between two commits, photo by photo, as Markdown."""
    from realage.history.compare import compare

    return _printing(partial(compare, before, after, pictures))


@app.command(rich_help_panel=TRUST)
def compare_data(
    before: Revision,
    after: OtherRevision = None,
    format: Annotated[TableFormat, typer.Option(help="the output format")] = TableFormat.table,
) -> Action:
    """Print how the data of two commits differ."""
    from realage.history.compare_data import compare_data

    return _printing(partial(compare_data, before, after, format.value))


@app.command(rich_help_panel=TRUST)
def verify() -> Action:
    """Retrain the current commit in a fresh clone and compare the bytes."""
    from realage.project.verify import verify

    return verify


@app.command(rich_help_panel=TRUST)
def reproducible() -> Action:
    """Check, without data, that dvc.lock belongs to this commit."""
    from realage.project.reproducible import reproducible

    return reproducible


@app.command(rich_help_panel=SHARE)
def promote(
    stage: Annotated[str, typer.Argument(help="such as dev or prod")],
    revision: Annotated[str, typer.Argument(metavar="[REV]", help="the commit whose model it is")] = "HEAD",
    force: Annotated[bool, typer.Option("--force", help="promote without comparing errors")] = False,
    accept: Annotated[
        list[str] | None, typer.Option(metavar="METRIC", help="promote though this condition is not passed; repeatable")
    ] = None,
) -> Action:
    """Assign a commit's model to a stage such as prod, as Git tags."""
    from realage.project.promote import promote

    return partial(promote, stage, revision, force, accept or [])


@remote.command("check")
def remote_check(revision: OtherRevision = None) -> Action:
    """List the objects of a commit that the DVC remote lacks; after 'dvc push'."""
    from realage.project.remote_check import check_remote

    return partial(check_remote, revision)


@app.command(rich_help_panel=SHARE)
def script() -> Action:
    """Pack code and params into one file, dist/train.py."""
    from realage.project.script import make_script

    return make_script


@app.command(rich_help_panel=TRUST)
def suspects(
    folds: Annotated[int, typer.Option(min=2, max=20, help="networks to train, each without some people")] = 3,
    size: Annotated[int, typer.Option(min=32, help="pixels, at most prepare.image_size")] = 96,
    epochs: Annotated[int, typer.Option(min=1, help="of each training")] = 10,
) -> Action:
    """List the labels that are most likely wrong, with their photos; trains some small networks."""
    from realage.suspects.command import suspects

    return partial(suspects, folds, size, epochs)


@app.command(rich_help_panel=KEEP)
def params(
    complete: Annotated[bool, typer.Option("--complete", help="add the keys that came with an upgrade")] = False,
) -> Action:
    """Check params.yaml."""
    from realage.project.params_file import check_params, complete_params

    return complete_params if complete else check_params


@app.command(rich_help_panel=KEEP)
def presets() -> Action:
    """Rewrite presets/*.yaml from params.yaml and their differences from it."""
    from realage.project.presets import write_presets

    return write_presets


@app.command(rich_help_panel=KEEP)
def mend_cache() -> Action:
    """Move damaged files out of DVC's cache."""
    from realage.project.mend_cache import mend_cache

    return mend_cache


@app.command(rich_help_panel=KEEP)
def relabel(
    reviewed: Annotated[
        Path, typer.Argument(metavar="FILE", help="data/suspects/suspects.csv, or a part of it, with corrected ages")
    ],
) -> Action:
    """Write corrected ages into the label file."""
    from realage.project.relabel import relabel

    return partial(relabel, reviewed)


@app.command(rich_help_panel=KEEP)
def remove_person(
    known_by: Annotated[Path, typer.Option("--list", metavar="FILE", help="a new file to list what was removed")],
    names: Annotated[
        list[str], typer.Argument(metavar="SUBJECT|NAME...", help="the person, as in the labels' column subject")
    ],
    files: Annotated[bool, typer.Option("--files", help="the names are the file names of the person's photos")] = False,
) -> Action:
    """Delete a person's photos and rows from the data."""
    from realage.project.remove_person import remove_person

    if files:
        return partial(remove_person, known_by, files=names)
    if len(names) > 1:
        raise typer.BadParameter("name one subject, or the person's photos with --files")
    return partial(remove_person, known_by, subject=names[0])
