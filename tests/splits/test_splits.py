"""Splits: they stay put as the data grow, part neither a person nor a picture, and are refused where they mislead."""

import numpy as np
import pandas as pd
import pytest
from conftest import assert_one_line_error, run_module, run_stages, write_params, write_photo
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from realage.core.errors import UserError
from realage.core.files import read_json, read_rows, write_csv
from realage.project.remove_person import remove_person
from realage.splits.assign import (
    SplitParams,
    assign_splits,
    require_enough,
    set_near_duplicates_aside,
    unjudged_decades,
    warnings,
)
from realage.splits.subjects import known_subjects
from stages.split import split as split_stage

STABLE = SplitParams(strategy="stable", val_fraction=0.2, test_fraction=0.2, salt="realage")
OFFICIAL = SplitParams(strategy="column", val_fraction=0.1, test_fraction=0, salt="")


def table(count: int, **columns: list[str]) -> pd.DataFrame:
    names = [f"{i}.jpg" for i in range(count)]
    return pd.DataFrame({"file_name": names, "real_age": 30.0, "photo": [f"hash{i}" for i in range(count)], **columns})


def split(rows: pd.DataFrame, params: SplitParams = STABLE) -> pd.DataFrame:
    """As the stage does it; the column `picture` numbers the groups of near-duplicates."""
    return set_near_duplicates_aside(rows, assign_splits(rows, params), rows["picture"].to_numpy())


@given(st.sets(st.integers(0, 299)), st.randoms())
def test_no_photo_moves_when_others_come_go_or_change_order(removed, random):
    whole = table(300)
    before = dict(zip(whole["photo"], assign_splits(whole, STABLE)))
    fewer = whole.drop(index=list(removed)).sample(frac=1, random_state=random.randrange(2**31))
    fewer = pd.concat([fewer, table(400).tail(100)]).assign(file_name="renamed.jpg", real_age=50.0)
    after = dict(zip(fewer["photo"], assign_splits(fewer, STABLE)))
    assert {photo: after[photo] for photo in after if photo in before} == {
        photo: before[photo] for photo in before if photo in after
    }


PICTURES = st.lists(st.integers(0, 40), min_size=60, max_size=60)


@given(PICTURES)
def test_near_duplicates_are_never_in_different_splits(pictures):
    rows = split(table(60, picture=pictures))
    used = rows[rows["split"] != "excluded"]
    assert (used.groupby("picture")["split"].nunique() == 1).all()


@given(PICTURES)
def test_only_what_must_be_is_set_aside_and_each_names_a_photo_that_stays(pictures):
    rows = table(60, picture=pictures)
    before, after = assign_splits(rows, STABLE), split(rows)
    by_name = after.set_index("file_name")
    for row in after.itertuples():
        rivals = set(before[rows["picture"] == row.picture])
        must_go = {"train": {"val", "test"}, "val": {"test"}, "test": set()}[before[row.Index]] & rivals
        assert (row.split == "excluded") == bool(must_go)
        if must_go:
            kept = by_name.loc[row.near_duplicate_of]
            assert kept["picture"] == row.picture and kept["split"] in must_go
            same = after[(after["picture"] == row.picture) & (after["split"] == kept["split"])]
            assert row.near_duplicate_of == min(same["file_name"])
        else:
            assert row.split == before[row.Index] and row.near_duplicate_of == ""


@given(PICTURES, PICTURES)
def test_photos_that_come_move_nothing_in_validation_or_test(old, new):
    """A new photo can only set a validation photo aside, where it is the same picture in the test split."""
    whole = table(120, picture=[*old, *new])
    before, after = split(whole.head(60)), split(whole)
    for row in before[before["split"].isin(["val", "test"])].itertuples():
        now = after.loc[row.Index]
        if now["split"] != row.split:
            assert (row.split, now["split"]) == ("val", "excluded")
            assert after.set_index("file_name").loc[now["near_duplicate_of"], "split"] == "test"


@given(st.lists(st.sampled_from(["ann", "bob", "cy", "di", "ed", ""]), min_size=60, max_size=60))
def test_one_subject_is_in_one_split(subjects):
    rows = table(600, subject=subjects * 5 + [""] * 300)
    rows["split"] = assign_splits(rows, STABLE)
    named = rows[rows["subject"] != ""]
    assert named.empty or (named.groupby("subject")["split"].nunique() == 1).all()


