"""`params.yaml`: each section is validated by a pydantic model, which is declared beside the code that uses it."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

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
    try:
        params = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{error.problem}{place}") from error
    except (YAMLError, AttributeError, LookupError, TypeError, RecursionError) as error:
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
    problem = error.errors()[0]
    key = ".".join([name, *map(str, problem["loc"])])
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key: allowed in '{name}' are {_keys(section)}"
    if problem["type"] == "missing":
        return f"{key}: missing key: add it to params.yaml"
    reason = problem["msg"].removeprefix("Value error, ")
    if isinstance(problem["input"], dict):
        return f"{key}: {reason}"
    return f"{key} is {problem['input']!r}: {reason[0].lower()}{reason[1:]}"


def _keys(section: type[Section]) -> str:
    return ", ".join(section.model_fields)
