"""`params.yaml`: each section is validated by a pydantic model, which is declared beside the code that uses it."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from realage.core.errors import UserError
from realage.core.paths import PARAMS


class Section(BaseModel):
    """A section of `params.yaml`: immutable and strictly typed. An unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


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
    """Return the sections in a params file's text. Raises ValueError if it is not YAML or has no sections."""
    try:
        params = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error
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
    key = ".".join([name, *map(str, problem["loc"])])
    if problem["type"] == "extra_forbidden":
        parent, _, last = key.rpartition(".")
        allowed = _section_at(section, problem["loc"][:-1]).model_fields
        return f"unknown key {key}: {_suggestion(last, list(allowed), parent)}"
    if problem["type"] == "missing":
        return f"{key}: missing key: add it to params.yaml"
    reason = problem["msg"].removeprefix("Value error, ")
    if isinstance(problem["input"], dict):
        return f"{key}: {reason}"
    return f"{key} is {problem['input']!r}: {reason[0].lower()}{reason[1:]}"


def _section_at(section: type[Section], place: tuple[int | str, ...]) -> type[Section]:
    """Return the class of the section at `place`, a path of keys below `section`."""
    for key in place:
        section = section.model_fields[str(key)].annotation  # type: ignore[assignment]  # a section's key is a field
    return section


def _suggestion(name: str, allowed: list[str], parent: str = "") -> str:
    """Return the end of a message on an unknown `name`: the one of `allowed` that looks like it, or all of them."""
    close = get_close_matches(name, allowed, n=1)
    if close:
        return f"did you mean {parent}.{close[0]}?" if parent else f"did you mean {close[0]}?"
    return f"allowed{f' in {parent!r}' if parent else ''} are {', '.join(allowed)}"


def _keys(section: type[Section]) -> str:
    return ", ".join(section.model_fields)


class _Loader(yaml.SafeLoader):
    """YAML as DVC reads it: 1e-4 is a number and a repeated key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' is repeated", key_node.start_mark)
            seen.add(key if isinstance(key, str) else repr(key))
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)$"),
    list("-+0123456789."),
)
