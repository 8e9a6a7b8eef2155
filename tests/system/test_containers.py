"""The container files: linted, with the pins of the project, and with all that their commands read."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT

FILES = sorted((PROJECT / "containers").glob("*.Dockerfile"))
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent))


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (PROJECT / name).read_text(), re.M))


@pytest.mark.skipif(HADOLINT is None, reason="needs hadolint, which pip has for Linux on x86-64")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_linter_finds_nothing(file):
    done = subprocess.run([HADOLINT, "--no-color", file], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nobody_is_root_and_what_is_copied_is_there(file):
    text = file.read_text()
    assert int(re.findall(r"^USER (\d+)$", text, re.M)[-1]) > 0
    assert all(":" in base and not base.endswith(":latest") for base in re.findall(r"^FROM (\S+)", text, re.M))
    allowed = re.findall(r"^!(\S+)", (PROJECT / ".dockerignore").read_text(), re.M)
    for line in re.findall(r"^COPY (?!--from)(.*)", text, re.M):
        for source in line.split()[:-1]:
            found = list(PROJECT.glob(source))
            assert found and all(any(path.match(name) for name in allowed) for path in found), source


def test_the_service_has_the_pins_of_the_pipeline_and_no_training():
    service, all_of_it = pins("requirements-serve.txt"), pins("requirements.txt")
    assert {"onnxruntime", "fastapi", "opencv-python-headless"} <= set(service)
    assert {name: all_of_it.get(name) for name in service} == service
    assert not {"tensorflow", "keras", "dvc", "pandas", "matplotlib"} & set(service)
