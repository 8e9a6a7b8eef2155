"""`realage promote`: the registry's tags, and the models that it refuses, under the real Git and GTO."""

import json
import time

import pandas as pd
import pytest
import yaml
from conftest import assert_one_line_error, change, commit, err, fork_realage, run_tool, small_params

PREDICTIONS = "photo,split,real_age,predicted_age\n" + "".join(f"p{n},val,{n},{n + 1}\n" for n in range(60))


def tags(folder) -> list[str]:
    return run_tool(folder, "git", "tag").split()


def current(folder, stage: str) -> str:
    return run_tool(folder, "gto", "show", f"age#{stage}", "--version").strip()


def err_unevenly(folder, by: float, noise: float) -> None:
    """Have the model err `by` years more on average in validation: `noise` more or less on every second photo."""
    err(folder, "val", by)
    predicted = folder / "plots/evaluate/predicted.csv"
    table = pd.read_csv(predicted)
    val = table.index[table["split"] == "val"]
    away = (table["predicted_age"] >= table["real_age"]).map({True: noise, False: -noise})
    table.loc[val[::2], "predicted_age"] += away
    table.loc[val[1::2], "predicted_age"] -= away
    table.to_csv(predicted, index=False)


def name_the_user(folder) -> None:
    """GTO reads names of configuration files alone, and not of the environment; a machine may have no such file."""
    run_tool(folder, "git", "config", "user.name", "tester")
    run_tool(folder, "git", "config", "user.email", "tester@example.org")


@pytest.fixture
def promoted(clone):
    """A clone whose model is in production."""
    name_the_user(clone)
    done = fork_realage(clone, "promote", "prod")
    assert done.returncode == 0, done.stderr
    return clone


def project_in(folder) -> None:
    """A committed project with results, but no data, in a subfolder of a repository of several."""
    for file, text in {
        "params.yaml": yaml.safe_dump({"train": {"seed": 1}, "evaluate": small_params()["evaluate"]}),
        "dvc.yaml": "artifacts: {age: {path: models/age.keras, type: model}}",
        "models/age.keras": "a model",
        "metrics/evaluate.json": '{"val": {"mae": 1.0}}',
        "plots/evaluate/predicted.csv": PREDICTIONS,
        **{f"metrics/{name}.json": "{}" for name in ("split", "validate", "eda")},
    }.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    run_tool(folder, "git", "init", "-q", str(folder.parents[1]))
    name_the_user(folder)
    run_tool(folder, "dvc", "init", "-q", "--subdir")
    run_tool(folder, "dvc", "add", "-q", "models/age.keras")
    (folder / "dvc.lock").write_text("schema: '2.0'\nstages: {train: {cmd: make}}\n")
    run_tool(folder, "git", "add", "-A")
    run_tool(folder, "git", "commit", "-qm", "model")


def test_the_model_of_a_subfolder_is_found_by_its_folder(tmp_path):
    folder = tmp_path / "repository/teams/faces"
    project_in(folder)
    done = fork_realage(folder, "promote", "prod")
    assert done.returncode == 0 and done.stdout.startswith("prod: teams/faces:age v0.0.1 of HEAD"), done.stderr
    assert tags(folder) == ["teams/faces=age#prod#1", "teams/faces=age@v0.0.1"]
    assert_one_line_error(fork_realage(folder, "promote", "prod"), "already", "v0.0.1")
    run_tool(tmp_path, "dvc", "artifacts", "get", "repository", "teams/faces:age", "--stage", "prod", "-o", "got.keras")
    assert (tmp_path / "got.keras").read_text() == "a model"


@pytest.fixture
def second_model(tmp_path):
    """A project of two models, of which the first is in production."""
    folder = tmp_path / "repository/teams/faces"
    project_in(folder)
    assert fork_realage(folder, "promote", "prod").returncode == 0
    run_tool(folder, "git", "commit", "-q", "--allow-empty", "-m", "another model")
    return folder


def date_tag(folder, seconds: float) -> None:
    """Have the tag of the model in production be made so many seconds from now."""
    tag = "teams/faces=age#prod#1"
    date = f"GIT_COMMITTER_DATE={int(time.time() + seconds)} +0000"
    run_tool(folder, "env", date, "git", "tag", "-f", "-a", "-m", "first", tag, f"{tag}^{{}}")


