"""Results for single photos, kept between runs in `.store/`, so that only new photos are decoded.

DVC deletes a stage's outs before it runs the stage, so a stage cannot reuse them. The store is neither a dependency nor
an out: without it, or with damaged entries, a run takes longer and gives the same results.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from realage.core.digests import digest_of, short_digest
from realage.core.disk import replacing

LIBRARIES = ("blake3", "imagehash", "numpy", "opencv-python-headless", "pillow", "pyarrow", "scipy")


class Store:
    """Entries of bytes by name, in `root/kind/KEY`. KEY is a digest of all that their contents depend on."""

    def __init__(self, root: Path, kind: str, code: Iterable[str], params: Mapping[str, Any]) -> None:
        """`kind` names the stage. Entries depend on `code` (modules beside this one), `params` and LIBRARIES."""
        self.folder = root / kind / _key(code, params)

    def read(self, name: str) -> bytes | None:
        """Return the entry's contents, None if it is missing or damaged."""
        try:
            entry = (self.folder / name).read_bytes()
        except OSError:
            return None
        digest, _, contents = entry.partition(b"\n")
        return contents if digest.decode("ascii", "replace") == digest_of(contents) else None

    def write(self, name: str, contents: bytes) -> None:
        """Add an entry atomically. Raises OSError."""
        with replacing(self.folder / name) as part:
            part.write_bytes(digest_of(contents).encode() + b"\n" + contents)

    def keep_only(self, names: Iterable[str]) -> None:
        """Delete all other entries, and those of other keys. Raises OSError."""
        kept = set(names)
        for entry in self.folder.glob("*"):
            if entry.name not in kept:
                entry.unlink()
        for folder in self.folder.parent.glob("*"):
            if folder != self.folder:
                shutil.rmtree(folder)


def _key(code: Iterable[str], params: Mapping[str, Any]) -> str:
    files = [Path(__file__).with_name(f"{name}.py") for name in code]
    parts = [f"{file.name} {digest_of(file.read_bytes())}" for file in files]
    parts += [f"{name} {version(name)}" for name in LIBRARIES]
    parts += [json.dumps(params)]
    return short_digest("\n".join(parts))
