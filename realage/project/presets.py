"""`realage presets`: presets are whole params files, built from params.yaml and a file of differences from it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from realage.core.disk import replacing
from realage.core.errors import UserError
from realage.core.paths import PARAMS

PRESETS = Path("presets")
DIFFERENCES = PRESETS / "differences"
COMMENT_COLUMN = 41
LINE = re.compile(r"(?P<indent> *)(?P<key>\w+): *(?P<value>[^#]*?) *(?P<comment>#.*)?")


class Entry(NamedTuple):
    """A line `key: value  # comment` of a params file; `key` is the whole dotted key, `line` counts from 0."""

    line: int
    key: str
    value: str
    comment: str


def write_presets() -> None:
    """Write `presets/NAME.yaml` for each `presets/differences/NAME.yaml`."""
    if not DIFFERENCES.is_dir():
        raise UserError(f"{DIFFERENCES}: no such folder: run this in the project's folder")
    base = PARAMS.read_text(encoding="utf-8")
    for file in sorted(DIFFERENCES.glob("*.yaml")):
        with replacing(PRESETS / file.name) as part:
            part.write_text(build_preset(base, file.read_text(encoding="utf-8"), str(file)), encoding="utf-8")
    print(f"presets: {', '.join(sorted(file.stem for file in DIFFERENCES.glob('*.yaml')))}")


def build_preset(base: str, differences: str, name: str) -> str:
    """The params file's text `base` with the values of `differences`, and with its comments if there are any.

    The comment at the top is that of `differences`. Raises UserError for a key that is not in `base`; `name` is the
    file name for the message.
    """
    lines = base.splitlines()
    changes = {entry.key: entry for entry in _entries(differences)}
    for entry in _entries(base):
        change = changes.pop(entry.key, None)
        if change:
            indent = "  " * entry.key.count(".")
            setting = f"{indent}{entry.key.rpartition('.')[2]}: {change.value}"
            lines[entry.line] = f"{setting:<{COMMENT_COLUMN}}{change.comment or entry.comment}".rstrip()
    if changes:
        raise UserError(f"{name}: {', '.join(changes)}: no such key in {PARAMS}: remove or correct it")
    return "\n".join([*_heading(differences), *lines[len(_heading(base)) :]]) + "\n"


def _entries(text: str) -> Iterator[Entry]:
    parents: list[str] = []
    for number, line in enumerate(text.splitlines()):
        found = LINE.fullmatch(line)
        if found:
            parents = parents[: len(found["indent"]) // 2]
            key = ".".join([*parents, found["key"]])
            if found["value"]:
                yield Entry(number, key, found["value"], found["comment"] or "")
            else:
                parents.append(found["key"])


def _heading(text: str) -> list[str]:
    """The comment lines at the top."""
    lines = text.splitlines()
    return lines[: next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))]