def test_of_two_promotions_the_second_holds_though_the_clock_has_hardly_moved(second_model):
    date_tag(second_model, 2)
    done = fork_realage(second_model, "promote", "prod", "--force")
    assert done.returncode == 0, done.stderr
    assert run_tool(second_model, "gto", "show", "teams/faces:age#prod", "--version").strip() == "v0.0.2"


def test_a_clock_that_went_back_promotes_nothing_in_vain(second_model):
    date_tag(second_model, 3600)
    done = fork_realage(second_model, "promote", "prod", "--force")
    assert_one_line_error(done, "teams/faces=age#prod#1: this tag is 3", "seconds in the future", "clock")
    assert tags(second_model) == ["teams/faces=age#prod#1", "teams/faces=age@v0.0.1"]


def test_a_subfolder_whose_name_no_tag_can_have_is_refused(tmp_path):
    folder = tmp_path / "repository/teams/our faces"
    project_in(folder)
    assert_one_line_error(fork_realage(folder, "promote", "prod"), "teams/our faces", "rename")
    assert tags(folder) == []


def test_a_model_whose_start_has_seen_validation_photos_is_refused_unless_forced(tmp_path):
    folder = tmp_path / "repository/teams/faces"
    project_in(folder)
    (folder / "metrics/evaluate.json").write_text('{"val": {"mae": 1.0, "seen": 4}}')
    commit(folder)
    assert_one_line_error(fork_realage(folder, "promote", "prod"), "learnt from 4 of its validation photos", "--force")
    said = fork_realage(folder, "compare", "HEAD~1", "HEAD").stdout
    assert said.count("**Contaminated**") == 1 and "learnt from 4 of its validation photos" in said
    assert fork_realage(folder, "promote", "prod", "--force").returncode == 0


def test_the_first_model_is_registered_and_assigned(promoted):
    assert tags(promoted) == ["age#prod#1", "age@v0.0.1"]
    assert current(promoted, "prod") == "v0.0.1"


def test_a_model_that_errs_more_beyond_noise_is_refused_unless_forced(promoted):
    err(promoted, "val", by=0.5)
    commit(promoted)
    done = fork_realage(promoted, "promote", "prod")
    assert_one_line_error(done, "HEAD", "has a higher error than age@v0.0.1", "not promoted", "--force")
    assert "Validation: worse" in done.stdout and len(tags(promoted)) == 2
    assert fork_realage(promoted, "promote", "prod", "--force").returncode == 0
    assert tags(promoted) == ["age#prod#1", "age#prod#2", "age@v0.0.1", "age@v0.0.2"]


@pytest.mark.parametrize("by", [-0.5, 0.0])
def test_a_model_that_errs_less_or_as_much_is_promoted(promoted, by):
    err(promoted, "val", by)
    (promoted / "notes.txt").write_text("another commit")
    run_tool(promoted, "git", "add", "-A")
    commit(promoted)
    done = fork_realage(promoted, "promote", "prod")
    mae = json.loads((promoted / "metrics/evaluate.json").read_text())["val"]["mae"]
    assert done.returncode == 0 and "v0.0.2 of HEAD" in done.stdout and f"{mae:.2f} years" in done.stdout
    assert current(promoted, "prod") == "v0.0.2"


def test_small_steps_each_within_noise_do_not_add_up(promoted):
    """Each model cannot be told from the last, but the third has a higher error than the first, which is the best."""
    change(promoted, "evaluate", promotion_margin=1.5)
    err(promoted, "val", by=20)  # so that no error is too small to get smaller
    commit(promoted)
    assert fork_realage(promoted, "promote", "dev").returncode == 0
    err_unevenly(promoted, by=0.2, noise=2)
    commit(promoted)
    done = fork_realage(promoted, "promote", "dev")
    assert done.returncode == 0 and "Validation: cannot tell" in done.stdout, done.stderr
    err_unevenly(promoted, by=0.2, noise=-2)
    commit(promoted)
    assert "Validation: cannot tell" in fork_realage(promoted, "compare", "HEAD~1", "HEAD").stdout
    assert_one_line_error(fork_realage(promoted, "promote", "dev"), "has a higher error than age@v0.0.2")
    assert current(promoted, "dev") == "v0.0.3"


