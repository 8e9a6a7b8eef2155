"""`realage compare-data`: what differs between two versions of the data, under the real Git and DVC."""

import csv
import hashlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import assert_one_line_error, call_realage, flip_a_byte, run_tool
from hypothesis import given
from hypothesis import strategies as st

from realage.history.data_changes import CHANGES, changed_photos, set_differences, with_change
from realage.splits.assign import SPLIT_NAMES

COLUMNS = ["file_name", "real_age", "gender", "photo", "split"]
OLD = [
    ("anna.jpg", 20, "f", "0a", "train"),
    ("bert.jpg", 30, "m", "0b", "train"),
    ("cleo.jpg", 40, "f", "0c", "val"),
    ("dora.jpg", 50, "f", "0d", "val"),
    ("emil.jpg", 60, "m", "0e", "test"),
]
NEW = [
    ("anna.jpg", 20, "f", "0a", "excluded"),
    ('Zoë, "the 2nd" 小.jpg', 30, "m", "0b", "train"),
    ("cleo.jpg", 41.5, "f", "0c", "val"),
    ("emil.jpg", 60, "m", "0e", "test"),
    ("fred.jpg", 70, "m", "0f", "train"),
]
OLD_REJECTED = [("x.jpg", "20", "too_small", "8x8"), ("y.jpg", "", "unlabelled_photo", "no row")]
NEW_REJECTED = [("x.jpg", "20", "too_small", "8x8"), ("z.jpg", "-1", "out_of_range", "age"), *OLD_REJECTED[:1]]
# DVC warns of the variable 'item' whenever it reads this, and copying stands for what the stages do.
PIPELINE = """
vars:
  - item: 1
stages:
  other:
    foreach: [1]
    do:
      cmd: echo ${item}
  split:
    cmd: cp splits.csv rejected.csv data/labels/
    deps: [splits.csv, rejected.csv, added/photos]
    outs: [data/labels/splits.csv, data/labels/rejected.csv]
"""


