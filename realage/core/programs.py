"""Runs Git and DVC. If one fails, its own line says why, followed by what to do where that is known."""

import os
import re
import subprocess
import sys

from realage.core.errors import UserError, printable

DVC = (sys.executable, "-m", "dvc")

# Part of a line -> what to do. Git, libgit2 (in DVC and GTO) and Python name the same cause in words of their own.
CURES = {
    r"dubious ownership in repository at '(.+)'": (
        "it belongs to another user, as in a container: if you trust it, run "
        r"'git config --global --add safe.directory \1'"
    ),
    r"repository path '(.+?)/?' is not owned by": (
        "it belongs to another user, as in a container: if you trust it, run "
        r"'git config --global --add safe.directory \1'"
    ),
    r"not a git repository": (
        "run this in a clone: a download without the folder .git, such as a ZIP file, has no history, so get the "
        "project with 'git clone'"
    ),
    r"getpwuid|HOME not set|determine the home directory": (
        "this user has no name or no home folder, as in a container: set the variable USER to a name, and HOME to a "
        "folder that may be written"
    ),
    r"not inside of a DVC repository": "run this in the folder of a DVC project that is in Git",
    r"unable to auto-detect email address|empty ident name|user name and email must be configured": (
        "run 'git config --global user.name NAME' and 'git config --global user.email ADDRESS'"
    ),
}


def git(*arguments: str, stdin: bytes = b"") -> bytes:
    """Return the output of `git ARGUMENTS` in the current folder, which reads `stdin`. Raises UserError if it fails."""
    # Untranslated, so that a cause in CURES is found.
    return _output("git", ["git", *arguments], stdin=stdin, env={**os.environ, "LC_ALL": "C"})


def dvc(*arguments: str, stdin: str = "", good: tuple[int, ...] = (0,)) -> str:
    """Return the output of `dvc ARGUMENTS` in the current folder, which reads `stdin`.

    Bytes that are not UTF-8 become surrogates. Raises UserError if the exit status is not one of `good`.
    """
    output = _output("dvc", [*DVC, *arguments], stdin=stdin.encode(errors="surrogateescape"), good=good)
    return output.decode(errors="surrogateescape")


def explained(failure: str | Exception) -> str:
    """Return the line that names the cause of a failure, followed by what to do if that is known.

    `failure` is a program's output or an exception of its library, which counts as one line. The line is the one with a
    known cause, or else Git's `fatal: ...`, DVC's `ERROR: ...` or the last one, as in a traceback.
    """
    text = failure if isinstance(failure, str) else " ".join(str(failure).split())
    uncoloured = re.sub(r"\x1b\[[\d;]*m", "", text)
    lines = [printable(line.strip()) for line in uncoloured.splitlines() if line.strip()]
    for line in lines:
        for cause, cure in CURES.items():
            if found := re.search(cause, line):
                return f"{line}: {found.expand(cure)}"
    marked = [line for line in lines if line.startswith(("fatal: ", "ERROR: "))]
    return (marked or lines or ["it gave no reason"])[-1]


def _output(
    name: str, command: list[str], stdin: bytes = b"", env: dict[str, str] | None = None, good: tuple[int, ...] = (0,)
) -> bytes:
    try:
        done = subprocess.run(command, input=stdin, env=env, capture_output=True, check=False)
    except FileNotFoundError:
        raise UserError(f"{name}: not found: install it, and put it on the PATH") from None
    if done.returncode not in good:
        words = next(word for word in command[command.index(name) + 1 :] if not word.startswith("-"))
        reason = explained((done.stderr or done.stdout).decode(errors="replace"))
        raise UserError(f"'{name} {words}' failed: {reason}")
    return done.stdout
