"""Digests of bytes: MD5 to compare with DVC, SHA-256 for whole files, BLAKE2b for everything else."""

import hashlib
from pathlib import Path


def md5_of(contents: bytes) -> str:
    """Return the MD5 of `contents` as DVC writes it, 32 hexadecimal digits."""
    return hashlib.md5(contents, usedforsecurity=False).hexdigest()


def file_md5(file: Path) -> str:
    """Return the MD5 of a file as DVC writes it, 32 hexadecimal digits. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def short_digest(text: str) -> str:
    """Return the BLAKE2b digest of `text` with 64 bits, 16 hexadecimal digits."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def digest_of(contents: bytes) -> str:
    """Return the BLAKE2b digest of `contents` with 128 bits, 32 hexadecimal digits."""
    return hashlib.blake2b(contents, digest_size=16).hexdigest()