def write_table(path: Path, header: list[str], rows: list[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def write_metrics(folder: Path, validated: dict, evaluated: dict) -> None:
    (folder / "metrics/validate.json").write_text(json.dumps(validated))
    (folder / "metrics/evaluate.json").write_text(json.dumps(evaluated))


def commit(folder: Path, tag: str, photos: list[tuple], rejected: list[tuple], columns: list[str] = COLUMNS) -> None:
    """Run the small pipeline on these tables and commit it as `tag`."""
    write_table(folder / "splits.csv", columns, photos)
    write_table(folder / "rejected.csv", ["file_name", "real_age", "rule", "detail"], rejected)
    (folder / "added/photos").write_text(tag)
    run_tool(folder, "dvc", "add", "-q", "added/photos")
    run_tool(folder, "dvc", "repro", "-q", "split")
    validation = sum(row[columns.index("split")] == "val" for row in photos) if "split" in columns else 0
    write_metrics(folder, {"data_version": tag}, {"data_version": tag, "val": {"n": validation}})
    run_tool(folder, "git", "add", "-A")
    run_tool(folder, "git", "commit", "-qm", tag)
    run_tool(folder, "git", "tag", tag)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose commits are `empty`, before any data, `old` and `new`."""
    folder = tmp_path_factory.mktemp("history")
    run_tool(folder, "git", "init", "-q", "-b", "main")
    run_tool(folder, "dvc", "init", "-q")
    for name in ("data/labels", "added", "metrics"):
        (folder / name).mkdir(parents=True)
    (folder / "dvc.yaml").write_text(PIPELINE)
    run_tool(folder, "git", "add", "-A")
    run_tool(folder, "git", "commit", "-qm", "empty")
    run_tool(folder, "git", "tag", "empty")
    commit(folder, "old", OLD, OLD_REJECTED)
    commit(folder, "new", NEW, NEW_REJECTED)
    return folder


@pytest.fixture
def project(history: Path, tmp_path: Path) -> Path:
    """A copy of that history that a test may change."""
    return Path(shutil.copytree(history, tmp_path / "project", symlinks=True))


def compare_data(folder: Path, *arguments: str) -> str:
    """What the command prints, which must be all that anybody sees."""
    done = call_realage(folder, "compare-data", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def fails(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return call_realage(folder, "compare-data", *arguments)


def cached(folder: Path, revision: str) -> Path:
    """The object in the cache that holds a revision's splits.csv."""
    md5 = hashlib.md5(run_tool(folder, "git", "show", f"{revision}:splits.csv").encode()).hexdigest()
    return folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def test_the_table_says_what_changed_and_that_the_maes_are_not_to_be_compared(history):
    lines = compare_data(history, "old", "new").splitlines()
    old, new = (run_tool(history, "git", "rev-parse", "--short=7", tag).strip() for tag in ("old", "new"))
    assert lines[:2] == [f"before: old ({old})", f"after:  new ({new})"]
    assert lines[lines.index("added: 1") :] == [
        "added: 1",
        "  fred.jpg (train, 70 years)",
        "removed: 1",
        "  dora.jpg (val, 50 years)",
        "renamed: 1",
        '  bert.jpg -> Zoë, "the 2nd" 小.jpg',
        "relabelled: 1",
        "  cleo.jpg (val): 40 -> 41.5 years",
        "moved: 1",
        "  anna.jpg: train -> excluded",
        "",
        "2 validation photos differ (1 removed, 1 relabelled): a difference in val.mae is partly due to the data.",
        "The test sets are the same: test.mae can be compared.",
    ]


def test_the_table_describes_each_split_and_what_was_rejected(history):
    lines = [" ".join(line.split()) for line in compare_data(history, "old", "new").splitlines()]
    start = lines.index("photos mean median sd 20 to 30")
    assert lines[start + 1 :][:10] == [
        "train before 2 25.0 25.0 7.1 100%",
        "after 2 50.0 50.0 28.3 50%",
        "val before 2 45.0 45.0 7.1 0%",
        "after 1 41.5 41.5 - 0%",
        "test before 1 60.0 60.0 - 0%",
        "after 1 60.0 60.0 - 0%",
        "excluded before 0 - - - -",
        "after 1 20.0 20.0 - 100%",
        "all before 5 40.0 40.0 15.8 40%",
        "after 5 44.3 41.5 20.7 40%",
    ]
    start = lines.index("Rejected rows and photos")
    assert lines[start + 1 :][:4] == ["before after", "unlabelled_photo 1 0", "out_of_range 0 1", "too_small 1 2"]


def test_without_a_second_revision_it_is_the_working_tree_as_it_lies_there(project):
    same = ["The validation sets are the same: val.mae can be compared."]
    assert compare_data(project, "new").splitlines()[-2:-1] == same
    table = project / "data/labels/splits.csv"
    table.write_text(table.read_text().replace("fred.jpg,70,m,0f,train", "fred.jpg,70,m,0f,val"))
    said = compare_data(project, "new")
    assert "after:  the working tree" in said and "fred.jpg: train -> val" in said
    assert "1 validation photo differs (1 added): a difference in val.mae is partly due to the data." in said


def test_renaming_a_validation_photo_does_not_make_another_validation_set(project):
    renamed = [("c.jpg" if row[0] == "cleo.jpg" else row[0], *row[1:]) for row in NEW]
    commit(project, "renamed", renamed, NEW_REJECTED)
    said = compare_data(project, "new", "renamed")
    assert "cleo.jpg -> c.jpg" in said and "The validation sets are the same" in said


def test_csv_has_a_line_for_each_changed_photo_with_both_its_values(history):
    rows = list(csv.reader(io.StringIO(compare_data(history, "old", "new", "--format", "csv"))))
    assert rows[0][:4] == ["change", "photo", "file_name_before", "file_name_after"]
    assert rows[1:] == [
        ["renamed", "0b", "bert.jpg", 'Zoë, "the 2nd" 小.jpg', "30.0", "30.0", "train", "train"],
        ["moved", "0a", "anna.jpg", "anna.jpg", "20.0", "20.0", "train", "excluded"],
        ["relabelled", "0c", "cleo.jpg", "cleo.jpg", "40.0", "41.5", "val", "val"],
        ["removed", "0d", "dora.jpg", "", "50.0", "", "val", ""],
        ["added", "0f", "", "fred.jpg", "", "70.0", "", "train"],
    ]


def test_json_holds_everything(history):
    said = json.loads(compare_data(history, "old", "new", "--format", "json"))
    assert said["changes"] == dict.fromkeys(CHANGES, 1)
    assert said["photos"]["val"]["before"] == {
        "n": 2,
        "age_mean": 45.0,
        "age_median": 45.0,
        "age_sd": 7.071068,
        "share_20_30": 0.0,
    }
    assert said["photos"]["val"]["after"]["age_sd"] is None
    assert said["rejected"]["too_small"] == {"before": 1, "after": 2}
    assert said["held_out"]["val"] == {"added": 0, "removed": 1, "relabelled": 1}
    assert said["verdict"][1] == "The test sets are the same: test.mae can be compared."
    (added,) = [photo for photo in said["changed"] if photo["change"] == "added"]
    assert added["file_name_after"] == "fred.jpg" and added["real_age_before"] is None
    assert 'Zoë, "the 2nd" 小.jpg' in [photo["file_name_after"] for photo in said["changed"]]


def test_of_many_names_ten_are_shown_and_the_rest_counted(project):
    many = [(f"many{i:04}.jpg", 30, "f", f"{i:032x}", "train") for i in range(1012)]
    commit(project, "many", NEW + many, NEW_REJECTED)
    lines = compare_data(project, "new", "many").splitlines()
    start = lines.index("added: 1,012")
    assert lines[start + 10] == "  many0009.jpg (train, 30 years)"
    assert lines[start + 11 :][:2] == ["  and 1,002 more (--format csv lists them all)", "removed: 0"]
    assert len(compare_data(project, "new", "many", "--format", "csv").splitlines()) == 1 + 1012


def test_photos_with_the_same_pixels_and_columns_that_nobody_knows_are_no_crash(project):
    twins = [(*row, "") for row in [*NEW, ("twin.jpg", 20, "f", "0a", "train"), ("0.jpg", 33, "f", "0a", "val")]]
    commit(project, "twins", twins, [], [*COLUMNS, "near_duplicate_of"])
    said = json.loads(compare_data(project, "new", "twins", "--format", "json"))
    assert said["photos"]["all"]["after"]["n"] == 7 and said["changes"]["added"] == 2


def test_a_hostile_revision_cannot_write_to_the_terminal(project):
    hostile = "\x1b[2Jred\x07\n\u202e\x9b1m.jpg"
    photos = [*NEW, (hostile, 20, "f", "0h", "train"), ("t.jpg", 20, "f", "0i", hostile)]
    commit(project, "hostile", photos, [("r.jpg", "", hostile, "")])
    said = {style: compare_data(project, "new", "hostile", "--format", style) for style in ("table", "csv", "json")}
    for text in said.values():
        assert "[2Jred" in text and text.replace("\n", "").isprintable()
    assert len(said["csv"].splitlines()) == 1 + 2


def test_a_name_that_is_a_formula_is_text_in_the_csv(project):
    photos = [*NEW, ("=1+1.jpg", 20, "f", "0h", "train")]
    commit(project, "formula", photos, [("'=r.jpg", "", "unlabelled_photo", "no row")])
    (row,) = csv.DictReader(io.StringIO(compare_data(project, "new", "formula", "--format", "csv")))
    assert row["file_name_after"] == "'=1+1.jpg"
    (changed,) = json.loads(compare_data(project, "new", "formula", "--format", "json"))["changed"]
    assert changed["file_name_after"] == "=1+1.jpg"


def test_nothing_is_changed_by_looking(project):
    def files() -> dict[Path, tuple[bytes, int]]:
        looked_at = [path for path in project.rglob("*") if path.is_file() and ".dvc/tmp" not in path.as_posix()]
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in looked_at}

    before = files()
    for arguments in (["old"], ["old", "new"]):
        compare_data(project, *arguments)
    assert files() == before


def test_what_the_cache_lacks_comes_from_the_default_remote_though_the_revision_is_older_than_it(project, tmp_path):
    said = compare_data(project, "old", "new")
    shutil.copytree(project / ".dvc/cache", tmp_path / "remote")
    run_tool(project, "dvc", "remote", "add", "-d", "team", str(tmp_path / "remote"))
    shutil.rmtree(project / ".dvc/cache")
    assert compare_data(project, "old", "new") == said
    assert not (project / ".dvc/cache").exists()


def test_a_project_in_a_folder_of_a_git_repository(tmp_path):
    run_tool(tmp_path, "git", "init", "-q")
    folder = tmp_path / "faces"
    for name in ("data/labels", "added", "metrics"):
        (folder / name).mkdir(parents=True)
    run_tool(folder, "dvc", "init", "-q", "--subdir")
    (folder / "dvc.yaml").write_text(PIPELINE)
    commit(folder, "old", OLD, OLD_REJECTED)
    assert "The validation sets are the same" in compare_data(folder, "HEAD")


@pytest.mark.parametrize("arguments", [["nowhere"], ["old", "nowhere"], ["workspace"], ["HEAD^{tree}"]])
def test_an_unknown_revision(history, arguments):
    assert_one_line_error(fails(history, *arguments), f"{arguments[-1]}: no such commit", "git log")


def test_an_empty_revision_is_not_taken_for_head(history):
    assert_one_line_error(fails(history, ""), "empty revision")
    assert_one_line_error(fails(history, "old", ""), "empty revision")


def test_a_revision_from_before_the_data(history):
    done = fails(history, "empty", "new")
    assert_one_line_error(done, "empty: has no data/labels/splits.csv", "'git log --oneline dvc.lock'")
    listed = run_tool(history, "git", "log", "--format=%s", "dvc.lock").split()
    assert listed == ["new", "old"]


def test_data_that_are_nowhere_any_more_come_back_as_the_error_says(project):
    cached(project, "old").unlink()
    error = "data/labels/splits.csv of old: neither in DVC's cache nor in the default remote"
    remedy = "'git checkout old', 'dvc checkout', 'dvc repro split', then 'git checkout -', 'dvc checkout'"
    assert_one_line_error(fails(project, "old"), error, remedy, "'dvc push'")
    run_tool(project, "git", "checkout", "-q", "old")
    subprocess.run([Path(sys.executable).with_name("dvc"), "checkout"], cwd=project, capture_output=True)
    run_tool(project, "dvc", "repro", "split")
    run_tool(project, "git", "checkout", "-q", "-")
    run_tool(project, "dvc", "checkout")
    assert "removed: 1" in compare_data(project, "old")
    assert run_tool(project, "git", "status", "--short") == ""


def test_errors_that_were_not_measured_on_the_data_are_not_to_be_compared(project):
    assert "But the errors" not in compare_data(project, "old", "new")
    write_metrics(project, {"data_version": "new"}, {"data_version": "older", "val": {"n": 1}})
    said = compare_data(project, "new").splitlines()[-1]
    assert said.startswith("But the errors in metrics/evaluate.json of the working tree") and "run 'dvc repro'" in said
    write_metrics(project, {"data_version": "new"}, {"data_version": "new", "val": {"n": 99}})
    assert "But the errors" in compare_data(project, "new")
    (project / "metrics/evaluate.json").unlink()
    assert "But the errors" in compare_data(project, "new")


def test_a_folder_of_the_project_is_not_the_project(history):
    assert_one_line_error(fails(history / "metrics", "new"), "dvc.yaml", "project's folder")


def test_a_photo_that_swapped_its_name_is_told_by_both(project):
    swapped = {"cleo.jpg": "emil.jpg", "emil.jpg": "cleo.jpg"}
    rows = [(swapped.get(row[0], row[0]), 45 if row[0] == "cleo.jpg" else row[1], *row[2:]) for row in NEW]
    commit(project, "swapped", rows, NEW_REJECTED)
    assert "  cleo.jpg -> emil.jpg (val): 41.5 -> 45 years" in compare_data(project, "new", "swapped")


def test_data_that_are_damaged_in_the_cache_are_not_believed(project):
    flip_a_byte(cached(project, "old"))
    assert_one_line_error(fails(project, "old"), "data/labels/splits.csv of old: not the bytes", "make mend-cache")
    assert call_realage(project, "mend-cache").returncode == 0
    assert_one_line_error(fails(project, "old"), "neither in DVC's cache")


@pytest.mark.parametrize("name", ["splits.csv", "rejected.csv"])
def test_a_file_that_is_missing_in_the_working_tree_comes_back_as_the_error_says(project, name):
    (project / "data/labels" / name).unlink()
    assert_one_line_error(fails(project, "old"), f"data/labels/{name}: not in the working tree", "'dvc checkout'")
    run_tool(project, "dvc", "checkout")
    compare_data(project, "old")


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "No columns"),
        (b"file_name,real_age,split\na.jpg,20,val\n", "photo"),
        (b"file_name,real_age,photo,split\na.jpg,old,0a,val\n", "'old'"),
        (b"file_name,real_age,photo,split\na.jpg,inf,0a,val\n", "real_age"),
        (b"file_name,real_age,photo,split\na.jpg,20,0a,val,more\n", "5"),
        (b"file_name,real_age,photo,split\n\xff.jpg,20,0a,val\n", "utf-8"),
    ],
)
def test_a_table_that_is_none(project, contents, reason):
    (project / "data/labels/splits.csv").write_bytes(contents)
    done = fails(project, "old")
    assert_one_line_error(done, "data/labels/splits.csv of the working tree", reason, "'dvc repro'")


