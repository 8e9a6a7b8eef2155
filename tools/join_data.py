"""Join a data folder with what another branch made of it: `python -m tools.join_data OURS BASE THEIRS`."""

import argparse
import filecmp
import shutil
from pathlib import Path

from realage.core.errors import UserError
from realage.core.files import replacing
from realage.runner.command import run

LABELS = "labels.csv"


def join_data() -> None:
    """Do to the folder OURS what THEIRS did to BASE, the version from which both started.

    A photo that both changed becomes theirs, and is named. Rows of the labels are joined line by line, so that a photo
    that both relabelled has two rows, which `validate` lists.
    """
    arguments = _parse_arguments()
    ours, base, theirs = arguments.ours, arguments.base, arguments.theirs
    lines = [read_lines(folder / LABELS) for folder in (ours, base, theirs)]
    if len({header for header, *_ in lines}) > 1:
        raise UserError(f"{LABELS}: its columns differ between the three versions: make them the same, then join")
    photos = (_files(base) | _files(theirs)) - {LABELS}
    changed = sorted(name for name in photos if not _same(base / name, theirs / name))
    lost = [name for name in changed if not _same(base / name, ours / name) and not _same(theirs / name, ours / name)]
    for name in changed:
        _take(theirs / name, ours / name)
    joined = join_rows(*lines)
    with replacing(ours / LABELS) as part:
        part.write_text("".join(f"{row}\n" for row in joined), encoding="utf-8")
    print(f"{ours}: {len(changed):,} photos are as in {theirs}; {LABELS} has {len(joined) - 1:,} rows")
    if lost:
        print(f"both sides changed these, theirs stays: {', '.join(lost)}")


def read_lines(labels: Path) -> list[str]:
    """The lines of a label file. Raises UserError where it is empty, not UTF-8, or has cells of several lines."""
    try:
        lines = [line for line in labels.read_text(encoding="utf-8-sig").split("\n") if line]
    except UnicodeDecodeError as error:
        raise UserError(f"{labels}: not UTF-8 at byte {error.start}: save it as UTF-8") from error
    if not lines:
        raise UserError(f"{labels}: is empty")
    if broken := [line for line in lines if line.count('"') % 2]:
        raise UserError(f"{labels}: a cell spans several lines: write this in one: {broken[0]}")
    return lines


def join_rows(ours: list[str], base: list[str], theirs: list[str]) -> list[str]:
    """Our lines, without those that they deleted and with those that they added."""
    deleted, added = set(base) - set(theirs), set(theirs) - set(base) - set(ours)
    return [line for line in ours if line not in deleted] + [line for line in theirs if line in added]


def _files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def _take(file: Path, place: Path) -> None:
    """Make `place` what `file` is, or is no more; it may be a link into the cache, and so is never written through."""
    place.unlink(missing_ok=True)
    if file.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.join_data", description="Join two versions of a folder.")
    parser.add_argument("ours", type=Path, help="the folder to change")
    parser.add_argument("base", type=Path, help="the version from which both started")
    parser.add_argument("theirs", type=Path, help="the other branch's version")
    return parser.parse_args()


if __name__ == "__main__":
    run(join_data)
