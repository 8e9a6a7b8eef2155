"""`make reproducible`: whether dvc.lock belongs to the commit, asked in a clone that has neither data nor cache."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from conftest import assert_one_line_error, change, flip_a_byte, fork_realage, lock, run_tool
from dvc.repo import Repo
from dvc.stage import PipelineStage

from realage.project.reproducible import wrong_entries

OTHER = "0123456789abcdef0123456789abcdef"


def tamper(folder: Path, change: Callable[[dict], object]) -> None:
    """Let `change` edit the stages of dvc.lock."""
    stages = lock(folder)
    change(stages)
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False))


def name_another_model(stages: dict) -> None:
    """Give models/age.keras another MD5 wherever it is recorded."""
    for stage in stages.values():
        for item in [*stage.get("deps", []), *stage.get("outs", [])]:
            if item["path"] == "models/age.keras":
                item["md5"] = OTHER


@pytest.fixture
def bare(pipeline, tmp_path):
    run_tool(tmp_path, "git", "clone", "-q", str(pipeline), "bare")
    return tmp_path / "bare"


def test_a_committed_run_is_reproducible_without_its_data(bare):
    done = fork_realage(bare, "reproducible")
    assert done.returncode == 0 and done.stdout.startswith("reproducible: "), done.stderr
    assert run_tool(bare, "git", "status", "--porcelain") == ""


def test_a_param_that_was_changed_without_a_run_is_found(bare):
    change(bare, "train", learning_rate=0.002)
    assert_one_line_error(fork_realage(bare, "reproducible"), "check", "dvc repro")


@pytest.mark.parametrize(("file", "stage"), [("realage/network/heads.py", "train"), ("stages/evaluate.py", "evaluate")])
def test_code_that_was_changed_without_a_run_is_found(bare, file, stage):
    with (bare / file).open("a") as code:
        code.write("# changed\n")
    assert_one_line_error(fork_realage(bare, "reproducible"), stage, "dvc repro")


def test_what_dvc_cannot_tell_is_no_yes(bare):
    (bare / "dvc.yaml").write_text("stages: [")
    assert_one_line_error(fork_realage(bare, "reproducible"), "DVC cannot tell")


ENTRIES = {
    "a stage": (lambda stages: stages.update(more=stages["check"]), "more is no stage"),
    "an out": (
        lambda stages: stages["check"]["outs"].append({"path": "x", "md5": OTHER}), "check has no x in its outs",
    ),
    "an out above": (
        lambda stages: stages["check"]["outs"].append({"path": "../x", "md5": OTHER}), "check has no ../x in its outs",
    ),
    "an absolute out": (
        lambda stages: stages["check"]["outs"].append({"path": "/etc/x", "md5": OTHER}),
        "check has no /etc/x in its outs",
    ),
    "an out twice": (
        lambda stages: stages["check"]["outs"].append(stages["check"]["outs"][0]),
        "check has no data/checked.txt in its outs",
    ),
    "a dep": (lambda stages: stages["check"]["deps"].append({"path": "x", "md5": OTHER}), "check has no x in its deps"),
    "no out": (
        lambda stages: stages["report"]["outs"].pop(0),
        "reports/index.html, of the outs of report, is not recorded",
    ),
    "no dep": (
        lambda stages: stages["scan"].update(deps=[d for d in stages["scan"]["deps"] if "sample" not in d["path"]]),
        "data/sample/final_files, of the deps of scan, is not recorded",
    ),
    "no hash": (lambda stages: stages["report"]["outs"][0].pop("md5"), "reports/index.html of report has no MD5"),
    "a path": (
        lambda stages: stages["report"]["outs"][0].update(md5="../../etc/passwd"),
        "reports/index.html of report has no MD5",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def declared(pipeline):
    """The stages of dvc.yaml."""
    with Repo(str(pipeline)) as repo:
        yield [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]


def test_all_entries_of_a_run_are_those_of_dvc_yaml(pipeline, declared):
    assert list(wrong_entries(declared, lock(pipeline))) == []


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_of_the_lock_that_is_not_of_dvc_yaml_is_named(pipeline, declared, entry):
    edit, wrong = ENTRIES[entry]
    recorded = lock(pipeline)
    edit(recorded)
    assert list(wrong_entries(declared, recorded)) == [wrong]


def test_a_lock_with_such_an_entry_is_refused(bare):
    tamper(bare, ENTRIES["an out above"][0])
    assert_one_line_error(fork_realage(bare, "reproducible"), "dvc.lock", "check", "../x", "outs", "dvc repro")


def test_without_data_it_says_which_hashes_it_cannot_know(bare):
    tamper(bare, name_another_model)
    done = fork_realage(bare, "reproducible")
    assert done.returncode == 0 and "not here, so unknown: " in done.stdout and "realage verify" in done.stdout


def test_with_the_data_another_model_is_found(clone):
    assert "not here" not in fork_realage(clone, "reproducible").stdout
    tamper(clone, name_another_model)
    assert_one_line_error(fork_realage(clone, "reproducible"), "evaluate", "would run", "dvc repro")


def test_data_that_are_in_the_cache_alone_are_hashed_there(stand_in_clone):
    model = stand_in_clone / "models/age.keras"
    (package,) = lock(stand_in_clone)["package"]["outs"]
    model.unlink()
    assert "not here" not in fork_realage(stand_in_clone, "reproducible").stdout
    cached = stand_in_clone.parent / "cache/files/md5" / package["md5"][:2] / package["md5"][2:]
    contents = cached.read_bytes()
    cached.unlink()
    cached.write_bytes(contents)  # no link to the cache that other tests read
    cached.chmod(0o444)  # DVC deletes damaged objects that are not protected
    flip_a_byte(cached)
    assert_one_line_error(fork_realage(stand_in_clone, "reproducible"), "models/age.keras", "damaged", "mend-cache")
    cached.unlink()
    assert "not here, so unknown: models/age.keras" in fork_realage(stand_in_clone, "reproducible").stdout