def test_a_revision_whose_pipeline_dvc_cannot_read(project):
    (project / "dvc.yaml").write_text('stages:\n  split:\n    cmd: "${\\a[2J}"\n')
    run_tool(project, "git", "commit", "-qam", "broken")
    done = fails(project, "HEAD", "old")
    assert_one_line_error(done, "HEAD: DVC cannot read its data", "'stages.split.cmd' in 'dvc.yaml': ${\\x07[2J}")
    assert done.stderr.rstrip("\n").isprintable()


def test_outside_git_or_dvc(tmp_path):
    (tmp_path / "dvc.yaml").touch()
    assert_one_line_error(fails(tmp_path, "HEAD"), "DVC", "run this in the folder of a DVC project that is in Git")
    run_tool(tmp_path, "dvc", "init", "-q", "--no-scm")
    assert_one_line_error(fails(tmp_path, "HEAD"), "Git", "run this in the folder of a DVC project that is in Git")


def test_the_real_pipelines_tables(pipeline):
    said = json.loads(compare_data(pipeline, "HEAD", "--format", "json"))
    counts = json.loads((pipeline / "metrics/split.json").read_text())
    rejected = json.loads((pipeline / "metrics/validate.json").read_text())["rejected_by_rule"]
    photos = {split: figures["after"]["n"] for split, figures in said["photos"].items() if split != "all"}
    assert photos == {**{split: counts[split]["n"] for split in SPLIT_NAMES}, "excluded": counts["excluded"]}
    assert {rule: said["rejected"].get(rule, {"before": 0})["before"] for rule in rejected} == rejected
    assert said["changed"] == [] and "val.mae can be compared" in said["verdict"][0]


