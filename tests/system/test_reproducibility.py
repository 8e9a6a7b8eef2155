"""Same inputs, same bytes: for other users, in other places, on other machines of one kind.

tests/project/test_verify.py has the first of them, a cron job.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, change, run_tool

needs_taskset = pytest.mark.skipif(not shutil.which("taskset"), reason="needs taskset to hide cores")


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the German locale, where this machine can make it; elsewhere C stands in for it."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef"):
        subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", folder / "de_DE.UTF-8"], capture_output=True)
    return str(folder)


def repro(folder: Path, umask: int, cores: str | None = None, **environment: str) -> bytes:
    """Run the whole pipeline on some cores as some user; returns the new dvc.lock."""
    prefix = ["taskset", "-c", cores] if cores else []
    inherited = {name: value for name, value in ENVIRONMENT.items() if not name.startswith(("LC_", "LANG"))}
    subprocess.run([*prefix, "dvc", "repro"], cwd=folder, env=inherited | environment, umask=umask, check=True)
    return (folder / "dvc.lock").read_bytes()


@pytest.mark.slow
@needs_taskset
def test_a_german_colleague_with_one_core_ends_with_the_same_bytes(fresh_clone, pipeline, locales):
    environment = {"LANG": "de_DE.UTF-8", "LOCPATH": locales, "PYTHONHASHSEED": "1", "REALAGE_WORKERS": "1"}
    found = repro(fresh_clone, umask=0o002, cores="0", **environment)
    assert found == (pipeline / "dvc.lock").read_bytes()


@pytest.mark.slow
@needs_taskset
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")
def test_more_cores_than_threads_change_nothing(fresh_clone, tmp_path):
    change(fresh_clone, "train", threads=1)
    other = Path(shutil.copytree(fresh_clone, tmp_path / "other"))
    run_tool(other, "dvc", "cache", "dir", "--local", str(tmp_path / "other-cache"))
    assert repro(fresh_clone, umask=0o022) == repro(other, umask=0o022, cores="0", REALAGE_WORKERS="2")
