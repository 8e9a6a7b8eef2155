"""The archive of a model file, checked before it is read: a model file may come from anywhere.

Keras reads each member as a whole, and a compressed member can be a thousand times as large as its file. Keras itself
does not compress, so only uncompressed members are accepted. What is read is then never larger than the file.
"""

import json
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import h5py
from pydantic import BaseModel, ValidationError

from realage.core.disk import is_of_machine, naming
from realage.core.errors import UserError, brief, first_problem

RECIPE_FILE = "realage.json"
METADATA_FILE = "metadata.json"
CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.weights.h5"
LEARNT_FILE = "learnt_photos.bin"
CALIBRATION_FILE = "calibration.json"
SUMMARY_FILE = "training_photos.json"
# Member -> its largest size, bytes: enough for ConvNeXtXLarge, the largest backbone of keras.applications, and for 16
# million photos.
LIMITS = {
    CONFIG_FILE: 2**23,
    METADATA_FILE: 2**20,
    WEIGHTS_FILE: 2**31,
    RECIPE_FILE: 2**20,
    LEARNT_FILE: 2**27,
    CALIBRATION_FILE: 2**20,
    SUMMARY_FILE: 2**20,
}
OPTIONAL = (LEARNT_FILE, CALIBRATION_FILE, SUMMARY_FILE)  # model files of earlier releases lack them
MAX_DEPTH = 100  # of JSON; a network with a nested backbone has less than 20
Kind = TypeVar("Kind", bound=BaseModel)


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a model file whose members have the names and sizes that `save_model` gives them.

    Raises UserError if the file is missing or has other members, and for any error of reading inside the block;
    OSError if the machine is the cause, such as a broken disk or missing rights.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # to open a named pipe would wait for its writer
            raise ValueError("it is not a regular file")
        with zipfile.ZipFile(path) as archive:
            _require_members(archive.infolist(), status.st_size)
            with naming(path):
                yield archive
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: train one with 'dvc repro', or fetch it with 'dvc pull'") from None
    except UserError:
        raise
    except Exception as error:  # zipfile, h5py and json raise more kinds of errors than they document
        if is_of_machine(error):
            raise
        raise not_ours(path, brief(error)) from error


def not_ours(path: Path, reason: str) -> UserError:
    """The error for a file that is no sound model of this project."""
    return UserError(f"{path}: not a model that this project trained: {reason}: "
                     "train one with 'dvc repro', or fetch it with 'dvc pull'")


def _require_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = [member.filename for member in members]
    required = LIMITS.keys() - set(OPTIONAL)
    if not required <= set(names) <= LIMITS.keys() or len(set(names)) < len(names):
        shown = ", ".join(islice(names, len(LIMITS) + 1)) or "nothing"
        needed = ", ".join(name for name in LIMITS if name in required)
        raise ValueError(f"it has to contain {needed}, may contain {', '.join(OPTIONAL)}, and contains {shown}")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise ValueError(f"{member.filename} in it is compressed, which Keras never does")
        if member.file_size > LIMITS[member.filename]:
            raise ValueError(f"{member.filename} in it has {member.file_size:,} bytes, and the limit is "
                             f"{LIMITS[member.filename]:,}")
    if sum(member.file_size for member in members) > size:
        raise ValueError("its members are larger than the file")


def require_sound(archive: zipfile.ZipFile) -> None:
    """Raise ValueError if a member is damaged, or would take far more memory than its size when Keras loads it."""
    damaged = archive.testzip()
    if damaged:
        raise ValueError(f"{damaged} in it is damaged")
    for name in (METADATA_FILE, CONFIG_FILE, CALIBRATION_FILE, SUMMARY_FILE):
        if has_member(archive, name):
            read_json(archive, name)
    _require_stored(read_member(archive, WEIGHTS_FILE))


def read_json(archive: zipfile.ZipFile, name: str) -> Any:
    """Parse member `name`. Raises ValueError if it is not JSON or nested more than MAX_DEPTH deep."""
    too_deep = f"{name} in it is nested more than {MAX_DEPTH} deep"
    try:
        contents = json.loads(read_member(archive, name))
    except RecursionError:
        raise ValueError(too_deep) from None
    except ValueError as error:
        raise ValueError(f"{name} in it is not JSON: {error}") from error
    level = [contents]
    for _ in range(MAX_DEPTH):
        level = [child for node in level if isinstance(node, (dict, list))
                 for child in (node.values() if isinstance(node, dict) else node)]
    if level:
        raise ValueError(too_deep)
    return contents


def read_as(archive: zipfile.ZipFile, name: str, kind: type[Kind]) -> Kind:
    """Parse member `name` as a `kind`. Raises ValueError as `read_json` does, and if it is not one."""
    try:
        return kind.model_validate(read_json(archive, name))
    except ValidationError as error:
        raise ValueError(f"{name} in it: {first_problem(error)}") from error


def has_member(archive: zipfile.ZipFile, name: str) -> bool:
    """Whether the archive has a member `name`."""
    return name in archive.namelist()


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of member `name`, at most its limit."""
    with archive.open(name) as member:
        return member.read(LIMITS[name])


def _require_stored(weights: bytes) -> None:
    """Raise ValueError if an HDF5 file has links, which may lead to other files, or datasets that are no plain numbers.

    The same if its datasets are larger than the file: compressed, or without storage.
    """
    sizes = []

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            if item.dtype.kind in "cOSU" or item.external or item.is_virtual:
                raise ValueError(f"{name} in {WEIGHTS_FILE} is no array of numbers")
            sizes.append(item.nbytes)

    def unless_inside(name: str, link: object) -> str | None:
        return None if isinstance(link, h5py.HardLink) else name

    with h5py.File(BytesIO(weights), "r") as file:
        link = file.visititems_links(unless_inside)
        if link:
            raise ValueError(f"{link} in {WEIGHTS_FILE} is a link")
        file.visititems(add)
    if sum(sizes) > len(weights):
        raise ValueError(f"the weights in {WEIGHTS_FILE} are larger than it, so they are compressed or missing")