def tables(unique: bool) -> st.SearchStrategy[pd.DataFrame]:
    """Small tables that have much in common, in any order of rows."""
    row = st.tuples(
        st.sampled_from(["a.jpg", "b.jpg", "ü, 2.jpg"]),
        st.sampled_from([20.0, 30.5, 41.0]),
        st.sampled_from(["0a", "0b", "0c", "0d"]),
        st.sampled_from(["train", "val", "excluded"]),
    )
    rows = st.lists(row, max_size=8, unique_by=(lambda row: row[2]) if unique else None)
    columns = ["file_name", "real_age", "photo", "split"]
    return rows.map(lambda rows: pd.DataFrame(rows, columns=columns).astype({"real_age": "float64"}))


def values(table: pd.DataFrame) -> list[tuple]:
    return list(table.astype(object).where(table.notna(), None).itertuples(index=False, name=None))


@given(tables(unique=True), tables(unique=True))
def test_each_kind_of_change_is_what_it_says(before, after):
    old, new = ({row.photo: row for row in table.itertuples()} for table in (before, after))
    both = old.keys() & new.keys()
    expected = {
        "added": new.keys() - old.keys(),
        "removed": old.keys() - new.keys(),
        "renamed": {photo for photo in both if old[photo].file_name != new[photo].file_name},
        "relabelled": {photo for photo in both if old[photo].real_age != new[photo].real_age},
        "moved": {photo for photo in both if old[photo].split != new[photo].split},
    }
    changed = changed_photos(before, after)
    assert {change: set(with_change(changed, change)["photo"]) for change in CHANGES} == expected


