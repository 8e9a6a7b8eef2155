"""Digests of bytes: MD5 where DVC is the other side, BLAKE2b for what only this project reads."""

import hashlib
from pathlib import Path


def md5_of(contents: bytes) -> str:
    """The MD5 by which DVC knows `contents`, 32 hexadecimal digits."""
    return hashlib.md5(contents, usedforsecurity=False).hexdigest()


def file_md5(file: Path) -> str:
    """The MD5 by which DVC knows a file. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def short_digest(text: str) -> str:
    """16 hexadecimal digits that two texts share if they are equal."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def digest_of(contents: bytes) -> str:
    """32 hexadecimal digits that two files share if their bytes are equal."""
    return hashlib.blake2b(contents, digest_size=16).hexdigest()
