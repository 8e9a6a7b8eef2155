"""A checksum at the end of an ONNX file, so that damage is noticed: the format has none, and a network with a few
other weights answers with other ages.

The last bytes of the file are one more entry of its metadata (field 14 of `ModelProto` in onnx.proto), `sha256`, whose
value is the SHA-256 of all bytes before it. Other programs read it as metadata.
"""

from hashlib import sha256

CHECKSUM = "sha256"  # the key of the entry
HEAD = b"\x72\x4a\x0a\x06sha256\x12\x40"  # tags and lengths of the entry, as protobuf encodes them
DIGITS = 64


def with_checksum(contents: bytes) -> bytes:
    """Return a serialized `ModelProto` with its checksum."""
    return contents + HEAD + sha256(contents).hexdigest().encode()


def is_intact(contents: bytes) -> bool:
    """Return whether `contents` end with the checksum of what is before it."""
    return with_checksum(contents[: -len(HEAD) - DIGITS]) == contents
