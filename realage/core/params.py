"""`params.yaml`: each section is validated by a pydantic model, which is declared beside the code that uses it."""

import re
from collections.abc import Iterable
from copy import deepcopy
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import Node, ScalarNode

from realage.core.errors import UserError
from realage.core.paths import PARAMS

# Bounds of a params file or dvc.lock: an author of another branch may have written it.
LARGEST = 1_000_000  # characters, with its aliases written out
DEEPEST = 50  # levels
CONFLICT = re.compile(r"(?m)^(<{7}|>{7}|={7})(?= |$)")  # what Git writes into a file that two branches changed


class Section(BaseModel):
    """A section of `params.yaml`: immutable and strictly typed. An unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _require_no_nul(path: str) -> str:
    if "\0" in path:  # no system can open it
        raise ValueError("holds a character that no path can have: enter it again")
    return path


PathText = Annotated[str, Field(min_length=1), AfterValidator(_require_no_nul)]  # type of a key that may be a path
AnySection = TypeVar("AnySection", bound=Section)


def load(name: str, section: type[AnySection], path: Path = PARAMS) -> AnySection:
    """Return section `name` of the params file as an instance of `section`.

    Raises UserError that names the key, its value and the allowed values.
    """
    return check_section(name, read_params(path).get(name), section, path)


def check_section(name: str, values: Any, section: type[AnySection], path: Path = PARAMS) -> AnySection:
    """Return `values`, the parsed section `name`, as an instance of `section`; raises UserError as `load` does."""
    checked = parse_section(name, values, section, path)
    lacking = missing_keys(checked, name)
    if lacking:
        raise UserError(f"{path}: {', '.join(lacking)}: missing, new in this release: run 'realage params --complete'")
    return checked


def parse_section(name: str, values: Any, section: type[AnySection], path: Path = PARAMS) -> AnySection:
    """Like `check_section`, but keys that a newer release added may be missing: their defaults are used."""
    if values is None and all(not field.is_required() for field in section.model_fields.values()):
        values = {}
    if values is None:
        raise UserError(f"{path}: section '{name}' is missing: add it, with {_keys(section)}")
    if not isinstance(values, dict):
        raise UserError(f"{path}: section '{name}' is {values!r}: it must be a section with {_keys(section)}")
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{path}: {_first_problem(name, section, error)}") from error


def require_known_sections(params: dict[str, Any], known: Iterable[str], path: Path = PARAMS) -> None:
    """Raise UserError if parsed `params` have a section that is not in `known`.

    Call it before `check_section`: otherwise a misspelt section is reported as a missing one.
    """
    allowed = list(known)
    for name in map(str, params):
        if name not in allowed:
            raise UserError(f"{path}: unknown section {name}: {_suggestion(name, allowed)}")


def missing_keys(section: Section, name: str) -> dict[str, Any]:
    """Return the dotted keys that are missing in section `name`, with their defaults.

    Only keys that were added after release 0.1 have a default, so that older files can be read. A params file must
    still name every key: DVC does not see a key that is not in the file.
    """
    missing: dict[str, Any] = {}
    for key in type(section).model_fields:
        value = getattr(section, key)
        if key not in section.model_fields_set:
            missing[f"{name}.{key}"] = value.model_dump() if isinstance(value, Section) else value
        elif isinstance(value, Section):
            missing |= missing_keys(value, f"{name}.{key}")
    return missing


def read_params(path: Path = PARAMS) -> dict[str, Any]:
    """Parse a params file into its sections, by name. Raises UserError if it is missing or not valid."""
    try:
        return parse_params(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: run this in the project's folder") from None
    except ValueError as error:
        raise UserError(f"{path}: not valid YAML: {error}") from error


def parse_params(text: str) -> dict[str, Any]:
    """Return the sections in a params file's text. Raises ValueError if it is not YAML or has no sections.

    The reader is DVC's, which follows YAML 1.2: `010` is ten, `1e-3` a number and `yes` a string. A repeated key is an
    error.
    """
    return deepcopy(_parsed(text))


@lru_cache(maxsize=16)  # a dvc.lock takes a tenth of a second, and comparisons read the same ones again
def _parsed(text: str) -> dict[str, Any]:
    try:
        params = _reader().load(text)
    except MarkedYAMLError as error:
        if conflict := CONFLICT.search(text):
            line = text.count("\n", 0, conflict.start()) + 1
            raise ValueError(f"line {line} is a mark of a merge conflict: keep one of the two versions") from error
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{error.problem}{place}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except (YAMLError, AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"it cannot be read ({error})") from error
    if not isinstance(params, dict):
        raise ValueError("it has no sections: copy a file from presets/")
    return params


def flatten(params: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested params as one mapping of dotted keys, such as `train.augment.zoom_range`, to values."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def _first_problem(name: str, section: type[Section], error: ValidationError) -> str:
    # An unknown key first: if it is a misspelt one, the right key is missing, too.
    problem = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    path = [name, *map(str, problem["loc"])]
    key = ".".join(path)
    if problem["type"] == "extra_forbidden":
        parent, last = ".".join(path[:-1]), path[-1]
        allowed = _section_at(section, problem["loc"][:-1]).model_fields
        return f"unknown key {key}: {_suggestion(last, list(allowed), parent)}"
    if problem["type"] == "missing":
        return f"{key}: missing key: add it to params.yaml"
    reason = problem["msg"].removeprefix("Value error, ")
    if isinstance(problem["input"], dict):
        return f"{key}: {reason}"
    return f"{key} is {problem['input']!r}: {reason[0].lower()}{reason[1:]}"


def _section_at(section: type[Section], place: tuple[int | str, ...]) -> type[Section]:
    """Return the class of the section at `place`, a path of keys, and of numbers in lists, below `section`."""
    found: Any = section
    for key in place:
        found = get_args(found)[0] if isinstance(key, int) else found.model_fields[key].annotation
    return found


def _suggestion(name: str, allowed: list[str], parent: str = "") -> str:
    """Return the end of a message on an unknown `name`: the one of `allowed` that looks like it, or all of them."""
    close = get_close_matches(name, allowed, n=1)
    if close:
        return f"did you mean {parent}.{close[0]}?" if parent else f"did you mean {close[0]}?"
    return f"allowed{f' in {parent!r}' if parent else ''} are {', '.join(allowed)}"


def _keys(section: type[Section]) -> str:
    return ", ".join(section.model_fields)


def _reader() -> YAML:
    reader = YAML(typ="safe", pure=True)
    reader.Composer = _Composer
    return reader


class _Composer(Composer):
    """Refuses what is too large once its aliases are written out: each level of aliases multiplies the size."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self._extents: dict[Node, tuple[int, int]] = {}

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        is_alias = self.parser.check_event(AliasEvent)
        node = super().compose_node(parent, index)
        if node is None:
            return node
        if not is_alias:
            self._extents[node] = _extent(node, self._extents)
        # The node of an alias inside itself has no extent yet.
        size, levels = self._extents.get(node, (LARGEST + 1, 0))
        if size > LARGEST or levels > DEEPEST:
            too_large = f"it has more than {LARGEST:,} characters, with its aliases written out, or {DEEPEST} levels"
            raise ComposerError(None, None, too_large, node.start_mark)
        return node


def _extent(node: Node, extents: dict[Node, tuple[int, int]]) -> tuple[int, int]:
    """The number of characters in `node` with its aliases written out, and of its levels."""
    if isinstance(node, ScalarNode):
        return len(node.value) + 1, 1
    children = [child for item in node.value for child in (item if isinstance(item, tuple) else (item,))]
    sizes, levels = zip((1, 0), *(extents[child] for child in children))
    return sum(sizes), max(levels) + 1