def test_shares_are_about_as_asked_and_another_salt_draws_another_split():
    rows = table(5000)
    first = assign_splits(rows, STABLE)
    shares = first.value_counts(normalize=True)
    assert abs(shares["val"] - 0.2) < 0.03 and abs(shares["test"] - 0.2) < 0.03
    assert (assign_splits(rows, STABLE.model_copy(update={"salt": "other"})) != first).mean() > 0.3


def test_leading_takes_the_first_rows_as_keras_does():
    rows = table(7591)
    splits = assign_splits(rows, SplitParams(strategy="leading", val_fraction=0.25, test_fraction=0, salt=""))
    assert list(splits[:1897].unique()) == ["val"] and list(splits[1897:].unique()) == ["train"]


def test_column_takes_official_splits_and_names_a_wrong_one():
    assert list(assign_splits(table(3, split=["train", "val", "test"]), OFFICIAL)) == ["train", "val", "test"]
    with pytest.raises(UserError, match=r"1\.jpg.*'valid'"):
        assign_splits(table(2, split=["train", "valid"]), OFFICIAL)
    with pytest.raises(UserError, match="no column 'split'"):
        assign_splits(table(2), OFFICIAL)


@pytest.mark.parametrize("strategy", ["leading", "column"])
def test_a_subject_in_two_splits_is_refused(strategy):
    rows = table(8, subject=["", "", "ann", "bob", "cy", "ann", "", ""], split=["val", "val", "val", *["train"] * 5])
    params = SplitParams(strategy=strategy, val_fraction=0.375, test_fraction=0, salt="")
    with pytest.raises(UserError, match="subject 'ann' is in train and val"):
        assign_splits(rows, params)


@pytest.mark.parametrize(
    ("counts", "params", "words"),
    [
        ({"train": 40, "val": 9, "test": 20}, STABLE, "'val' has 9 of .* fewer than 10"),
        ({"train": 40, "test": 20}, STABLE, "'val' has 0 of"),
        ({"train": 40, "val": 20, "test": 9}, STABLE, "'test' has 9 of"),
        ({"train": 40, "val": 20}, STABLE, "'test' has 0 of"),
        ({"val": 20, "test": 20}, STABLE, "'train' has 0 of"),
        ({"train": 40, "val": 20, "test": 1}, OFFICIAL, "'test' has 1 of"),
        ({"train": 40, "val": 10, "test": 10}, STABLE, None),
        ({"train": 40, "val": 10}, STABLE.model_copy(update={"test_fraction": 0.0}), None),
        ({"train": 40, "val": 10}, OFFICIAL, None),
    ],
)
def test_a_split_too_small_to_judge_by_is_refused(counts, params, words):
    splits = pd.Series([split for split, count in counts.items() for _ in range(count)])
    if words:
        with pytest.raises(UserError, match=words):
            require_enough(splits, params)
    else:
        require_enough(splits, params)


def test_a_decade_that_nobody_is_judged_on_is_counted():
    places = {5.0: "train", 15.0: "train", 16.0: "val", 25.0: "train", 26.0: "test", 95.0: "train", 101.0: "train"}
    rows = pd.DataFrame(places.items(), columns=["real_age", "split"])
    assert unjudged_decades(rows) == {"0-9": 1, "90+": 2}


def test_the_stage_sets_copies_aside_counts_them_and_warns(workspace, params):
    """A resized copy of a validation photo in training, and a decade in training only."""
    names = [f"{number}.png" for number in range(40)]
    for number, name in enumerate(names):
        write_photo(workspace / "faces" / name, number, size=(64, 64))
    splits = ["train"] * 28 + ["val"] * 12
    Image.open(workspace / "faces/39.png").resize((128, 128)).save(workspace / "faces/0.png")
    ages = [83] + [30 + number % 3 for number in range(39)]
    rows = [f"{name},{age},{split}" for name, age, split in zip(names, ages, splits)]
    rows[1] = "1.png,71,train"
    (workspace / "labels.csv").write_text("\n".join(["file_name,real_age,split", *rows]) + "\n")
    params["dataset"] = {"labels": "labels.csv", "images": "faces"}
    params["split"]["strategy"] = "column"
    write_params(workspace, params)
    assert run_stages(workspace, "scan", "validate").returncode == 0
    done = run_module("stages.split", workspace)
    assert "ages 70-79 (photos: 1) are in training only" in done.stderr and "80-89" not in done.stderr, done.stdout
    metrics = read_json(workspace / "metrics/split.json")
    assert (metrics["train"]["n"], metrics["val"]["n"], metrics["excluded"]) == (27, 12, 1)
    assert (metrics["near_duplicate_groups"], metrics["unjudged_decades"]) == (1, {"70-79": 1})
    table = read_rows(workspace / "data/labels/splits.csv").set_index("file_name")
    assert tuple(table.loc["0.png", ["split", "near_duplicate_of"]]) == ("excluded", "39.png")
    assert "2 photos have near-duplicates of another age (listed in data/labels/conflicting_ages.csv)" in done.stdout
    listed = (workspace / "data/labels/conflicting_ages.csv").read_text().splitlines()
    assert listed[1:] == ["1,51,39.png,32,val", "1,51,0.png,83,excluded"]


