"""docs/remotes.md, typed in word for word against real servers, and what DVC says when a remote is not as it should be.

Anna shares her photos; Bert clones what she has pushed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
from conftest import ENVIRONMENT, PROJECT, commands, flip_a_byte, run_dvc, run_module, run_tool, type_in, write_photo
from moto.core import enable_iam_authentication
from moto.server import ThreadedMotoServer

from realage.core.digests import file_md5

PAGE = "docs/remotes.md"


@dataclass
class Remote:
    setup: list[str]
    """The page's headings."""
    variables: dict[str, str]
    """What the blocks under them leave open."""
    objects: Callable[[], set[str]]
    delete: Callable[[str], object]
    reader: dict[str, str] = field(default_factory=dict)
    """Environment of a colleague who may only read."""
    refusal: str = ""
    """What DVC says when that colleague pushes."""


def photograph(project: Path, numbers: range) -> None:
    for number in numbers:
        write_photo(project / f"data/faces/final_files/{number}.jpg", seed=number)
    with (project / "data/faces/labels.csv").open("a") as labels:
        labels.writelines(f"{number}.jpg,{20 + number}\n" for number in numbers)


def data(project: Path) -> dict[Path, bytes]:
    faces = project / "data/faces"
    return {path.relative_to(faces): path.read_bytes() for path in faces.rglob("*") if path.is_file()}


def share(anna: Path, remote: Remote) -> None:
    blocks = [commands(PAGE, heading) for heading in [*remote.setup, "## The first push"]]
    type_in(anna, "".join(blocks), **remote.variables)


def share_more(anna: Path) -> None:
    photograph(anna, range(20, 23))
    type_in(anna, commands(PAGE, "## A new version"))


def colleague(anna: Path, **environment: str) -> Path:
    type_in(anna.parent, commands(PAGE, "## A colleague"), ORIGIN="origin", **environment)
    return anna.parent / "realage"


def stored(project: Path, folder: Remote, number: int) -> Path:
    """The remote's object of a photo."""
    (md5, _) = run_tool(project, "dvc", "ls", "--show-hash", ".", f"data/faces/final_files/{number}.jpg").split()
    return Path(folder.variables["FOLDER"]) / "files/md5" / md5[:2] / md5[2:]


def assert_refused(said: str, project: Path, *command: str, **environment: str) -> None:
    before = data(project)
    done = run_dvc(project, *command, **environment)
    assert done.returncode != 0 and said in done.stderr and "Traceback" not in done.stderr, done.stdout + done.stderr
    assert data(project) == before


def assert_checked(project: Path, remote: Remote) -> None:
    """A whole remote passes `realage remote check`, with no more rights than reading; one with a gap does not."""
    done = run_module("realage", project, "remote", "check", **remote.reader)
    assert done.returncode == 0 and "has all 25 objects" in done.stdout, done.stdout + done.stderr
    md5 = file_md5(project / "data/faces/final_files/7.jpg")
    remote.delete(next(name for name in remote.objects() if name.endswith(f"{md5[:2]}/{md5[2:]}")))
    done = run_module("realage", project, "remote", "check", **remote.reader)
    assert done.returncode == 1 and "data/faces: 1 of 25 objects are missing" in done.stdout, done.stderr
    (the_list,) = re.findall(r"(\w+)\.dir", (project / "data/faces.dvc").read_text())
    assert f"/files/md5/{the_list[:2]}/{the_list[2:]}.dir" in done.stdout


@pytest.fixture(scope="module")
def photographed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anna's project, 20 photos under DVC and no remote, beside the Git repository that she pushes to."""
    folder = tmp_path_factory.mktemp("photographed")
    run_tool(folder, "git", "init", "-q", "--bare", "-b", "main", "origin")
    run_tool(folder, "git", "clone", "-q", "origin", "anna")
    project = folder / "anna"
    run_tool(project, "git", "remote", "set-url", "origin", "../origin")
    run_tool(project, "dvc", "init", "-q")
    shutil.copy(PROJECT / ".dvc/config", project / ".dvc/config")
    shutil.copy(PROJECT / ".gitattributes", project)
    photograph(project, range(20))
    run_tool(project, "dvc", "add", "-q", "data/faces")
    run_tool(project, "git", "add", "-A")
    run_tool(project, "git", "commit", "-qm", "Photos")
    return folder


@pytest.fixture
def anna(photographed: Path, tmp_path: Path) -> Path:
    shutil.copytree(photographed, tmp_path, dirs_exist_ok=True)
    return tmp_path / "anna"


