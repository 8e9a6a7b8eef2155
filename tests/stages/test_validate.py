"""`python -m stages.validate` and `python -m stages.check` on what people's label files and folders of photos hold."""

import errno
import io
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import (
    ENVIRONMENT,
    PROJECT,
    assert_one_line_error,
    call_stages,
    run_stages,
    run_tool,
    write_params,
    write_photo,
)
from PIL import Image, ImageOps

from realage.core.errors import UserError
from realage.core.files import from_parquet, read_json, to_parquet
from realage.labels.rules import RULES
from realage.photos.decode import load_photo
from realage.photos.parallel import MANY, map_photos
from realage.photos.scan import COLUMNS
from stages.check import check
from stages.scan import scan
from stages.validate import validate as validate_stage

NFC, NFD = "caf\u00e9.jpg", "cafe\u0301.jpg"


def validate() -> None:
    scan()
    validate_stage()


def noise(seed: int, mode: str = "RGB") -> Image.Image:
    shape = (48, 64, len(Image.new(mode, (1, 1)).getbands()))
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8).squeeze(), mode)


def write_usable_photos(faces: Path) -> list[str]:
    """Photos of every kind that can be used; their names."""
    noise(1).save(faces / "gif.jpg", "GIF")
    noise(2).save(faces / "png.jpg", "PNG")
    noise(3).save(faces / "webp.jpg", "WEBP")
    noise(4, "CMYK").save(faces / "cmyk.jpg")
    noise(5, "L").save(faces / "grey.jpg")
    noise(6, "RGBA").save(faces / "alpha.png")
    Image.fromarray(np.random.default_rng(7).integers(0, 65536, (48, 64), dtype=np.uint16)).save(faces / "16 bit.png")
    noise(8).save(faces / "animated.gif", save_all=True, append_images=[noise(9)])
    exif = Image.Exif()
    exif[0x0112] = 6
    noise(10).save(faces / "rotated.jpg", exif=exif)
    (faces / ".store").mkdir()
    noise(11).save(faces / ".store/inside.jpg")
    (faces / "link inside.jpg").symlink_to(".store/inside.jpg")
    noise(12).resize((32, 40)).save(faces / "as small as allowed.TIFF")
    noise(13).save(faces / "progressive.jpg", progressive=True)
    exif[0x0112], exif[0x010F] = 6, 7  # a maker's name that is a number
    noise(14).save(faces / "odd tag.jpg", exif=exif)
    noise(15).save(faces / "Screenshot 9.41\u202fAM.png")
    noise(16).save(faces / "web.jfif", "JPEG")
    noise(17).save(faces / "OLD.JPE", "JPEG")
    noise(18).save(faces / "no suffix", "WEBP")
    noise(19).save(faces / "turned.tif", exif=exif)
    return sorted(path.name for path in faces.iterdir() if path.name != ".store")


def many_scans(path: Path) -> None:
    """A small progressive JPEG that repeats its last scan: every repetition costs as much as all pixels."""
    noise(27).save(path, progressive=True)
    contents = path.read_bytes()
    last = contents[contents.rindex(b"\xff\xda") : -2]
    path.write_bytes(contents[:-2] + 200 * last + contents[-2:])