@given(tables(unique=False), tables(unique=False), st.randoms())
def test_the_order_of_rows_makes_no_difference(before, after, random):
    shuffled = [table.sample(frac=1, random_state=random.randrange(2**31)) for table in (before, after)]
    assert values(changed_photos(*shuffled)) == values(changed_photos(before, after))
    assert changed_photos(before, before.sample(frac=1, random_state=random.randrange(2**31))).empty


@given(tables(unique=False), tables(unique=False))
def test_looked_at_from_the_other_side_added_is_removed_and_every_row_is_accounted_for(before, after):
    there, back = changed_photos(before, after), changed_photos(after, before)
    for one, other in {"added": "removed", "removed": "added", "renamed": "renamed", "moved": "moved"}.items():
        assert sorted(with_change(there, one)["photo"]) == sorted(with_change(back, other)["photo"])
    assert len(with_change(there, "added")) - len(with_change(there, "removed")) == len(after) - len(before)


@given(tables(unique=True), tables(unique=True))
def test_two_sets_are_the_same_if_and_only_if_they_hold_the_same_photos_with_the_same_labels(before, after):
    old, new = (dict(values(table.loc[table["split"] == "val", ["photo", "real_age"]])) for table in (before, after))
    differences = set_differences(changed_photos(before, after), "val")
    assert differences == {
        "added": len(new.keys() - old.keys()),
        "removed": len(old.keys() - new.keys()),
        "relabelled": sum(old[photo] != new[photo] for photo in old.keys() & new.keys()),
    }
    assert (sum(differences.values()) == 0) == (old == new)
