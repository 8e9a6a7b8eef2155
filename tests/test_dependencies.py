"""dvc.yaml against the code: every module a stage can import is a dep, every param that it loads is declared."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT

STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]


def imported_modules(file: Path, seen: set[Path]) -> set[Path]:
    """`file` and all project modules that it imports, directly or not."""
    if file not in seen:
        seen.add(file)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("realage", "stages"):
                module = PROJECT / node.module.replace(".", "/")
                imported_modules(module / "__init__.py" if module.is_dir() else module.with_suffix(".py"), seen)
            elif isinstance(node, ast.Import):
                assert not any(name.name.startswith(("realage", "stages")) for name in node.names), file
    return seen


def covered_by(dep: Path) -> set[Path]:
    return {path for path in dep.rglob("*.py")} if dep.is_dir() else {dep}


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_the_modules_that_the_stage_imports_and_no_more(stage):
    imported = imported_modules(PROJECT / f"stages/{stage}.py", set())
    imported |= imported_modules(PROJECT / "stages/__init__.py", set())
    deps = [PROJECT / dep for dep in STAGES[stage]["deps"] if dep.startswith(("realage", "stages")) and "." in dep]
    deps += [PROJECT / dep for dep in STAGES[stage]["deps"] if dep == "realage/portraits"]
    assert set().union(*map(covered_by, deps)) == imported


def test_every_stage_module_is_in_the_dag():
    assert set(STAGES) == {file.stem for file in (PROJECT / "stages").glob("[!_]*.py")}


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "check"])
def test_the_sections_that_a_stage_loads_are_those_that_it_declares(stage):
    loaded = {
        node.args[0].value
        for node in ast.walk(ast.parse((PROJECT / f"stages/{stage}.py").read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "load"
    }
    declared = {key.split(".")[0] for key in STAGES[stage].get("params", [])}
    assert loaded == declared


# Runs a stage and prints the keys that it reads of the sections that it loads from params.yaml.
LOOK = """
import importlib, sys
from realage import params

stage, load, loaded, read = sys.argv[1], params.load, {}, set()

def load_and_note(name, *arguments):
    section = load(name, *arguments)
    loaded[id(section)] = name, section
    return section

def look(self, key, plain=params.Section.__getattribute__):
    if id(self) in loaded and key in type(self).model_fields:
        read.add(f"{loaded[id(self)][0]}.{key}")
    return plain(self, key)

params.load, params.Section.__getattribute__ = load_and_note, look
getattr(importlib.import_module(f"stages.{stage}"), stage)()
print("read:", *sorted(read))
"""


@pytest.mark.parametrize("stage", ["sample", "validate", "split", "eda", "prepare", "weights", "evaluate", "report"])
def test_a_stage_reads_no_key_that_it_does_not_declare(clone, stage):
    done = subprocess.run([sys.executable, "-c", LOOK, stage], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    read = set(done.stdout.splitlines()[-1].split()[1:])
    declared = set(STAGES[stage]["params"])
    assert read and {key for key in read if not {key, key.partition(".")[0]} & declared} == set()
    assert {key for key in declared if "." in key} <= read


def test_the_check_stage_knows_every_section_and_nothing_reruns_for_its_answer():
    from stages.check import SECTIONS

    assert set(SECTIONS) == set(yaml.safe_load((PROJECT / "params.yaml").read_text()))
    assert "params.yaml" in STAGES["check"]["deps"]


def test_package_markers_hold_no_code():
    for package in ("realage", "tools"):
        body = ast.parse((PROJECT / package / "__init__.py").read_text()).body
        assert all(isinstance(node, ast.Expr) for node in body), package


def test_every_stage_says_what_it_does_and_libraries_are_deps_where_they_matter():
    assert all(STAGES[stage]["desc"] for stage in STAGES)
    for stage in ("sample", "validate", "eda", "prepare", "weights", "train", "evaluate"):
        assert "requirements.txt" in STAGES[stage]["deps"]


def test_no_param_bears_a_name_that_dvcs_run_cache_leaves_out():
    """DVC looks a stage up by its params without those called size or nfiles, and would check out stale results."""

    def keys(section: dict) -> set[str]:
        nested = [keys(value) for value in section.values() if isinstance(value, dict)]
        return set(section).union(*nested)

    assert keys(yaml.safe_load((PROJECT / "params.yaml").read_text())) & {"size", "nfiles"} == set()
