"""`params.yaml`: one section a stage, each checked against the model class that the code beside it declares."""

import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from realage.errors import UserError

PARAMS_FILE = Path("params.yaml")


class Section(BaseModel):
    """A section of `params.yaml`: immutable, strictly typed, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


AnySection = TypeVar("AnySection", bound=Section)


def load(name: str, section: type[AnySection], path: Path = PARAMS_FILE) -> AnySection:
    """Return section `name` of the params file as an instance of `section`.

    Raises UserError that names the key, its value and what is allowed.
    """
    return check_section(name, read_params(path).get(name), section, path)


def check_section(name: str, values: Any, section: type[AnySection], path: Path = PARAMS_FILE) -> AnySection:
    """Return `values`, the parsed section `name`, as an instance of `section`; raises UserError as `load` does."""
    if values is None:
        raise UserError(f"{path}: section '{name}' is missing: add it, with {_keys(section)}")
    if not isinstance(values, dict):
        raise UserError(f"{path}: section '{name}' is {values!r}: it must be a section with {_keys(section)}")
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{path}: {_first_problem(name, section, error)}") from error


def read_params(path: Path = PARAMS_FILE) -> dict[str, Any]:
    """Parse a params file into a mapping of section names to sections; raises UserError where it is not one."""
    try:
        params = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: run this in the project's folder") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(params, dict):
        raise UserError(f"{path}: holds no sections: copy one from presets/")
    return params


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


class _Loader(yaml.SafeLoader):
    """YAML in which, as DVC reads it, 1e-4 is a number and a key may not stand twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' stands twice", key_node.start_mark)
            seen.add(key if isinstance(key, str) else repr(key))
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)$"),
    list("-+0123456789."),
)