@pytest.mark.parametrize("word", [
    "unknown", "Unknown", "UNK", "n/a", "N/A", "NA", "nan", "NaN", "None", "null", "-", "?", "...", "\u2026", "#N/A",
])  # fmt: skip
def test_a_word_for_not_known_is_no_person(word):
    people = [word if number % 2 else f"p{number}" for number in range(400)]
    empty = ["" if subject == word else subject for subject in people]
    assert list(known_subjects(table(400, subject=people))) == empty
    rows, without_word = table(400, subject=people), table(400, subject=empty)
    assert list(assign_splits(rows, STABLE)) == list(assign_splits(without_word, STABLE))
    in_two_splits = table(2, subject=[word, word], split=["train", "val"])
    assert list(assign_splits(in_two_splits, OFFICIAL)) == ["train", "val"]


def test_nobody_is_removed_by_a_word_for_not_known(workspace, params):
    (workspace / "faces").mkdir()
    params["dataset"] = {"labels": "labels.csv", "images": "faces"}
    write_params(workspace, params)
    write_csv(workspace / "labels.csv", table(3, subject=["unknown", "unknown", "ann"]).drop(columns="photo"))
    write_csv(workspace / "data/labels/splits.csv", table(3, subject=["unknown", "unknown", "ann"]))
    with pytest.raises(UserError, match="'unknown' stands for all.*--files"):
        remove_person(workspace / "removed.txt", subject="unknown")


@pytest.mark.parametrize("subject", ["0", "Nan Goldin", "anna", "n", "unknown 7", "\u9234\u6728"])
def test_a_name_stays_a_person(subject):
    assert list(known_subjects(table(1, subject=[subject]))) == [subject]


def told(subjects: list[str], official: list[str] | None = None) -> list[str]:
    rows = table(len(subjects), subject=subjects, picture=range(len(subjects)))
    return warnings(rows.assign(split=official), OFFICIAL) if official else warnings(split(rows), STABLE)


def test_one_subject_that_outweighs_a_split_is_told_and_so_are_missed_shares():
    many = told([f"p{number}" if number < 200 else "0" for number in range(1000)])
    assert any("train/val/test have " in line and "60/20/20% was asked for" in line for line in many)
    assert any("subject '0' has 800 of the " in line and "leave the cell empty" in line for line in many)
    assert told([f"p{number // 2}" for number in range(1000)]) == told([""] * 1000) == told(["unknown"] * 1000) == []


def test_a_person_with_just_half_of_a_split_is_not_told():
    halves = ["ann", "ann", "bob", "cy", "di", "ed"]
    assert told(halves, ["val"] * 4 + ["train"] * 2) == []
    assert "subject 'ann' has 2 of the 3 photos of split 'val'" in told(halves, ["val"] * 3 + ["train"] * 3)[0]


def test_an_official_split_that_is_not_used_is_said(workspace, params, capsys):
    write_params(workspace, params)
    hashes = np.random.default_rng(1).integers(0, 256, (200, 32), dtype=np.uint8)
    rows = table(200, split=["train"] * 200).assign(perceptual_hash=[row.tobytes().hex() for row in hashes])
    write_csv(workspace / "data/labels/clean.csv", rows)
    split_stage()
    assert "column 'split' is not used" in capsys.readouterr().out
    assert set(read_rows(workspace / "data/labels/splits.csv")["split"]) == {"train", "val", "test"}


def test_a_tiny_validation_set_is_one_line_that_says_what_to_do(workspace, params):
    for number in range(20):
        write_photo(workspace / f"faces/{number}.jpg", number)
    (workspace / "labels.csv").write_text("file_name,real_age\n" + "".join(f"{n}.jpg,{20 + n}\n" for n in range(20)))
    params["dataset"] = {"labels": "labels.csv", "images": "faces"}
    write_params(workspace, params)
    assert run_stages(workspace, "scan", "validate").returncode == 0
    assert_one_line_error(run_module("stages.split", workspace), "split 'val' has", "fewer than 10", "add photos")
    assert not (workspace / "data/labels/splits.csv").exists()
