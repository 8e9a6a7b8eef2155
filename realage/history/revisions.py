"""Git revisions of this project."""

from collections.abc import Iterable
from typing import NamedTuple

from realage.core.errors import UserError, printable
from realage.core.params import LARGEST
from realage.core.programs import git


class Revision(NamedTuple):
    """A commit: as the user named it, such as 'v1.0 (6886890)', and its full hash."""

    name: str
    commit: str

    def read(self, file: str) -> bytes | None:
        """The contents of a file at this commit, by its path from the current folder; None if it is not there.

        Raises UserError if Git cannot read it.
        """
        there = git("ls-tree", self.commit, "--", file)
        return git("show", f"{self.commit}:./{file}") if there else None


def resolve(revision: str) -> Revision:
    """The commit that a tag, branch or other revision names.

    Raises UserError if there is none, or if Git cannot read the repository.
    """
    git("rev-parse", "--git-dir")  # fails for any other reason than an unknown revision
    try:
        # Git takes an empty revision for HEAD.
        found = revision and git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    except UserError:
        found = None
    if not found:
        raise UserError(
            f"{revision or 'empty revision'}: no such commit: run this in the project's folder; 'git log --oneline' "
            f"lists commits, 'git fetch --tags{_deeper()}' fetches the team's"
        )
    commit = found.decode().strip()
    return Revision(printable(f"{revision} ({commit[:7]})"), commit)


def read_each(commits: Iterable[str], file: str) -> dict[str, bytes]:
    """The contents of a file, by its path from the current folder, at each of `commits` that has it, by commit.

    It takes two processes for all of them. A file of more than LARGEST bytes, which nobody has written by hand or by a
    stage, counts as absent. Raises UserError if Git cannot read the repository.
    """
    commits = list(commits)
    asked = "".join(f"{commit}:./{file}\n" for commit in commits)
    answers = [line.split() for line in git("cat-file", "--batch-check", stdin=asked.encode()).splitlines()]
    blobs = {
        commit: answer[0]
        for commit, answer in zip(commits, answers)
        if len(answer) == 3 and answer[1] == b"blob" and int(answer[2]) <= LARGEST
    }
    contents = _read_blobs(sorted(set(blobs.values())))
    return {commit: contents[blob] for commit, blob in blobs.items()}


def _read_blobs(blobs: list[bytes]) -> dict[bytes, bytes]:
    output = git("cat-file", "--batch", stdin=b"".join(blob + b"\n" for blob in blobs))
    contents, start = {}, 0
    for blob in blobs:
        first = output.index(b"\n", start) + 1  # after the line "HASH blob SIZE"
        end = first + int(output[start:first].split()[2])
        contents[blob], start = output[first:end], end + 1
    return contents


def _deeper() -> str:
    """The option with which 'git fetch' completes a shallow clone, such as CI makes; empty in any other clone."""
    return " --unshallow" if git("rev-parse", "--is-shallow-repository").strip() == b"true" else ""
