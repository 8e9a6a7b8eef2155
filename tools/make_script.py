"""Code and params -> dist/train.py, one readable file for a rented GPU or a notebook: no clone, no DVC, no Git."""

import ast
import hashlib
import re
from importlib.metadata import packages_distributions
from pathlib import Path

from realage.command import run
from realage.files import replacing
from realage.params import PARAMS_FILE, read_params
from tools.flatten import flatten

SCRIPT = Path("dist/train.py")
# The driver imports all the others; they stand before it so that the file reads in the order in which it runs.
MODULES = [
    "stages.validate",
    "stages.split",
    "stages.prepare",
    "stages.weights",
    "stages.train",
    "stages.evaluate",
    "tools.script_driver",
]

HEAD = '''\
"""Train a model that predicts a person's real age, in years, from a face photo, and evaluate it: all in one file.

It needs a label file (CSV with columns file_name and real_age), the folder of the photos that file_name names, Python
3.11 or newer and the packages listed below; no clone, no DVC, no Git:

    python train.py --labels labels.csv --images photos --out run

In a notebook (Colab, Kaggle), upload this file, or paste it into a cell below the line '%%writefile train.py'; then

    !python train.py --labels labels.csv --images photos --out run

or, in a kernel where TensorFlow has not computed anything yet, '%run train.py ...'. Labels and photos are checked and
split, photos prepared, a network trained and evaluated; model, metrics and plots end in the folder run. What is trained
and how stands in PARAMS, just below: edit it there. An error is one line; with --debug its traceback is shown too.

Packages: save these lines as requirements.txt, then 'pip install -r requirements.txt'. Where TensorFlow finds
no NVIDIA GPU though there is one, ask for tensorflow[and-cuda] in place of tensorflow.

{packages}

Made by 'make script' from the project's modules and its params.yaml, of MD5 {version} (dvc.lock
names it so too): change those and make this file anew, or edit it here for a try that nobody needs to repeat.
"""

# Sections that no stage below reads change nothing, and neither do dataset's paths: the command line names the data.
PARAMS = """\\
{params}"""

'''

TAIL = """


if __name__ == "__main__":
    run(lambda: run_stages(PARAMS))
"""


def make_script() -> None:
    """Write `dist/train.py` from the modules and the params of the folder that this runs in."""
    read_params()
    text = build_script(Path(), PARAMS_FILE.read_text(encoding="utf-8"))
    with replacing(SCRIPT) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    print(f"script: {SCRIPT}, {text.count(chr(10)):,} lines: python {SCRIPT} --labels LABELS.csv --images FOLDER")


def build_script(project: Path, params: str) -> str:
    """The script's text: the code in the folder `project` with the params file's text `params`."""
    code = flatten(project, MODULES)
    head = HEAD.format(
        packages="\n".join(f"    {line}" for line in _requirements(project, code)),
        version=hashlib.md5(params.encode(), usedforsecurity=False).hexdigest(),
        params=_quoted(params),
    )
    return head + code + TAIL


def _requirements(project: Path, code: str) -> list[str]:
    """The lines of requirements.txt for those packages of requirements.in that `code` imports or looks for."""
    distributions = packages_distributions()
    imported = {_name(distribution) for root in _roots(code) for distribution in distributions.get(root, [])}
    asked_for = {_name(line) for line in (project / "requirements.in").read_text(encoding="utf-8").splitlines()}
    pins = (project / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in pins if _name(line) in asked_for & imported]


def _roots(code: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(code)))
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    # A package that is there for a file of it.
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "find_spec"]
    modules += [ast.literal_eval(node.args[0]) for node in calls]
    return {module.partition(".")[0] for module in modules}


def _name(requirement: str) -> str:
    """The package's name at the start of a line, spelt as pip compares names; empty for other lines."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]*", requirement)[0]).lower()


def _quoted(text: str) -> str:
    """`text`, ending in one line break, as it must stand between triple quotes to be read as itself."""
    return text.rstrip("\n").replace("\\", "\\\\").replace('"""', r'\"\"\"') + "\n"


if __name__ == "__main__":
    run(make_script)
