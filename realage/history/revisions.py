"""Git revisions of this project."""

import subprocess
from typing import NamedTuple

from realage.core.errors import UserError, printable


class Revision(NamedTuple):
    """A commit: as the user named it, such as 'v1.0 (6886890)', and its full hash."""

    name: str
    commit: str

    def read(self, file: str) -> bytes | None:
        """The contents of a file at this commit, by its path from the current folder; None if it is not there."""
        return _git("show", f"{self.commit}:./{file}")


def resolve(revision: str) -> Revision:
    """The commit that a tag, branch or other revision names. Raises UserError if there is none."""
    # Git takes an empty revision for HEAD.
    found = revision and _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not found:
        raise UserError(
            f"{revision or 'empty revision'}: no such commit: run this in the project's folder; 'git log --oneline' "
            "lists commits, 'git fetch --tags' fetches the team's"
        )
    commit = found.decode().strip()
    return Revision(printable(f"{revision} ({commit[:7]})"), commit)


def _git(*arguments: str) -> bytes | None:
    """The output of Git, or None if it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None