def test_a_model_that_may_be_worse_by_more_than_the_margin_is_refused(promoted):
    err(promoted, "val", by=20)
    commit(promoted)
    assert fork_realage(promoted, "promote", "dev").returncode == 0
    err_unevenly(promoted, by=0.1, noise=2)
    commit(promoted)
    refused = fork_realage(promoted, "promote", "dev")
    assert_one_line_error(refused, "may have a higher error than age@v0.0.2", "evaluate.promotion_margin", "0.3")
    change(promoted, "evaluate", promotion_margin=2.0)
    assert fork_realage(promoted, "promote", "dev").returncode == 0


def test_photos_of_a_few_people_are_too_few(promoted):
    predicted = promoted / "plots/evaluate/predicted.csv"
    table = pd.read_csv(predicted)
    table.assign(person=table["person"] % 7).to_csv(predicted, index=False)
    commit(promoted)
    done = fork_realage(promoted, "promote", "prod")
    assert_one_line_error(done, "cannot be compared with age@v0.0.1")
    assert "too few" in done.stdout and "photos of 7 people" in done.stdout


def test_a_worse_test_split_does_not_decide(promoted):
    """Whoever chooses by test photos has none left to trust."""
    err(promoted, "test", by=2)
    commit(promoted)
    assert fork_realage(promoted, "promote", "prod").returncode == 0


def test_models_that_scored_no_photos_in_common_cannot_be_compared(promoted):
    predicted = promoted / "plots/evaluate/predicted.csv"
    predicted.write_text(predicted.read_text().replace("\n", "\nx").removesuffix("x"))
    commit(promoted)
    done = fork_realage(promoted, "promote", "prod")
    assert_one_line_error(done, "cannot be compared with age@v0.0.1", "--force")


def test_each_stage_has_a_model_of_its_own(promoted):
    err(promoted, "val", by=1)
    commit(promoted)
    assert fork_realage(promoted, "promote", "dev").returncode == 0
    assert current(promoted, "prod") == "v0.0.1"
    assert current(promoted, "dev") == "v0.0.2"


@pytest.mark.parametrize(("stage", "revision"), [("prod", "nowhere"), ("no good", "HEAD"), ("", "HEAD")])
def test_what_is_no_stage_or_no_commit_is_named(promoted, stage, revision):
    done = fork_realage(promoted, "promote", stage, revision)
    assert_one_line_error(done, stage if revision == "HEAD" else revision)
    assert len(tags(promoted)) == 2


def test_one_can_go_back_to_an_earlier_model_and_the_next_is_held_against_that(promoted):
    err(promoted, "val", by=-2)
    commit(promoted)
    assert fork_realage(promoted, "promote", "prod").returncode == 0
    assert fork_realage(promoted, "promote", "prod", "age@v0.0.1", "--force").returncode == 0
    assert current(promoted, "prod") == "v0.0.1"
    err(promoted, "val", by=1)
    commit(promoted)
    done = fork_realage(promoted, "promote", "prod")
    assert done.returncode == 0 and "against age@v0.0.1" in done.stdout


def test_the_model_that_is_there_is_not_promoted_again(promoted):
    assert_one_line_error(fork_realage(promoted, "promote", "prod"), "already", "v0.0.1")
    assert len(tags(promoted)) == 2


def test_a_commit_without_a_validation_error_is_not_promoted(promoted):
    (promoted / "metrics/evaluate.json").write_text("{}")
    commit(promoted)
    assert_one_line_error(fork_realage(promoted, "promote", "prod", "--force"), "has no val.mae")
    assert len(tags(promoted)) == 2


def test_results_of_other_params_than_the_commits_are_not_promoted(promoted):
    change(promoted, "train", epochs=41)
    commit(promoted)
    done = fork_realage(promoted, "promote", "prod", "--force")
    assert_one_line_error(done, "train.epochs", "dvc repro")
    assert len(tags(promoted)) == 2


def ends(figure: float) -> list[float]:
    return [figure, figure - 0.1, figure + 0.1]


@pytest.fixture
def conditional(second_model):
    """The project of two models, with conditions of which the second meets one, fails one, and one cannot be told."""
    figures = {"mae": ends(1.0), "cs5": ends(0.7), "cs3": ends(0.4)}
    scores = {
        f"{metric}{key}": value
        for metric, values in figures.items()
        for key, value in zip(("", "_ci95_lo", "_ci95_hi"), values)
    }
    (second_model / "metrics/evaluate.json").write_text(json.dumps({"val": scores}))
    commit(second_model)
    limits = [
        {"metric": "val.mae", "at_most": 1.5}, {"metric": "val.cs5", "at_least": 0.65},
        {"metric": "val.cs3", "at_least": 0.6},
    ]  # fmt: skip
    change(second_model, "evaluate", promotion_conditions=limits)
    return second_model


