"""`realage params`: check params.yaml, and complete a file that an earlier release wrote."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from realage.core.disk import replacing
from realage.core.params import Section, check_section, missing_keys, parse_section, read_params, require_known_sections
from realage.core.paths import PARAMS
from realage.sections import SECTIONS
from realage.sources import require_apart, source_paths


def check_params() -> None:
    """Print that params.yaml is valid. Raises UserError that names a key, its value and what is allowed.

    The paths of data are compared with the stages' outs, as a conflict stops DVC before any stage, stage check too.
    """
    params = read_params()
    require_known_sections(params, SECTIONS)
    for name, section in SECTIONS.items():
        check_section(name, params.get(name), section)
    require_apart(source_paths())
    print(f"{PARAMS} is valid")


def complete_params() -> None:
    """Add to params.yaml the keys that came with an upgrade, with values that do not change its results."""
    text, added = complete(PARAMS, SECTIONS)
    if not added:
        print(f"{PARAMS} has all keys")
        return
    with replacing(PARAMS) as part:
        part.write_text(text, encoding="utf-8")
    print(f"{PARAMS}: added " + ", ".join(f"{key}: {value}" for key, value in added.items()))


def complete(path: Path, sections: Mapping[str, type[Section]]) -> tuple[str, dict[str, object]]:
    """A params file's text, completed, with its comments, and the added dotted keys with their values.

    Raises UserError if the file has another error.
    """
    params = read_params(path)
    require_known_sections(params, sections, path)
    added: dict[str, object] = {}
    for name, section in sections.items():
        added |= missing_keys(parse_section(name, params.get(name), section, path), name)
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4_096
    document = yaml.load(path.read_text(encoding="utf-8"))
    for key, value in added.items():
        *parents, last = key.split(".")
        place = document
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    stream = StringIO()
    yaml.dump(document, stream)
    return stream.getvalue(), added
