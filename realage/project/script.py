"""Pack code and params into dist/train.py, one file for a rented GPU or a notebook: no clone, no DVC, no Git.

It contains the pipeline's own modules, unchanged, as a zip archive in base64 that unpacks itself.
"""

import ast
import base64
import re
import zipfile
from importlib.metadata import packages_distributions
from io import BytesIO
from pathlib import Path

from realage.core.digests import md5_of
from realage.core.disk import replacing
from realage.core.params import read_params
from realage.core.paths import PARAMS

SCRIPT = Path("dist/train.py")
DRIVER = "realage.project.script_driver"
STAGES = ("scan", "validate", "split", "prepare", "index", "weights", "train", "package", "evaluate")
OURS = ("realage", "stages")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold

TEMPLATE = '''\
"""Train a model that predicts a person's real age, in years, from a face photo, and evaluate it: all in one file.

It needs a label file (CSV with columns file_name and real_age), the folder of the photos that file_name names, Python
3.11 or newer and the packages listed below; no clone, no DVC, no Git:

    python train.py --labels labels.csv --images photos --out run

In a notebook (Colab, Kaggle), upload this file, or paste it into a cell below the line '%%writefile train.py'; then

    !python train.py --labels labels.csv --images photos --out run

or, in a kernel where TensorFlow has not computed anything yet, '%run train.py ...'. It checks labels and photos, splits
and prepares them, trains a network and evaluates it. Model, metrics and plots are written to the folder run. PARAMS,
just below, has all settings: edit them there. An error is one line; --debug shows its traceback too.

Packages: save these lines as requirements.txt, then 'pip install -r requirements.txt'. If TensorFlow does not find
an NVIDIA GPU that is there, use tensorflow[and-cuda] instead of tensorflow.

{packages}

Made by 'make script' from the project's modules, packed in CODE, and its params.yaml, whose MD5 in dvc.lock is
{version}. To change the code, change the project and make this file again.
"""

# Sections that no stage here reads have no effect. Neither have the paths in dataset: the command line names the data.
PARAMS = """\\
{params}"""

# A zip archive of Python modules in base64: {modules}.
CODE = """
{code}
"""


def main() -> None:
    import base64
    import importlib
    import io
    import os
    import sys
    import tempfile
    import zipfile

    with tempfile.TemporaryDirectory(prefix="realage-code-") as folder:
        zipfile.ZipFile(io.BytesIO(base64.b64decode(CODE))).extractall(folder)
        # Processes that prepare photos find the modules through the environment.
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        sys.path.insert(0, folder)
        importlib.import_module("{driver}").main(PARAMS)


if __name__ == "__main__":
    main()
'''


def make_script() -> None:
    """Write `dist/train.py` from the modules and the params of the current folder."""
    read_params()
    text = build_script(Path(), PARAMS.read_text(encoding="utf-8"))
    with replacing(SCRIPT) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    print(f"script: {SCRIPT}, {len(text) // 1000:,} kB: python {SCRIPT} --labels LABELS.csv --images FOLDER")


def build_script(project: Path, params: str) -> str:
    """The script's text: the code in the folder `project` with the params file's text `params`."""
    modules = imported_modules(project, [DRIVER, *(f"stages.{stage}" for stage in STAGES)])
    return TEMPLATE.format(
        packages="\n".join(f"    {line}" for line in _requirements(project, modules)),
        version=md5_of(params.encode()),
        params=_quoted(params),
        modules=f"{len(modules)} of the project's",
        code=_in_lines(base64.b64encode(_archive(project, modules)).decode()),
        driver=DRIVER,
    )


def imported_modules(project: Path, names: list[str]) -> list[Path]:
    """The modules `names` and all modules of this project that they import: sorted paths relative to `project`."""
    found: set[Path] = set()

    def visit(name: str) -> None:
        for package in _with_parents(name):
            path = Path(*package.split("."))
            path = path / "__init__.py" if (project / path).is_dir() else path.with_suffix(".py")
            if path not in found and (project / path).is_file():
                found.add(path)
                for imported in _imports(project / path):
                    if imported.partition(".")[0] in OURS:
                        visit(imported)

    for name in names:
        visit(name)
    return sorted(found)


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _imports(file: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"), file)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    # A package from which only a data file is used is located with find_spec, not imported.
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "find_spec"]
    return names + [ast.literal_eval(node.args[0]) for node in calls]


def _archive(project: Path, modules: list[Path]) -> bytes:
    contents = BytesIO()
    with zipfile.ZipFile(contents, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in modules:
            member = zipfile.ZipInfo(path.as_posix(), _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, (project / path).read_bytes())
    return contents.getvalue()


def _in_lines(text: str) -> str:
    return "\n".join(text[start : start + 120] for start in range(0, len(text), 120))


def _requirements(project: Path, modules: list[Path]) -> list[str]:
    """The pins of requirements.txt for those packages of the short lists that `modules` import or locate."""
    distributions = packages_distributions()
    roots = {name.partition(".")[0] for path in modules for name in _imports(project / path)}
    imported = {_name(distribution) for root in roots for distribution in distributions.get(root, [])}
    lists = ("requirements.in", "requirements-compute.in", "requirements-charts.in")
    asked_for = {_name(line) for file in lists for line in (project / file).read_text(encoding="utf-8").splitlines()}
    pins = (project / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.rstrip(" \\") for line in pins if _name(line) in asked_for & imported]


def _name(requirement: str) -> str:
    """The package's name at the start of a line, spelt as pip compares names; empty for other lines."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def _quoted(text: str) -> str:
    """`text` with one line break at its end, escaped for a string in triple quotes."""
    return text.rstrip("\n").replace("\\", "\\\\").replace('"""', r'\"\"\"') + "\n"
