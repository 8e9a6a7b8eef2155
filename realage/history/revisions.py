"""Git revisions of this project."""

from typing import NamedTuple

from realage.core.errors import UserError, printable
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


def _deeper() -> str:
    """The option with which 'git fetch' completes a shallow clone, such as CI makes; empty in any other clone."""
    return " --unshallow" if git("rev-parse", "--is-shallow-repository").strip() == b"true" else ""
