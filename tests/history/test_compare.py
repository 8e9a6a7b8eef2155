"""`realage compare`: what changed between two commits of a real run, as Markdown for a pull request."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from conftest import assert_one_line_error, call_realage, change, commit, err, run_tool

from realage.core.params import parse_params

PREDICTED = "plots/evaluate/predicted.csv"
LONGEST_COMMENT = 65_536  # characters that GitHub accepts

# Small files that stand for gigabytes, or for thousands of levels.
LEVELS = range(1, 30)
BOMBS = {
    "lists": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in LEVELS),
    "merged keys": "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in LEVELS),
    "long text": f"a0: &a0 {'x' * 50_000}\na1: [" + "*a0, " * 50 + "]",
    "deep aliases": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5_000)),
    "deep text": "a: " + "[" * 5_000,
    "itself": "a: &x {b: *x}",
}


def compare(folder: Path, *arguments: str) -> str:
    done = call_realage(folder, "compare", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def cells(markdown: str, title: str) -> list[str]:
    """What the row of a table that begins with `title` says of the two commits."""
    (row,) = [line for line in markdown.splitlines() if line.startswith(f"| {title} |")]
    return [cell.strip() for cell in row.strip("|").split(" | ")][1:]


def test_a_change_of_the_model_is_judged_photo_by_photo_and_shown_with_its_params(clone):
    err(clone, "val", by=1.5)
    change(clone, "train", learning_rate=0.002)
    commit(clone)
    said = compare(clone, "HEAD~1", "HEAD")
    val = json.loads((clone / "metrics/evaluate.json").read_text())["val"]
    assert f"**Validation: worse.** On the {val['n']} photos that both scored, the MAE changed by +1.50 years" in said
    assert "**Test: the same.**" in said
    assert cells(said, "`train.learning_rate`") == ["`0.001`", "`0.002`"]
    assert "the figures of HEAD (" in said
    assert "were computed with another `train.learning_rate` than its params.yaml has" in said
    mae = f"{val['mae']:.2f} [{val['mae_ci95_lo']:.2f}, {val['mae_ci95_hi']:.2f}]"
    assert cells(said, "**validation MAE**, years") == [mae, mae]
    assert "### Data\n\nThe same: `" in said and "### Pictures" not in said


def test_changed_data_are_counted_and_their_photos_do_not_judge_the_model(clone):
    table = pd.read_csv(clone / PREDICTED)
    val = table.index[table["split"] == "val"]
    table.loc[val[0], "real_age"] += 10
    table.drop(val[1]).to_csv(clone / PREDICTED, index=False)
    metrics = clone / "metrics/eda.json"
    metrics.write_text(json.dumps(json.loads(metrics.read_text()) | {"age_mean": 44.44}))
    validated = clone / "metrics/validate.json"
    validated.write_text(json.dumps(json.loads(validated.read_text()) | {"data_version": "0123456789abcdef"}))
    commit(clone)
    said = compare(clone, "HEAD~1", "HEAD")
    assert f"On the {len(val) - 2} photos" in said
    assert "(2 others were scored by only one, or relabelled)" in said
    assert cells(said, "mean age, years")[1] == "44.4" and cells(said, "data version")[1] == "`0123456789abcdef`"


def test_photos_of_one_person_count_as_one_person(clone):
    table = pd.read_csv(clone / PREDICTED)
    val = table["split"] == "val"
    table.loc[val, "person"] = table.loc[val, "person"].iloc[0]
    table.to_csv(clone / PREDICTED, index=False)
    said = compare(clone, "HEAD")
    assert f"**Validation: too few to tell.** Both scored only {val.sum()} photos of 1 person" in said
    assert "**Test: the same.**" in said


def test_predictions_of_an_earlier_release_say_nothing_of_people(clone):
    pd.read_csv(clone / PREDICTED).drop(columns="person").to_csv(clone / PREDICTED, index=False)
    assert "**Validation: the same.**" in compare(clone, "HEAD")
    metrics = clone / "metrics/evaluate.json"
    scores = json.loads(metrics.read_text())
    del scores["val"]["mae_ci95_lo"], scores["val"]["mae_ci95_hi"]
    metrics.write_text(json.dumps(scores))
    assert cells(compare(clone, "HEAD"), "**validation MAE**, years")[1] == f"{scores['val']['mae']:.2f} [too few]"


def test_without_a_second_commit_the_working_tree_is_compared(clone):
    err(clone, "val", by=-0.01)
    assert "→ the working tree" in compare(clone, "HEAD")


def test_pictures_are_those_of_each_commit(clone):
    (clone / "notes.txt").write_text("x")
    run_tool(clone, "git", "add", "-A")
    commit(clone)
    said = compare(clone, "HEAD~1", "HEAD", "--pictures", "https://host/raw")
    commits = run_tool(clone, "git", "log", "--format=%H").split()
    shown = re.findall(r"\(https://host/raw/(\w+)/(\S+?)\)", said)
    assert {hash for hash, _ in shown} == {*commits} and len(shown) == 6
    tracked = run_tool(clone, "git", "ls-files").splitlines()
    assert {picture for _, picture in shown} <= {*tracked}


def test_it_needs_neither_data_nor_cache_nor_remote(clone, tmp_path):
    bare = tmp_path / "bare"
    run_tool(tmp_path, "git", "clone", "-q", str(clone), str(bare))
    said = compare(bare, "HEAD", "HEAD")
    assert "**Validation: the same.**" in said and "Outdated" not in said


@pytest.mark.parametrize("foreign", ["a | b\n`<img src=x>` | c", "x`](http://evil) @team\r\n# y"])
def test_what_another_branch_writes_cannot_leave_its_cell(clone, foreign):
    change(clone, "report", title=foreign, **{foreign: 1})
    validated = clone / "metrics/validate.json"
    validated.write_text(json.dumps(json.loads(validated.read_text()) | {"data_version": foreign}))
    commit(clone)
    said = compare(clone, "HEAD~1", "HEAD")
    foreign_cells = [cells(said, "`report.title`")[1], cells(said, "data version")[1]]
    foreign_cells += [line.split(" | ")[0].strip("| ") for line in said.splitlines() if line.startswith("| `report.x")]
    for cell in foreign_cells:
        assert cell.startswith("`") and cell.endswith("`") and cell.count("`") == 2
    assert "\r" not in said and "\n# y" not in said


@pytest.mark.parametrize(
    ("file", "contents", "words"),
    [
        ("metrics/evaluate.json", None, ["has no metrics/evaluate.json", "dvc repro"]),
        ("metrics/evaluate.json", "[1]", ["metrics/evaluate.json", "not as the pipeline writes it"]),
        ("metrics/split.json", "{", ["metrics/split.json", "not as the pipeline writes it"]),
        ("dvc.lock", "stages: 3", ["dvc.lock", "not as the pipeline writes it"]),
        ("params.yaml", "a: [", ["params.yaml", "not as the pipeline writes it"]),
        ("metrics/evaluate.json", "[" * 5_000, ["metrics/evaluate.json"]),
        ("metrics/split.json", '{"val": ' + "[" * 100 + "]" * 100 + "}", ["metrics/split.json", "nested too deeply"]),
        ("params.yaml", BOMBS["lists"], ["params.yaml", "aliases"]),
        ("dvc.lock", "stages: " + "{a: " * 100 + "1" + "}" * 100, ["dvc.lock", "50 levels"]),
        (PREDICTED, "photo,split,real_age,predicted_age\na,val,1,\n", [PREDICTED, "not a number"]),
        (PREDICTED, "split,real_age,predicted_age\nval,1,2\n", [PREDICTED, "photo"]),
        (PREDICTED, "photo,split,real_age,predicted_age\na,val,x,2\n", [PREDICTED]),
        (PREDICTED, "photo,person,split,real_age,predicted_age\na,,val,1,2\n", [PREDICTED, "no person"]),
        (PREDICTED, "photo,split,real_age,predicted_age\na,val,1,2\na,val,1,2\n", [PREDICTED, "twice"]),
    ],
)
def test_a_commit_without_sound_results_is_named(clone, file, contents, words):
    (clone / file).unlink() if contents is None else (clone / file).write_text(contents)
    assert_one_line_error(call_realage(clone, "compare", "HEAD"), "the working tree", *words)
    commit(clone)
    assert_one_line_error(call_realage(clone, "compare", "HEAD~1", "HEAD"), "HEAD (", *words)


@pytest.mark.parametrize("revision", ["nowhere", "", "HEAD:params.yaml"])
def test_what_is_no_commit_is_named(clone, revision):
    assert_one_line_error(call_realage(clone, "compare", "HEAD", revision), "no such commit")


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_file_that_stands_for_a_large_one_is_refused_at_once(bomb):
    with pytest.raises(ValueError, match="it has more than|nested too deeply"):
        parse_params(BOMBS[bomb])


def test_aliases_of_a_sound_file_are_read():
    assert parse_params("a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]")["d"] == [{"b": [1, 2]}, {"b": [1, 2]}]


def test_a_long_comparison_is_shortened_with_a_count_of_what_is_left_out(clone):
    limits = [{"metric": f"{number:03}" + "|" * 300, "at_most": 1e-308} for number in range(500)]
    change(clone, "evaluate", promotion_conditions=limits)
    change(clone, "report", title="|" * 100_000, **{f"{number:04}" + "|" * 300: "|" * 300 for number in range(500)})
    for file, key in (("validate", "data_version"), ("split", "val_version")):
        metrics = clone / f"metrics/{file}.json"
        metrics.write_text(json.dumps(json.loads(metrics.read_text()) | {key: "|" * 9_000, "photos": 1e308}))
    commit(clone)
    said = compare(clone, "HEAD~1", "HEAD", "--pictures", "https://host/raw")
    assert len(said) < LONGEST_COMMENT
    assert "(99,882 more characters)" in cells(said.replace("\\|", "!"), "`report.title`")[1]
    assert "And 470 more, see `params.yaml`." in said
    assert re.search(r"^And 44\d more, see `dvc params diff`\.$", said, flags=re.MULTILINE)


def test_the_later_version_is_held_against_its_conditions_and_a_change_of_them_is_told(clone):
    scores = json.loads((clone / "metrics/evaluate.json").read_text())["val"]
    limits = [
        {"metric": "val.mae", "at_most": scores["mae_ci95_hi"] + 1},
        {"metric": "val.cs5", "at_least": scores["cs5"]},
        {"metric": "val.x | `y`\n", "at_least": 1},
    ]
    change(clone, "evaluate", promotion_conditions=limits)
    commit(clone)
    said = compare(clone, "HEAD~1", "HEAD")
    assert "### Conditions for promotion\n\n**Changed**: HEAD~1" in said
    assert cells(said, "`val.mae`")[-1] == "**passed**" and cells(said, "`val.cs5`")[-1].startswith("**cannot tell**")
    assert "\n| `val.x \\| 'y'\\n` | at least 1 | - | - | **cannot tell**: no such figure" in said
    assert "Conditions for promotion" not in compare(clone, "HEAD~1", "HEAD~1")

    scores["mae"] = scores["mae_ci95_lo"] = scores["mae_ci95_hi"] = 99.0
    (clone / "metrics/evaluate.json").write_text(json.dumps({"val": scores | {"cs5": "|<b>", "cs5_ci95_lo": 9e999}}))
    change(clone, "evaluate", promotion_conditions=limits[:2])
    said = compare(clone, "HEAD")
    assert cells(said, "`val.mae`")[-1] == "**failed**" and cells(said, "`val.cs5`")[-1].startswith("**cannot tell**")
    assert "<b>" not in said

    change(clone, "evaluate", promotion_conditions=[{"metric": "val.mae"}])
    assert "`evaluate.promotion_conditions` of the working tree is not valid" in compare(clone, "HEAD")
