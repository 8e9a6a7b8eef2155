"""dvc.yaml against the code: every module a stage can import is a dep, every param that it loads is declared."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT, copy_with_cache

from realage.network.backbones import ModelParams

STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]


CODE = ("realage", "stages", "synthetic")
EXACT = ("scan", "prepare", "weights", "train")  # a needless run of these is long


def imported_modules(stage: str) -> set[Path]:
    """The stage's module and all project modules that it imports, directly or not, with their packages."""
    found: set[Path] = set()

    def visit(name: str) -> None:
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            path = PROJECT.joinpath(*parts[:end])
            path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            if path not in found:
                found.add(path)
                for node in ast.walk(ast.parse(path.read_text())):
                    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in CODE:
                        visit(node.module)
                    elif isinstance(node, ast.Import):
                        assert not any(name.name.split(".")[0] in CODE for name in node.names), path

    visit(f"stages.{stage}")
    return found


def code_deps(stage: str) -> set[Path]:
    deps = [PROJECT / dep for dep in STAGES[stage]["deps"] if dep.split("/")[0] in CODE]
    return set().union(*({*dep.rglob("*.py")} if dep.is_dir() else {dep} for dep in deps))


@pytest.mark.parametrize("stage", STAGES)
def test_deps_hold_the_modules_that_the_stage_imports(stage):
    assert imported_modules(stage) - code_deps(stage) == set()
    # A package as a whole stands for some module of it.
    packages = {PROJECT / dep for dep in STAGES[stage]["deps"] if dep.split("/")[0] in CODE and "." not in dep}
    assert all(any(module.is_relative_to(package) for module in imported_modules(stage)) for package in packages)


@pytest.mark.parametrize("stage", EXACT)
def test_where_a_run_is_long_deps_are_those_modules_and_no_more(stage):
    of_core = {path for path in code_deps(stage) if path.is_relative_to(PROJECT / "realage/core")}
    assert code_deps(stage) - imported_modules(stage) <= (of_core if stage in ("scan", "prepare") else set())


def test_training_is_not_repeated_for_what_only_packaging_reads():
    declared = set(STAGES["train"]["params"])
    assert {f"model.{key}" for key in ModelParams.model_fields} - declared == {"model.flip_average"}
    assert "model.flip_average" in STAGES["package"]["params"]


@pytest.mark.parametrize("package", ["calibration", "evaluation", "exploration", "report", "history", "project"])
def test_no_training_depends_on_code_that_judges_or_shows(package):
    stages = {stage for stage in STAGES if any(dep.startswith(f"realage/{package}") for dep in STAGES[stage]["deps"])}
    assert stages <= {"check", "eda", "package", "evaluate", "export", "report"}


def test_two_stages_decode_photos():
    assert {stage for stage in STAGES if "${dataset.images}" in STAGES[stage]["deps"]} == {"scan", "prepare"}


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


# Runs stages one after the other, and prints for each the keys that it reads of the sections that it loads from
# params.yaml. One process, as TensorFlow takes seconds to load.
LOOK = """
import importlib, sys
from realage.core import params

load, loaded, read = params.load, {}, set()

def load_and_note(name, *arguments):
    section = load(name, *arguments)
    loaded[id(section)] = name, section
    return section

def look(self, key, plain=params.Section.__getattribute__):
    if id(self) in loaded and key in type(self).model_fields:
        read.add(f"{loaded[id(self)][0]}.{key}")
    return plain(self, key)

def stop(*arguments):
    raise StopIteration

params.load, params.Section.__getattribute__ = load_and_note, look
for stage in sys.argv[1:]:
    module = importlib.import_module(f"stages.{stage}")
    if stage == "train":
        # Fitting takes long, and reads section train alone, which the stage declares as a whole.
        module.fit_model = stop
    try:
        getattr(module, stage)()
    except StopIteration:
        pass
    print("read:", stage, *sorted(read))
    loaded.clear()
    read.clear()
"""


READING = [stage for stage in STAGES if "params" in STAGES[stage]]


@pytest.fixture(scope="module")
def keys_read(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """For each stage, the keys that it reads, such as `prepare.image_size`."""
    clone = copy_with_cache(pipeline, tmp_path_factory.mktemp("look"))
    (clone / "look.py").write_text(LOOK)
    done = subprocess.run([sys.executable, "look.py", *READING], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("read: ")]
    return {stage: set(keys) for stage, *keys in lines}


@pytest.mark.slow
@pytest.mark.parametrize("stage", READING)
def test_a_stage_reads_no_key_that_it_does_not_declare(keys_read, stage):
    read, declared = keys_read[stage], set(STAGES[stage]["params"])
    assert read and {key for key in read if not {key, key.partition(".")[0]} & declared} == set()
    assert {key for key in declared if "." in key} <= read


def test_the_check_stage_knows_every_section_and_nothing_reruns_for_its_answer():
    from stages.check import SECTIONS

    assert set(SECTIONS) == set(yaml.safe_load((PROJECT / "params.yaml").read_text()))
    assert "params.yaml" in STAGES["check"]["deps"]


def test_package_markers_hold_no_code():
    for package in (*(PROJECT / "realage").glob("*/**/__init__.py"), PROJECT / "tools/__init__.py"):
        assert all(isinstance(node, ast.Expr) for node in ast.parse(package.read_text()).body), package


def test_every_stage_says_what_it_does_and_libraries_are_deps_where_they_matter():
    assert all(STAGES[stage]["desc"] for stage in STAGES)
    assert [stage for stage in STAGES if "requirements.txt" in STAGES[stage]["deps"]] == ["report"]
    for stage in ("sample", "scan", "validate", "split", "prepare", "eda", "weights", "train", "package", "evaluate"):
        assert "requirements-compute.txt" in STAGES[stage]["deps"]
    for stage in ("eda", "evaluate", "report"):
        assert "requirements-charts.txt" in STAGES[stage]["deps"]


def test_no_param_bears_a_name_that_dvcs_run_cache_leaves_out():
    """DVC looks a stage up by its params without those called size or nfiles, and would check out stale results."""

    def keys(section: dict) -> set[str]:
        nested = [keys(value) for value in section.values() if isinstance(value, dict)]
        return set(section).union(*nested)

    assert keys(yaml.safe_load((PROJECT / "params.yaml").read_text())) & {"size", "nfiles"} == set()
