"""Promoted models by the Git tags that `realage promote` makes: `age@v0.0.1`, a version, and `age#prod#1`.

Such a tag names one model for good. `age#prod` would name the model that has the stage now, so that a run could not be
repeated; it is refused.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from realage.core.errors import UserError
from realage.core.paths import MODEL
from realage.core.programs import dvc, git

# GTO's form. In a subfolder of a repository, the folder and '=' stand in front.
TAG = re.compile(r"(?:(?P<folder>[^=#@]+)=)?age(?:@(?P<version>[\w.+-]+)|#(?P<stage>[\w-]+)(?P<number>#\d+)?)")
VERSION = re.compile(r"v\d+\.\d+\.\d+.*")


def is_tag(name: str) -> bool:
    """Whether `name` has the form of a tag that names a promoted model or a stage."""
    return TAG.fullmatch(name) is not None


def require_tag(tag: str) -> None:
    """Raise UserError unless `tag`, for which `is_tag` holds, names one model for good and is in this clone."""
    parts = _parts(tag)
    stage = parts["stage"] or ("" if VERSION.fullmatch(parts["version"]) else parts["version"])
    if stage and not parts["number"]:
        raise UserError(f"model.weights is '{tag}': stage {stage} may get another model, and the run could not be "
                        f"repeated: {_fixed(tag, stage)}")
    _home(tag)


def fetch(tag: str, file: Path) -> None:
    """Write the model that `tag` names to `file`, from this clone's cache or remote, or from those of its origin.

    Raises UserError if the tag is unknown, or if the model cannot be had.
    """
    require_tag(tag)
    path = Path(_parts(tag)["folder"] or "", MODEL)
    failure = None
    for repository in _repositories(_home(tag)):
        try:
            dvc("get", "--quiet", "--force", repository, path.as_posix(), "--rev", tag, "--out", str(file))
            return
        except UserError as error:
            failure = failure or error
    raise UserError(f"model.weights: {tag}: the model could not be fetched ({failure}): run 'dvc pull' where it was "
                    "promoted and 'dvc push' it, or set model.weights to a copy of its file")


def _parts(tag: str) -> dict[str, str]:
    found = TAG.fullmatch(tag)
    assert found, tag
    return found.groupdict()


def _home(tag: str) -> Path:
    """The clone that has the tag: this one or, for an experiment that DVC runs in a temporary copy, the one around it.

    The copy, in `.dvc/tmp/exps` of the clone, has no tags. Raises UserError if there is none.
    """
    here = _toplevel(Path())
    for folder in (here, here.parent):
        try:
            git("-C", str(folder), "rev-parse", "--quiet", "--verify", f"refs/tags/{tag}^{{commit}}")
            return _toplevel(folder)
        except UserError:
            continue
    raise UserError(f"model.weights is '{tag}': no such tag: 'git tag' lists those of this clone, 'git fetch --tags' "
                    "fetches the team's")


def _repositories(home: Path) -> Iterator[str]:
    """The clone itself and, as a fresh clone's cache is empty, the one that it was cloned from."""
    yield str(home)
    try:
        yield git("-C", str(home), "remote", "get-url", "origin").decode().strip()
    except UserError:
        return


def _toplevel(folder: Path) -> Path:
    return Path(git("-C", str(folder), "rev-parse", "--show-toplevel").decode().rstrip("\n"))


def _fixed(tag: str, stage: str) -> str:
    """What to write in place of a stage's name: the tag of its newest model."""
    folder = _parts(tag)["folder"]
    name = f"{folder}=age#{stage}#" if folder else f"age#{stage}#"
    tags = git("tag", "--list", f"{name}*", "--sort=-version:refname").decode().split()
    return f"its newest tag is {tags[0]}: use that" if tags else "use a tag such as age@v0.0.1"