def message(folder, tag: str) -> list[str]:
    return run_tool(folder, "git", "for-each-ref", "--format=%(contents)", f"refs/tags/{tag}").strip().splitlines()


def test_conditions_that_fail_or_cannot_be_told_refuse_a_model_until_each_is_accepted_by_name(conditional):
    done = fork_realage(conditional, "promote", "prod")
    failed, untold = "does not pass val.cs3 at least 0.6: failed, 0.4", "val.cs5 at least 0.65: cannot tell"
    assert_one_line_error(done, failed, untold, "not promoted", "--accept val.cs5 --accept val.cs3", "--force")
    assert "val.mae" not in done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["promotion_margin", "val.mae", "val.cs5", "val.cs3"]
    assert [row.split("**")[1] for row in rows] == ["passed", "passed", "cannot tell", "failed"]

    one = fork_realage(conditional, "promote", "prod", "--accept", "val.cs5")
    assert_one_line_error(one, failed)
    assert untold not in one.stderr and len(tags(conditional)) == 2
    unknown = fork_realage(conditional, "promote", "prod", "--accept", "cs3")
    assert_one_line_error(unknown, "--accept cs3: no such condition", "val.cs3")

    both = fork_realage(conditional, "promote", "prod", "--accept", "val.cs5", "--accept", "val.cs3")
    assert both.returncode == 0, both.stderr
    head = run_tool(conditional, "git", "rev-parse", "HEAD").strip()
    title, _, margin, *others = message(conditional, "teams/faces=age#prod#2")
    assert title == f"Assigning stage prod to artifact teams/faces:age of commit {head}"
    assert margin.startswith("promotion_margin MAE at most 0.3 years higher than that of teams/faces=age@v0.0.1")
    assert margin.endswith(": passed, 0, 95% interval 0 to 0")
    assert others == [
        "val.mae at most 1.5: passed, 1, 95% interval 0.9 to 1.1",
        "accepted: val.cs5 at least 0.65: cannot tell (the limit is within the interval), 0.7, 95% interval 0.6 to 0.8",
        "accepted: val.cs3 at least 0.6: failed, 0.4, 95% interval 0.3 to 0.5",
    ]
    assert run_tool(conditional, "gto", "show", "teams/faces:age#prod", "--version").strip() == "v0.0.2"
    assert len(run_tool(conditional, "gto", "history", "teams/faces:age", "--json")) > 2


def test_the_tag_says_that_a_model_was_forced_and_what_it_does_not_meet(conditional):
    done = fork_realage(conditional, "promote", "prod", "--force")
    assert done.returncode == 0, done.stderr
    said = message(conditional, "teams/faces=age#prod#2")
    assert said[2] == "forced: not compared with other models"
    assert [line.split(" at ")[0] for line in said[3:]] == ["val.mae", "forced: val.cs5", "forced: val.cs3"]


def test_a_worse_model_is_accepted_by_the_name_of_the_comparison(second_model):
    predicted = second_model / "plots/evaluate/predicted.csv"
    table = pd.read_csv(predicted)
    table.assign(predicted_age=table["real_age"] + 4).to_csv(predicted, index=False)
    commit(second_model)
    refused = fork_realage(second_model, "promote", "prod")
    assert_one_line_error(refused, "has a higher error", "--accept promotion_margin")
    done = fork_realage(second_model, "promote", "prod", "--accept", "promotion_margin")
    assert done.returncode == 0, done.stderr
    (said,) = [line for line in message(second_model, "teams/faces=age#prod#2") if line.startswith("accepted")]
    assert "promotion_margin MAE at most 0.3 years higher than" in said and "failed (has a higher error than" in said


def test_the_tag_has_the_limits_of_the_folder_though_the_commit_has_others(conditional):
    change(conditional, "evaluate", promotion_conditions=[{"metric": "val.mae", "at_most": 1.25}])
    assert fork_realage(conditional, "promote", "prod").returncode == 0
    said = message(conditional, "teams/faces=age#prod#2")
    assert said[3:] == ["val.mae at most 1.25: passed, 1, 95% interval 0.9 to 1.1"]
