"""Find the objects of a commit that the remote lacks: `realage remote check [REV]`.

DVC looks up most objects in an index on this machine, and takes a folder's list of files in the remote as proof of its
files. After an interrupted push both can be wrong. So this command asks the remote for each object.
"""

import json
import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from dvc.config import NoRemoteError
from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo

from realage.core.digests import md5_of
from realage.core.errors import UserError
from realage.history.revisions import resolve

FOLDER = ".dir"  # the end of the digest of a folder's list of files


class Out(NamedTuple):
    """An out that DVC keeps: its path, the digest that the commit records for it, and its own remote, if it has one."""

    path: str
    digest: str
    algorithm: str
    remote: str | None


class Held(NamedTuple):
    """What the remote has of an out: digests. `unlisted` if nobody here knows the files of the folder."""

    out: Out
    needed: set[str]
    missing: set[str]
    unlisted: bool
    in_cache: set[str]  # of the missing
    address: str  # of the out's object in the remote

    @property
    def misleads(self) -> bool:
        """Whether the remote has a folder's list but not all of its files."""
        return bool(self.missing) and self.out.digest.endswith(FOLDER) and self.out.digest not in self.missing


def check_remote(revision: str | None = None) -> None:
    """Print which objects of `revision`, or of the working tree, its remote lacks; exit status 1 if it lacks any.

    Nothing is changed. Raises UserError outside a DVC project, without a remote, and if the remote cannot be asked.
    """
    commit = resolve(revision) if revision is not None else None
    try:
        with Repo() as repo:
            outs, unrecorded = _outs(repo, commit.commit if commit else None)
            held = [_ask(repo, out) for out in outs]
            index = Path(repo.site_cache_dir, "index")
    except NotDvcRepoError as error:
        raise UserError(f"{error}: run this in the project's folder") from None
    except NoRemoteError:
        raise UserError("no default remote: add one with 'dvc remote add -d NAME URL' (docs/remotes.md)") from None
    except Exception as error:  # the libraries behind remotes raise more exceptions than DVC documents
        raise UserError(f"DVC cannot ask the remote: {error or type(error).__name__}: see docs/remotes.md") from error
    _report(commit.name if commit else "the working tree", held, unrecorded, index)


def _outs(repo: Repo, commit: str | None) -> tuple[list[Out], list[str]]:
    """The outs that a push of `commit`, or of the working tree, covers, and paths of those without a digest."""
    with repo.switch(commit) if commit else nullcontext():
        outs = [out for out in repo.index.outs if out.use_cache and out.can_push and not out.stage.is_repo_import]
        recorded = {
            Out(str(out.fs.relpath(out.fs_path, repo.root_dir)), out.hash_info.value, out.hash_name, out.remote)
            for out in outs
            if out.hash_info
        }
        return sorted(recorded), [str(out) for out in outs if not out.hash_info]


def _ask(repo: Repo, out: Out) -> Held:
    remote = repo.cloud.get_remote_odb(out.remote, "remote check", hash_name=out.algorithm)
    cache = repo.cache.local if out.algorithm == "md5" else repo.cache.legacy
    files = _files(out, cache, remote) if out.digest.endswith(FOLDER) else set()
    needed = {out.digest, *(files or ())}
    # Not `oids_exist`: in a folder remote, it deletes the objects that it takes for damaged.
    missing = needed - set(remote.list_oids_exists(sorted(needed)))
    in_cache = set(cache.list_oids_exists(sorted(missing)))
    address = remote.fs.unstrip_protocol(remote.oid_to_path(out.digest))
    return Held(out, needed, missing, files is None, in_cache, address)


def _files(out: Out, *stores: Any) -> set[str] | None:
    """The digests of a folder's files, from the first store with a sound list of them; None if there is none."""
    for store in stores:
        try:
            with store.fs.open(store.oid_to_path(out.digest), "rb") as stream:
                contents = stream.read()
        except FileNotFoundError:
            continue
        if md5_of(contents) + FOLDER == out.digest:
            return {entry["md5"] for entry in json.loads(contents)}
    return None


def _report(name: str, held: list[Held], unrecorded: list[str], index: Path) -> None:
    needed, missing, in_cache = (
        set().union(*(getattr(out, digests) for out in held)) for digests in ("needed", "missing", "in_cache")
    )
    problems = [f"{path}: no hash is recorded: run 'dvc repro' and commit" for path in unrecorded]
    for out in held:
        if out.missing:
            problems.append(f"{out.out.path}: {len(out.missing):,} of {len(out.needed):,} objects are missing")
        if out.unlisted:
            problems.append(f"{out.out.path}: its list of files is neither here nor in the remote: more may be missing")
    if not problems:
        print(f"remote check: the remote has all {len(needed):,} objects of {name}")
        return
    print("\n".join(problems))
    print(f"\nremote check: the remote lacks {len(missing):,} of {len(needed):,} known objects of {name}")
    if missing and missing == needed:
        print("It has none: nobody pushed them, or the store is not mounted, is not running, or is another one.")
    if missing != in_cache or any(out.unlisted for out in held):
        print(f"The cache here has {len(in_cache):,} of these. Run this command where the cache has all.")
    elif missing:
        print("The cache here has all of these. These commands mend the remote:")
        print("\n".join(_cure(held, index)))
    sys.exit(1)


def _cure(held: list[Held], index: Path) -> list[str]:
    misleading = sorted({out.address for out in held if out.misleads})
    return [
        f"  rm -rf {shlex.quote(str(index))}    # DVC's index of remotes; DVC makes a new one",
        *(f"  {_remove(address)}    # a list of files, some of which are missing" for address in misleading),
        "  dvc push",
        "  realage remote check",
    ]


def _remove(address: str) -> str:
    if "://" in address:
        return f"# with the store's own tool, delete {address}"
    return f"rm {shlex.quote(address)}"