@pytest.fixture
def folder(tmp_path: Path) -> Remote:
    path = tmp_path / "remote"
    path.mkdir()
    objects = lambda: {str(file) for file in path.rglob("*") if file.is_file()}  # noqa: E731
    return Remote(["## A folder"], {"FOLDER": str(path)}, objects, os.unlink)


@pytest.fixture
def http(folder: Remote) -> Iterator[Remote]:
    """A web server that knows GET and HEAD only, over a folder remote."""
    handler = partial(SimpleHTTPRequestHandler, directory=folder.variables["FOLDER"])
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = {"URL": f"http://127.0.0.1:{server.server_port}"}
        variables = folder.variables | address
        yield Remote(["## HTTP, to read only"], variables, folder.objects, folder.delete, {}, "501, message=")
        server.shutdown()


@pytest.fixture(scope="module")
def s3() -> Iterator[Remote]:
    """A server that holds every request against keys, signatures and rights."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())

    def client(service: str, key: str = "any", secret: str = "any"):
        return boto3.client(service, "us-east-1", None, True, None, address, key, secret)

    def key(user: str, *actions: str) -> tuple[str, str]:
        users = client("iam")
        rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        users.create_user(UserName=user)
        users.put_user_policy(UserName=user, PolicyName="rights", PolicyDocument=json.dumps(rights))
        made = users.create_access_key(UserName=user)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def objects() -> set[str]:
        return {found["Key"] for found in client("s3", *writer).list_objects_v2(Bucket="faces").get("Contents", [])}

    def delete(name: str) -> None:
        client("s3", *writer).delete_object(Bucket="faces", Key=name)

    client("s3").create_bucket(Bucket="faces")
    writer, reader = key("anna", "s3:*"), key("bert", "s3:GetObject", "s3:ListBucket")
    variables = {"BUCKET": "faces", "ENDPOINT": address, "KEY_ID": writer[0], "SECRET": writer[1]}
    environment = {"AWS_ACCESS_KEY_ID": reader[0], "AWS_SECRET_ACCESS_KEY": reader[1]}
    with enable_iam_authentication():
        yield Remote(["## S3", "## Keys stay out of Git"], variables, objects, delete, environment, "Access Denied")
    server.stop()


@pytest.mark.parametrize("kind", ["folder", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("s3", "http"))])
def test_a_colleague_gets_the_same_bytes_and_a_new_version_uploads_only_what_is_new(anna, kind, request):
    remote = request.getfixturevalue(kind)
    share(anna, remote)
    bert = colleague(anna, **remote.reader)
    assert data(bert) == data(anna) and len(data(bert)) == 21

    before = remote.objects()
    share_more(anna)
    assert before < remote.objects() and len(remote.objects() - before) == 5
    type_in(bert, "git pull -q\ndvc pull", **remote.reader)
    assert data(bert) == data(anna) and len(data(bert)) == 24
    assert_checked(bert, remote)

    if remote.refusal:
        before = remote.objects()
        photograph(bert, range(30, 31))
        run_tool(bert, "dvc", "add", "-q", "data/faces")
        assert_refused(remote.refusal, bert, "push", **remote.reader)
        assert remote.objects() == before


def test_keys_are_in_no_file_that_git_has_and_no_other_user_reads_them(anna, s3):
    type_in(anna, "".join(commands(PAGE, heading) for heading in s3.setup), **s3.variables)
    run_tool(anna, "git", "add", "-A")
    run_tool(anna, "git", "commit", "-qm", "A remote")
    keys = [s3.variables["KEY_ID"], s3.variables["SECRET"]]
    local = anna / ".dvc/config.local"
    assert all(key in local.read_text() for key in keys) and local.stat().st_mode & 0o077 == 0
    history = run_tool(anna, "git", "log", "-p", "--all")
    assert "endpointurl" in history and not any(key in history for key in keys)


def test_a_wrong_key_is_refused_both_ways(anna, s3):
    type_in(anna, commands(PAGE, "## S3"), **s3.variables)
    wrong = s3.reader | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    assert_refused("unexpected error - Forbidden", anna, "push", **wrong)
    shutil.rmtree(anna / ".dvc/cache")
    assert_refused("failed to connect to s3", anna, "pull", **wrong)


def test_a_folder_that_one_may_not_write_is_named(anna, folder):
    type_in(anna, commands(PAGE, "## A folder"), **folder.variables)
    Path(folder.variables["FOLDER"]).chmod(0o555)
    # Root may write anywhere, unless it gives up that right.
    mortal = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    command = [*mortal, sys.executable, "-m", "dvc", "push"]
    done = subprocess.run(command, cwd=anna, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode != 0 and f"Permission denied: '{folder.variables['FOLDER']}" in done.stderr
    assert folder.objects() == set() and len(data(anna)) == 21


def test_the_group_may_write_into_the_folders_that_a_member_has_made(anna, folder):
    type_in(anna, "umask 022\n" + commands(PAGE, "## A folder") + "dvc push", **folder.variables)
    made = [path for path in Path(folder.variables["FOLDER"]).rglob("*") if path.is_dir()]
    assert made and all(path.stat().st_mode & 0o2070 == 0o2070 for path in made)


def test_no_remote_and_nothing_pushed_are_told_apart(anna, folder):
    assert_refused("no remote specified", anna, "push")
    type_in(anna, "git push -q")
    run_tool(anna.parent, "git", "clone", "-q", "origin", "bert")
    bert = anna.parent / "bert"
    assert_refused("No remote provided and no default remote set", bert, "pull")
    type_in(bert, commands(PAGE, "## A folder"), **folder.variables)
    assert_refused("Some of the cache files do not exist neither locally nor on remote", bert, "pull")


@pytest.mark.slow
def test_without_verify_a_damaged_object_is_handed_out_without_a_word(anna, folder):
    type_in(anna, commands(PAGE, "## A folder") + "git commit -qam Remote\ndvc push\ngit push -q", **folder.variables)
    flip_a_byte(stored(anna, folder, 7))
    bert = colleague(anna)
    assert data(bert).keys() == data(anna).keys() and data(bert) != data(anna)
    assert "up to date" in run_tool(bert, "dvc", "status")


DAMAGES = {"damaged": (flip_a_byte, "Is your cache up to date?"), "missing": (Path.unlink, "No such file or directory")}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_remote_stops_a_pull_loses_nothing_and_is_mended_as_the_page_says(anna, folder, damage):
    do_damage, said = DAMAGES[damage]
    share(anna, folder)
    bert = colleague(anna)
    old = data(bert)
    share_more(anna)
    do_damage(stored(anna, folder, 21))
    type_in(bert, "git pull -q")
    done = run_dvc(bert, "pull")
    assert done.returncode == 1 and said in done.stderr
    assert data(bert) == ({} if damage == "damaged" else old)
    assert re.findall(r"deleted: +(.*)", run_tool(bert, "dvc", "status", "-c")) == ["data/faces/final_files/21.jpg"]
    type_in(bert, "git checkout -q HEAD~1 && dvc checkout")
    assert data(bert) == old

    type_in(bert, "git checkout -q main")
    assert "Everything is up to date" in run_tool(anna, "dvc", "push")
    type_in(anna, commands(PAGE, "## A damaged remote"), **folder.variables)
    type_in(bert, "dvc pull")
    assert data(bert) == data(anna) and len(data(bert)) == 24


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounts need root rights")
def test_a_full_remote_says_so_keeps_whole_objects_only_and_takes_the_rest_once_there_is_room(anna, folder):
    disk = folder.variables["FOLDER"]
    type_in(anna, commands(PAGE, "## A folder") + "git commit -qam Remote\ngit push -q", **folder.variables)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", disk]).returncode:
        pytest.skip("no mounts on this machine")
    try:
        assert_refused("No space left on device", anna, "push")
        run_tool(anna, "mount", "-o", "remount,size=10m", disk)
        (cure,) = re.findall(r"`(find \$FOLDER .* -delete)`", (PROJECT / PAGE).read_text())
        assert any(name.endswith(".tmp") for name in folder.objects())
        type_in(anna, f"{cure}\ndvc push", **folder.variables)
        assert len(folder.objects()) == 22
        assert data(colleague(anna)) == data(anna)
    finally:
        run_tool(anna, "umount", disk)


def test_the_extras_are_pinned_at_the_version_that_the_requirements_have():
    (pinned,) = re.findall(r"^dvc==([\d.]+)", (PROJECT / "requirements.txt").read_text(), flags=re.MULTILINE)
    page = (PROJECT / PAGE).read_text()
    assert set(re.findall(r"dvc\[\w+\]==([\d.]+)", page)) == set(re.findall(r"DVC (\d[\d.]+\d)", page)) == {pinned}
