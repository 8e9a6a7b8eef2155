"""Modules of this project -> one text that means the same, comments included: no second copy of the code to mend."""

import ast
import builtins
import re
import symtable
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from realage.errors import UserError

PACKAGES = ("realage", "stages", "tools")
RULE = "# " + "-" * 118


class Module(NamedTuple):
    """A module of this project: its path from the project's folder, its text, and that text parsed."""

    path: Path
    source: str
    tree: ast.Module


def flatten(project: Path, names: list[str]) -> str:
    """The modules `names` and all that they import from the folder `project`, each after what it needs.

    Raises UserError where one file would mean something else: where a name stands for two things, or where a module of
    this project is imported in a way that needs the module itself.
    """
    modules = _collect(project, names)
    _refuse_collisions(modules)
    return "\n\n\n".join([_merged_imports(modules), *map(_section, modules)])


def _collect(project: Path, names: list[str]) -> list[Module]:
    modules: dict[str, Module] = {}

    def visit(name: str) -> None:
        if name not in modules:
            module = _read(project, name)
            for node in _project_imports(module):
                visit(node.module)
            modules[name] = module

    for name in names:
        visit(name)
    return list(modules.values())


def _read(project: Path, name: str) -> Module:
    path = Path(*name.split("."))
    path = path / "__init__.py" if (project / path).is_dir() else path.with_suffix(".py")
    source = (project / path).read_text(encoding="utf-8")
    return Module(path, source, ast.parse(source, path))


def _project_imports(module: Module) -> list[ast.ImportFrom]:
    """What the module imports from this project; raises UserError for a form that one file cannot stand in for."""
    ours = [node for node in ast.walk(module.tree) if _is_import(node) and _is_ours(node)]
    for node in ours:
        plain = isinstance(node, ast.ImportFrom) and not node.level and not any(alias.asname for alias in node.names)
        if not plain or node not in module.tree.body:
            raise UserError(
                f"{module.path}, line {node.lineno}: '{ast.unparse(node)}' cannot go into one file: "
                "write it as 'from package.module import name', at the top of the module"
            )
    return ours


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_ours(node: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or node.module.partition(".")[0] in PACKAGES
    return any(alias.name.partition(".")[0] in PACKAGES for alias in node.names)


def _refuse_collisions(modules: list[Module]) -> None:
    meanings = dict.fromkeys(dir(builtins), "a name of Python's own")
    for module in modules:
        for name, meaning in _meanings(module).items():
            if meanings.setdefault(name, meaning) != meaning:
                raise UserError(
                    f"'{name}' is {meanings[name]} and {meaning}: rename one of them, or one file cannot hold both"
                )


def _meanings(module: Module) -> dict[str, str]:
    """Each top-level name that the module adds, and in words what it stands for."""
    imports = {}
    for node in filter(_is_import, module.tree.body):
        source = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            # `import a.b` binds a, `import a.b as c` binds a.b.
            target = alias.name if source or alias.asname else alias.name.partition(".")[0]
            imports[alias.asname or target] = None if _is_ours(node) else f"the import of {source}{target}"
    meanings = {}
    for symbol in symtable.symtable(module.source, str(module.path), "exec").get_symbols():
        name = symbol.get_name()
        if symbol.is_assigned() or (symbol.is_imported() and name not in imports):
            meanings[name] = f"defined in {module.path.as_posix()}"
        elif imports.get(name):
            meanings[name] = imports[name]
    # Only `import *` reads it, and the text leaves it out.
    meanings.pop("__all__", None)
    return meanings


def _merged_imports(modules: list[Module]) -> str:
    """The imports from outside this project at the top of all `modules`: the standard library's, then the others."""
    plain, names_from = set(), defaultdict(set)
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, ast.Import) and not _is_ours(node):
                plain.update(ast.unparse(alias) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not _is_ours(node):
                names_from[node.module].update(ast.unparse(alias) for alias in node.names)
    lines = [f"import {name}" for name in sorted(plain)]
    lines += [f"from {source} import {', '.join(sorted(names_from[source]))}" for source in sorted(names_from)]
    standard = [line for line in lines if re.split(r"[ .]", line)[1] in sys.stdlib_module_names]
    return "\n".join([*standard, "", *(line for line in lines if line not in standard)])


def _section(module: Module) -> str:
    """The module's own text below a banner with its path and docstring."""
    docstring = (ast.get_docstring(module.tree) or "").splitlines()
    banner = [RULE, f"# {module.path.as_posix()}", *(f"# {line}".rstrip() for line in docstring), RULE]
    lines = module.source.split("\n")
    for node in reversed(module.tree.body):
        if _is_left_out(node, module.tree):
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join([*banner, "", "\n".join(lines).strip("\n")]).rstrip("\n")


def _is_left_out(node: ast.stmt, tree: ast.Module) -> bool:
    """The docstring, imports, `__all__` and `if __name__ == "__main__"`: what only a module of its own needs."""
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "__all__"
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "__name__ == '__main__'"
    return _is_import(node) or (node is tree.body[0] and ast.get_docstring(tree) is not None)