def write_useless_photos(faces: Path, outside: Path) -> dict[str, tuple[str, str]]:
    """Photos that must be rejected; the rule and a word of the reason by name."""
    noise(20).save(faces / "cut.jpg")
    (faces / "cut.jpg").write_bytes((faces / "cut.jpg").read_bytes()[:900])
    (faces / "empty.jpg").touch()
    (faces / "text.jpg").write_text("no photo")
    noise(21).save(faces / "script.jpg", "EPS")
    Image.new("1", (30_000, 30_000)).save(faces / "bomb.png")
    (faces / "folder.jpg").mkdir()
    os.mkfifo(faces / "pipe.jpg")
    Image.new("RGB", (1, 1)).save(faces / "dot.jpg")
    noise(22).save(outside / "secret.jpg")
    (faces / "link.jpg").symlink_to(outside / "secret.jpg")
    (faces / "broken link.jpg").symlink_to("nowhere.jpg")
    (faces / "loop.jpg").symlink_to("loop.jpg")
    beside = faces.with_name(f"{faces.name}2")
    beside.mkdir()
    noise(23).save(beside / "a.jpg")
    (faces / "link beside.jpg").symlink_to(beside / "a.jpg")
    noise(24).save(faces / "bitmap.jpg", "PPM")
    noise(25).save(faces / "icon.png", "ICO")
    Image.new("1", (7_100, 7_100)).save(faces / "large.png")
    noise(26).resize((800, 31)).save(faces / "narrow.jpg")
    many_scans(faces / "scans.jpg")
    (faces / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic".ljust(200, b"\0"))
    noise(28).save(faces / "picture", "AVIF")
    noise(29).save(faces / "camera.DNG", "TIFF")
    for seed, name in enumerate(("Case.jpg", "case.jpg", NFC, NFD), start=30):
        noise(seed).save(faces / name)
    return {
        "cut.jpg": ("unreadable_photo", "truncated"),
        "empty.jpg": ("unreadable_photo", "replace"),
        "text.jpg": ("unreadable_photo", "replace"),
        "script.jpg": ("unreadable_photo", "replace"),
        "bomb.png": ("unreadable_photo", "30000x30000"),
        "folder.jpg": ("unreadable_photo", "not a file"),
        "pipe.jpg": ("unreadable_photo", "not a file"),
        "broken link.jpg": ("unreadable_photo", "not a file"),
        "loop.jpg": ("unreadable_photo", "not a file"),
        "link beside.jpg": ("unsafe_path", "link that leaves"),
        "bitmap.jpg": ("unreadable_photo", "cannot be decoded"),
        "icon.png": ("unreadable_photo", "cannot be decoded"),
        "large.png": ("unreadable_photo", "7100x7100"),
        "narrow.jpg": ("too_small", "800x31"),
        "scans.jpg": ("unreadable_photo", "scans"),
        "phone.HEIC": ("unreadable_photo", "HEIC is not read: convert it to JPEG"),
        "picture": ("unreadable_photo", "AVIF is not read: convert it to JPEG"),
        "camera.DNG": ("unreadable_photo", "raw file is not read: convert it to JPEG"),
        "dot.jpg": ("too_small", "1x1"),
        "link.jpg": ("unsafe_path", "link that leaves"),
        "Case.jpg": ("unsafe_path", "case.jpg"),
        "case.jpg": ("unsafe_path", "Case.jpg"),
        NFC: ("unsafe_path", NFD),
        NFD: ("unsafe_path", NFC),
    }


@pytest.fixture
def faces(workspace: Path, params: dict) -> Path:
    """An empty folder of photos that params.yaml names, `labels.csv` beside it; anything may be rejected."""
    (workspace / "faces").mkdir()
    params["dataset"] = {"labels": "labels.csv", "images": "faces"}
    params["validate"]["max_rejected"] = 1.0
    write_params(workspace, params)
    return workspace / "faces"


def write_labels(faces: Path, rows: list[str]) -> None:
    faces.with_name("labels.csv").write_text("\n".join(["file_name,real_age", *rows]) + "\n", encoding="utf-8")


def read_results() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clean and rejected rows, cells as text."""
    return tuple(
        pd.read_csv(f"data/labels/{name}.csv", dtype=str, keep_default_na=False) for name in ("clean", "rejected")
    )


def test_a_label_that_is_a_formula_is_text_in_the_list_for_people_and_unchanged_in_the_data(faces):
    write_photo(faces / "=1+1.jpg", 1)
    write_photo(faces / "@anna.jpg", 2)
    write_labels(faces, ["=1+1.jpg,30", "@anna.jpg,=2+5", "-2.jpg,-1.5"])
    validate()
    clean, rejected = read_results()
    assert list(clean["file_name"]) == ["=1+1.jpg"]
    assert [(row.file_name, row.real_age) for row in rejected.itertuples()] == [
        ("'@anna.jpg", "'=2+5"),
        ("'-2.jpg", "-1.5"),
    ]


def test_every_kind_of_photo_is_used_or_listed_with_its_reason(workspace, faces, tmp_path_factory):
    usable = write_usable_photos(faces)
    useless = write_useless_photos(faces, tmp_path_factory.mktemp("outside"))
    write_labels(faces, [f"{name},{30 + n}" for n, name in enumerate([*usable, *useless])])
    done = call_stages(workspace, "scan", "validate")
    assert done.returncode == 0, done.stderr
    clean, rejected = read_results()
    assert sorted(clean["file_name"]) == usable
    assert sorted(rejected["file_name"]) == sorted(useless)
    for row in rejected.itertuples():
        rule, word = useless[row.file_name]
        assert row.rule == rule and word in row.detail, row


def test_the_scan_says_how_many_files_it_passed_over(faces, capsys):
    write_photo(faces / "a.jpg", 1)
    (faces / "Thumbs.db").touch()
    scan()
    assert capsys.readouterr().out.splitlines() == ["scan: 1 photos, 0 cannot be used"]
    (faces / "notes.txt").touch()
    (faces / "film.mov").touch()
    scan()
    assert capsys.readouterr().out.splitlines()[1:] == [
        "scan: passed over 2 files that are no photos, such as film.mov"
    ]


def test_a_photo_that_cannot_be_read_and_has_no_row_is_listed_and_no_other_file_is(faces):
    write_photo(faces / "a.jpg", 1)
    (faces / "b.heic").touch()
    (faces / "notes.txt").touch()
    write_labels(faces, ["a.jpg,30"])
    validate()
    _, rejected = read_results()
    assert rejected[["file_name", "rule"]].to_numpy().tolist() == [["b.heic", "unlabelled_photo"]]


def test_another_limit_of_megapixels_decodes_again_what_it_concerns(workspace, params, faces):
    Image.new("RGB", (1_200, 1_000)).save(faces / "a.png")
    Image.new("RGB", (1_200, 1_000), "red").save(faces / "b.jpg")
    sizes = []
    for params["prepare"]["max_megapixels"] in (1, 2):
        write_params(workspace, params)
        scan()
        table = from_parquet(Path("data/photos.parquet").read_bytes(), "table")
        sizes.append(table[["width", "height"]].to_numpy().tolist())
    assert sizes == [[[0, 0], [600, 500]], [[1_200, 1_000], [1_200, 1_000]]]


def test_what_a_usable_photo_looks_like(faces):
    write_usable_photos(faces)
    assert load_photo(faces / "rotated.jpg").shape == load_photo(faces / "odd tag.jpg").shape == (64, 48, 3)
    assert load_photo(faces / "turned.tif").shape == (64, 48, 3)
    assert abs(load_photo(faces / "animated.gif").astype(int) - np.array(noise(8))).mean() < 40
    assert abs(int(load_photo(faces / "16 bit.png").mean()) - 127) <= 5
    assert (load_photo(faces / "alpha.png") == np.array(noise(6, "RGBA"))[:, :, :3]).all()


def test_names_that_point_elsewhere_are_never_opened(workspace, faces, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    write_photo(faces / "good.jpg", 1)
    write_photo(faces.parent / "secret.jpg", 2)
    write_photo(outside / "secret.jpg", 3)
    (faces / "linked folder").symlink_to(outside)
    names = ["../secret.jpg", str(outside / "secret.jpg"), "sub/../../secret.jpg", "..\\secret.jpg", "C:secret.jpg"]
    write_labels(faces, ["good.jpg,30", *(f"{name},40" for name in names), "linked folder/secret.jpg,50", "a\0b.jpg,3"])
    validate()
    clean, rejected = read_results()
    assert list(clean["file_name"]) == ["good.jpg"]
    rules = dict(zip(rejected["file_name"], rejected["rule"]))
    assert rules == {**dict.fromkeys([*names, "a\0b.jpg"], "unsafe_path"), "linked folder/secret.jpg": "missing_photo"}


def test_identical_pixels_of_one_age_keep_one_and_of_two_ages_none(faces):
    for name, seed in {"a.png": 1, "b.png": 1, "c.png": 2, "d.png": 2, "e.png": 3}.items():
        write_photo(faces / name, seed)
    write_labels(faces, ["a.png,20", "b.png,20.0", "c.png,30", "d.png,31", "e.png,40"])
    validate()
    clean, rejected = read_results()
    assert list(clean["file_name"]) == ["a.png", "e.png"]
    assert {row.file_name: (row.rule, row.detail) for row in rejected.itertuples()} == {
        "b.png": ("duplicate_photo", "row 3: same pixels and age as a.png, which is kept: delete this row and photo"),
        "c.png": ("conflicting_label", "row 4: same pixels as d.png (age 31): find out which age is right"),
        "d.png": ("conflicting_label", "row 5: same pixels as c.png (age 30): find out which age is right"),
    }


def test_the_to_do_list_names_the_row_the_work_and_comes_sorted_by_it(faces):
    for seed, name in enumerate(("a.jpg", "b.jpg", "c.jpg", "d.jpg")):
        write_photo(faces / name, seed)
    write_labels(faces, ["a.jpg,30", "", "a.jpg,30.0", "b.jpg,4o", "gone.jpg,5", "c.jpg,130", "b.jpg,40"])
    validate()
    clean, rejected = read_results()
    assert list(clean["file_name"]) == ["a.jpg", "b.jpg"]
    assert rejected.to_dict("split")["data"] == [
        ["gone.jpg", "5", "missing_photo",
         "row 6: no such photo (.jpg, .png, ...) in the folder: add it or delete the row"],
        ["d.jpg", "", "unlabelled_photo", "no row names this photo: add its age or delete it"],
        ["a.jpg", "30.0", "repeated_row", "row 4: same file and age as row 2: delete this one"],
        ["b.jpg", "4o", "not_a_number", "row 5: write the age in years, like 25 or 25.5"],
        ["c.jpg", "130", "out_of_range", "row 7: not from 0 to 120 years: correct the age"],
    ]  # fmt: skip
    assert [rule for rule in RULES if rule in set(rejected["rule"])] == list(dict.fromkeys(rejected["rule"]))


def test_many_rows_of_one_name_stay_readable_and_quick(faces):
    write_photo(faces / "a.jpg", 1)
    write_labels(faces, [f"a.jpg,{n % 100}" for n in range(20_000)])
    with pytest.raises(Exception, match="every row"):
        validate()
    _, rejected = read_results()
    assert len(rejected) == 20_000 and rejected["detail"].str.len().max() < 200
    assert rejected["detail"][0].endswith("and more: keep the row with the right age")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_as_their_exif_says(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise(1).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        assert (load_photo(tmp_path / "a.png") == np.array(ImageOps.exif_transpose(image))).all()


def test_a_link_that_leaves_is_refused_in_a_dvc_project_too(workspace, faces, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "a.jpg"
    write_photo(outside, 1)
    write_photo(faces / "b.jpg", 2)
    (faces / "a.jpg").symlink_to(outside)
    write_labels(faces, ["a.jpg,30", "b.jpg,31"])
    run_tool(workspace, "git", "init", "-q")
    run_tool(workspace, "dvc", "init", "-q")
    assert call_stages(workspace, "scan", "validate").returncode == 0
    assert list(read_results()[1]["rule"]) == ["unsafe_path"]


def test_a_name_that_is_almost_right_is_told_the_right_one(faces):
    for seed, name in enumerate(("IMG_1.JPG", NFC, "sub/a.jpg", "STRASSE.jpg")):
        write_photo(faces / name, seed)
    write_labels(faces, ["img_1.jpg,30", f"{NFD},31", "./sub/a.jpg,32", "stra\u00dfe.jpg,33", "else.jpg,34"])
    validate()
    clean, rejected = read_results()
    details = rejected.set_index("file_name")["detail"]
    meant = {"img_1.jpg": "IMG_1.JPG", "./sub/a.jpg": "sub/a.jpg", "stra\u00dfe.jpg": "STRASSE.jpg"}
    for wrong, right in meant.items():
        assert f"but there is {right}: write it so" in details[wrong]
    assert "add it or delete" in details["else.jpg"] and len(rejected) == 4
    assert list(clean["file_name"]) == [NFC]


def test_a_mistake_in_all_names_is_one_line_and_counted_once(workspace, faces):
    for seed in range(12):
        write_photo(faces / f"{seed:06d}.jpg", seed)
    write_labels(faces, [f"/data/final_files/{seed:06d}.jpg,{seed}" for seed in range(12)])
    done = call_stages(workspace, "scan", "validate")
    assert_one_line_error(done, "all 12 rows name their photo with a folder in front (row 2:", "relative to")
    _, rejected = read_results()
    assert set(rejected["rule"]) == {"unsafe_path"} and len(rejected) == 12
    assert all(f"but there is {row.file_name[-10:]}: write it so" in row.detail for row in rejected.itertuples())


def test_a_mistake_in_most_names_is_told_before_the_counts(workspace, faces):
    for seed in range(12):
        write_photo(faces / f"{seed:06d}.jpg", seed)
    write_labels(faces, ["000000.jpg,1", *(f"{seed},{seed}" for seed in range(1, 12))])
    done = call_stages(workspace, "scan", "validate")
    assert done.returncode == 0 and "1 clean rows, 11 rejected" in done.stdout
    assert "validate: warning: 11 of 12 rows name their photo without its suffix" in done.stderr


def test_an_unsafe_photo_is_unsafe_whatever_else_is_wrong_with_its_row(faces):
    for seed, name in enumerate(("Case.jpg", "case.jpg", "good.jpg")):
        write_photo(faces / name, seed)
    write_labels(faces, ["good.jpg,3", "Case.jpg,abc", "case.jpg,30", "case.jpg,30"])
    validate()
    assert set(read_results()[1]["rule"]) == {"unsafe_path"}


def test_the_data_version_is_that_of_ages_and_pixels_and_not_of_rows_order(faces):
    def version(*rows: str) -> str:
        write_labels(faces, list(rows))
        validate()
        return read_json(Path("metrics/validate.json"))["data_version"]

    write_photo(faces / "a.png", 1)
    write_photo(faces / "b.png", 2)
    first = version("a.png,30", "b.png,40")
    assert version("b.png,40", "a.png,30.0") == first
    assert version("a.png,31", "b.png,40") != first
    write_photo(faces / "b.png", 3)
    assert version("a.png,30", "b.png,40") != first


def test_a_share_of_rejections_that_is_just_allowed_passes(workspace, params, faces):
    write_photo(faces / "a.jpg", 1)
    write_labels(faces, ["a.jpg,30", "gone.jpg,30"])
    params["validate"]["max_rejected"] = 0.5
    write_params(workspace, params)
    validate()


@pytest.fixture
def without_rights(monkeypatch):
    """Called, it makes Python refuse to open what is named 'locked': the rights of a file would not stop root."""

    def refuse_open(event: str, arguments: tuple) -> None:
        if active and event in ("open", "os.scandir") and "locked" in str(arguments[0]):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(arguments[0]))

    active = []
    sys.addaudithook(refuse_open)
    monkeypatch.setattr(os, "access", lambda path, mode: "locked" not in str(path))
    yield lambda: active.append(True)
    active.clear()


@pytest.mark.parametrize("name", ["locked.jpg", "locked/a.jpg"])
def test_what_may_not_be_read_stops_the_run_and_is_no_fault_of_the_photo(faces, without_rights, name):
    write_photo(faces / "a.jpg", 1)
    (faces / name).parent.mkdir(exist_ok=True)
    (faces / name).touch()
    write_labels(faces, ["a.jpg,30", f"{name},40"])
    without_rights()
    for stage in (validate, check):
        with pytest.raises((PermissionError, UserError), match="locked"):
            stage()
    assert not Path("data/labels/rejected.csv").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process to a limit of memory")
def test_too_little_memory_is_no_fault_of_the_photo(workspace, faces):
    Image.new("RGB", (6_000, 6_000)).save(faces / "a.png")
    write_labels(faces, ["a.png,30"])
    # One decoded photo of this size takes 108 MB, and it is there twice at least.
    code = """if True:
        import resource
        from realage.runner.command import run
        from stages.scan import scan
        now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + 200_000_000,) * 2)
        run(scan)"""
    environment = {**ENVIRONMENT, "PYTHONPATH": str(PROJECT), "REALAGE_WORKERS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert_one_line_error(done, "a.png: not enough memory", "REALAGE_WORKERS")


def test_a_worker_process_that_is_killed_is_one_line(faces):
    def killed(number: int) -> None:
        if number == 70:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(UserError, match="look: a worker process was killed.*REALAGE_WORKERS"):
        list(map_photos(killed, range(MANY), "look"))


def test_links_into_dvcs_cache_are_no_stray_ones(workspace, faces):
    for seed in range(3):
        write_photo(faces / f"{seed}.jpg", seed)
    write_labels(faces, [f"{seed}.jpg,{30 + seed}" for seed in range(3)])
    run_tool(workspace, "git", "init", "-q")
    run_tool(workspace, "dvc", "init", "-q")
    run_tool(workspace, "dvc", "cache", "dir", "--local", str(workspace.parent / f"{workspace.name}-cache"))
    run_tool(workspace, "dvc", "config", "--local", "cache.type", "symlink")
    run_tool(workspace, "dvc", "add", "-q", "faces")
    assert (faces / "0.jpg").is_symlink()
    done = call_stages(workspace, "scan", "validate")
    assert done.returncode == 0 and len(read_results()[0]) == 3, done.stderr


@pytest.mark.parametrize("stages", [["check"], ["scan", "validate"]])
@pytest.mark.parametrize("what", ["labels", "images"])
def test_a_pipe_instead_of_labels_or_a_folder_is_refused_at_once(workspace, params, faces, stages, what):
    write_labels(faces, ["a.jpg,30"])
    write_photo(faces / "a.jpg", 1)
    os.mkfifo("pipe")
    params["dataset"] |= {what: "pipe"}
    write_params(workspace, params)
    assert_one_line_error(call_stages(workspace, *stages), "pipe", f"dataset.{what}")


def plant_pipe(path: Path) -> str:
    os.mkfifo(path / "x.jpg")
    return "x.jpg: not a file or folder"


def plant_pipe_that_is_no_photo(path: Path) -> str:
    (path / "sub").mkdir()
    os.mkfifo(path / "sub/notes")
    return "sub/notes: not a file or folder"


def plant_broken_link(path: Path) -> str:
    (path / "x.jpg").symlink_to("nowhere")
    return "x.jpg: a broken link"


def plant_link_to_itself(path: Path) -> str:
    (path / "x.jpg").symlink_to("x.jpg")
    return "x.jpg: a broken link"


def plant_name_that_is_no_utf8(path: Path) -> str:
    (path / os.fsdecode(b"\xff.txt")).touch()
    return "the name is not UTF-8"


def plant_name_with_a_line_end(path: Path) -> str:
    (path / "a\rb.jpg").touch()
    return "the name contains a line break"


@pytest.mark.parametrize("plant", [
    plant_pipe, plant_pipe_that_is_no_photo, plant_broken_link, plant_link_to_itself, plant_name_that_is_no_utf8,
    plant_name_with_a_line_end,
])  # fmt: skip
def test_check_refuses_what_dvc_would_hang_or_die_on(workspace, faces, plant):
    write_labels(faces, ["a.jpg,30"])
    write_photo(faces / "a.jpg", 1)
    words = plant(faces)
    assert_one_line_error(call_stages(workspace, "check"), "faces", words)


def test_check_accepts_a_sound_folder_linked_folders_and_all(workspace, faces):
    write_labels(faces, ["a.jpg,30"])
    write_photo(faces / "sub/a.jpg", 1)
    (faces / "sub/loop").symlink_to("..")
    done = call_stages(workspace, "check")
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_no_utf8_is_one_line_from_validate_too(workspace, faces):
    write_labels(faces, ["a.jpg,30"])
    (faces / os.fsdecode(b"\xff.jpg")).touch()
    assert_one_line_error(call_stages(workspace, "scan", "validate"), "not UTF-8", "rename")


def test_progress_is_shown_to_a_person(workspace, faces):
    for seed in range(40):
        write_photo(faces / f"{seed}.png", seed)
    write_labels(faces, [f"{seed}.png,{seed}" for seed in range(40)])
    terminal, other_end = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    environment = {**ENVIRONMENT, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "stages.scan"]
    subprocess.run(command, cwd=workspace, env=environment, stderr=other_end, check=True)
    shown = os.read(terminal, 4_096).decode()
    assert "scan photos: 100%" in shown and "40/40" in shown


def test_many_photos_are_shared_out_among_processes_to_the_same_bytes(workspace, faces):
    photo = io.BytesIO()
    noise(1).save(photo, "PNG")
    for number in range(MANY):
        # A PNG may be followed by anything; it is another file with the same pixels.
        (faces / f"{number}.png").write_bytes(photo.getvalue() + bytes(number))
    write_photo(faces / "other.png", 2)
    write_labels(faces, ["other.png,30", *(f"{number}.png,40" for number in range(MANY))])
    results = []
    for workers in ("1", "2"):
        done = run_stages(workspace, "scan", "validate", REALAGE_WORKERS=workers)
        assert done.returncode == 0 and "2 clean rows" in done.stdout, done.stderr
        results.append(Path("data/labels/rejected.csv").read_bytes())
    assert results[0] == results[1]


def test_a_mistake_seen_by_a_worker_process_is_one_line(workspace, faces):
    for number in range(MANY):
        (faces / f"{number}.jpg").touch()
    rows = [(f"{number}.jpg", "", "", "", f"{number:032x}", "", 1, 1, 0.0, 0.0, 0.0, 0.0) for number in range(MANY)]
    (workspace / "data").mkdir()
    (workspace / "data/photos.parquet").write_bytes(to_parquet(pd.DataFrame(rows, columns=COLUMNS)))
    assert_one_line_error(run_stages(workspace, "prepare"), ".jpg: usable when scanned", "dvc repro")
