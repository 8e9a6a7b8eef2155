"""docs/workflow.md, word for word: two people, one Git server, one remote, and a model in production."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import (
    MODELS,
    commands,
    copy_project,
    run_tool,
    small_params,
    type_in,
    use_model,
    write_params,
    write_photo,
)

ADDED, MENDED, REMOVED = 100, 20, 5
NAME_THE_DATA = """
text = file.read_text().replace("data/sample/labels.csv", "data/faces/labels.csv")
file.write_text(text.replace("data/sample/final_files", "data/faces/final_files"))
"""
MEND_AND_REMOVE = f"""
header, *rows = file.read_text().splitlines()
removed, mended, rest = rows[:{REMOVED}], rows[{REMOVED}:{REMOVED + MENDED}], rows[{REMOVED + MENDED}:]
for row in removed:
    (file.parent / "final_files" / row.split(",")[0]).unlink()
file.write_text("\\n".join([header, *(row.split(",")[0] + ",81" for row in mended), *rest, ""]))
"""


class Team:
    """A Git server, a storage, and a folder for each of two people."""

    def __init__(self, folder: Path):
        self.folder, self.server, self.storage = folder, folder / "server.git", folder / "storage"
        self.lead, self.colleague = folder / "lead", folder / "home/realage"

    def follow(self, heading: str, where: Path, **environment: str) -> str:
        """Type in what docs/workflow.md has under `heading`."""
        names = {
            "GIT": str(self.server),
            "REMOTE": str(self.storage),
            "PHOTOS": str(self.folder / "faces"),
            "NEW": str(self.folder / "new"),
            "HOME": str(self.folder),
        }
        return type_in(where, commands("docs/workflow.md", heading), **names, **environment)

    def editor(self, code: str) -> str:
        """An editor whose user knows what to do: a program that changes the `file` that it is given as `code` says."""
        program = self.folder / "editor.py"
        program.write_text(f"#!/usr/bin/env python\nimport pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n{code}")
        program.chmod(0o755)
        return str(program)

    def stored(self) -> set[Path]:
        return {path for path in self.storage.rglob("*") if path.is_file()}


def write_faces(labels: Path, numbers: range, photos: Path) -> None:
    """Photos of noise, all different, and a label for each."""
    for number in numbers:
        write_photo(photos / f"{number:04}.jpg", seed=number)
    rows = [f"{number:04}.jpg,{20 + number * 7 % 50}" for number in numbers]
    labels.write_text("\n".join(["file_name,real_age", *rows, ""]))


def splits(clone: Path) -> dict[str, str]:
    table = pd.read_csv(clone / "data/labels/splits.csv")
    return dict(zip(table["photo"], table["split"]))


# Each fixture is a section of the page, typed in once, in the page's order; the tests look at what it did.


@pytest.fixture(scope="module", params=MODELS)
def team(tmp_path_factory, request) -> Team:
    """The lead has set everything up."""
    team = Team(tmp_path_factory.mktemp("team"))
    (team.folder / ".gitconfig").write_text("[user]\nname = tester\nemail = tester@example.org\n")
    run_tool(team.folder, "git", "init", "-q", "--bare", "-b", "main", str(team.server))
    run_tool(team.folder, "git", "init", "-q", "-b", "main", str(team.lead))
    copy_project(team.lead, without=("tests/", "metrics/", "plots/", "reports/", "dvc.lock"))
    use_model(team.lead, request.param)
    params = small_params()
    params["sample"]["photos"] = 0
    write_params(team.lead, params)
    run_tool(team.lead, "git", "remote", "add", "origin", str(team.server))
    write_faces(team.folder / "faces/labels.csv", range(150), team.folder / "faces/final_files")
    write_faces(team.folder / "new/labels.csv", range(150, 150 + ADDED), team.folder / "new/final_files")
    team.follow("## Set up, once", team.lead, EDITOR=team.editor(NAME_THE_DATA))
    return team


@pytest.fixture(scope="module")
def joined(team) -> str:
    team.colleague.parent.mkdir()
    return team.follow("## A colleague joins", team.colleague.parent)


@pytest.fixture(scope="module")
def grown(team, joined) -> set[Path]:
    """What new data added to the storage."""
    before = team.stored()
    team.follow("## New data", team.colleague, EDITOR=team.editor(MEND_AND_REMOVE))
    assert before <= team.stored()
    return team.stored() - before


@pytest.fixture(scope="module")
def compared(team, grown) -> str:
    return team.follow("## What a change did", team.colleague)


@pytest.fixture(scope="module")
def tried(team, compared) -> str:
    return team.follow("## Try settings", team.colleague)


@pytest.fixture(scope="module")
def promoted(team, tried) -> str:
    names = run_tool(team.colleague, "dvc", "exp", "list", "--name-only").split()
    team.follow("### Pick the winner", team.colleague, WINNER=names[0])
    return team.follow("## Promote a model", team.colleague)


def test_a_colleague_has_the_same_model_and_nothing_to_run(team, joined):
    assert "val.mae" in joined and "Running stage" not in joined
    assert (team.colleague / "models/age.keras").read_bytes() == (team.lead / "models/age.keras").read_bytes()


def test_of_new_data_only_the_changes_are_uploaded(grown):
    other_outputs = 40  # tables, pictures, the model, lists of folders
    assert 2 * ADDED < len(grown) < 2 * ADDED + other_outputs, "a photo and its prepared copy for each one added"


def test_no_old_photo_leaves_its_split(team, grown):
    before, after = splits(team.lead), splits(team.colleague)
    assert len(before) == 150 and len(after) == 150 + ADDED - REMOVED
    assert all(before[photo] == after[photo] for photo in before.keys() & after.keys())


def test_the_changes_are_told(team, compared):
    said = team.follow("### Which photos changed", team.colleague)
    for words in (f"added: {ADDED}", f"relabelled: {MENDED}", f"removed: {REMOVED}"):
        assert words in said
    assert "**Validation: " in compared and f"| photos in all | 150 | {150 + ADDED - REMOVED} |" in compared
    assert (team.colleague / "dvc_plots/index.html").exists()


@pytest.mark.slow
def test_a_grid_is_run_and_shown_and_a_failed_experiment_says_why(tried):
    assert tried.count("0.0005") >= 1 and "Failed" in tried
    assert "error: params.yaml: train.epochs" in tried


@pytest.mark.slow
def test_the_model_is_promoted_and_another_repository_gets_it(team, promoted):
    assert "v0.0.1" in promoted
    tags = run_tool(team.server, "git", "tag").split()
    assert tags == ["age#prod#1", "age@v0.0.1"]
    elsewhere = team.folder / "elsewhere"
    run_tool(team.folder, "git", "init", "-q", str(elsewhere))
    team.follow("### Use it elsewhere", elsewhere)
    assert (elsewhere / "age.keras").read_bytes() == (team.colleague / "models/age.keras").read_bytes()


@pytest.mark.slow
def test_labels_move_to_git_without_a_retraining(team, promoted):
    team.follow("## Labels that a pull request shows", team.colleague)
    assert "Running stage" not in run_tool(team.colleague, "dvc", "repro")
    assert "data/faces/labels.csv" in run_tool(team.colleague, "git", "ls-files").splitlines()
    assert run_tool(team.colleague, "git", "status", "--porcelain") == ""
