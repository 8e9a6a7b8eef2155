"""The workflows of GitHub Actions: sound, harmless, and made of commands that exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT

WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess:
    program = Path(sys.executable).parent / name
    return subprocess.run([program, *arguments, *WORKFLOWS], capture_output=True, text=True)


def test_they_are_what_github_reads():
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    assert done.returncode == 0, done.stdout


def test_a_security_linter_finds_nothing():
    done = tool("zizmor", "--offline", "--no-progress")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_their_commands_exist(path):
    makefile = (PROJECT / "Makefile").read_text()
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    scripts = "\n".join(step.get("run", "") for job in jobs for step in job["steps"])
    scripts += "\n".join((PROJECT / name).read_text() for name in re.findall(r"^bash (\S+)$", scripts, re.MULTILINE))
    targets, modules = re.findall(r"\bmake (\S+)", scripts), re.findall(r"python -m (\S+)", scripts)
    assert targets
    assert all(re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE) for target in targets)
    assert all((PROJECT / f"{module.replace('.', '/')}.py").exists() for module in modules)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_only_the_comment_may_write(path):
    workflow = yaml.safe_load(path.read_text())
    granted = [workflow["permissions"], *(job.get("permissions", {}) for job in workflow["jobs"].values())]
    writes = {scope for permissions in granted for scope, access in permissions.items() if access == "write"}
    assert writes == ({"pull-requests"} if path.stem == "compare" else set())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_that_may_write_runs_no_code_of_a_pull_request(path):
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        if "write" in job.get("permissions", {}).values():
            assert not any("uses" in step for step in job["steps"])
            assert not re.search(r"\$\{\{", "".join(step["run"] for step in job["steps"])), "only through variables"
