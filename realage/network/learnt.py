"""The photos that a model has learnt from, as a compact filter that travels in the model file."""

from collections.abc import Iterable

import numpy as np

BYTES = 8  # of a pixel hash that are kept


class LearntPhotos:
    """A set of photos: the first 64 bits of their pixel hashes, sorted.

    A photo that is not in the set is taken for one of its n photos with probability n / 2^64 (3e-13 for five million).
    A Bloom filter with that rate would be as large (Bloom 1970, CACM 13(7)), and two of them could be united only if
    they had the same size.
    """

    def __init__(self, prefixes: np.ndarray) -> None:
        """`prefixes` are uint64 (n,)."""
        self._prefixes = np.unique(prefixes)

    @classmethod
    def of(cls, photos: Iterable[str]) -> "LearntPhotos":
        """The set of the photos with these pixel hashes, of 32 hexadecimal digits each."""
        return cls(_prefixes(photos))

    @classmethod
    def from_bytes(cls, contents: bytes) -> "LearntPhotos":
        """Read what `to_bytes` wrote. Raises ValueError if it is something else."""
        if len(contents) % BYTES:
            raise ValueError(f"it has {len(contents):,} bytes, no multiple of {BYTES}")
        prefixes = np.frombuffer(contents, ">u8").astype("uint64")
        if not (prefixes[1:] > prefixes[:-1]).all():
            raise ValueError("its hashes are not in order")
        return cls(prefixes)

    def to_bytes(self) -> bytes:
        """Eight bytes a photo: the same bytes for the same photos."""
        return self._prefixes.astype(">u8").tobytes()

    def __or__(self, other: "LearntPhotos") -> "LearntPhotos":
        return LearntPhotos(np.concatenate([self._prefixes, other._prefixes]))

    def __len__(self) -> int:
        return len(self._prefixes)

    def holds(self, photos: Iterable[str]) -> np.ndarray:
        """Which of the photos with these pixel hashes are in the set, bool (n,)."""
        return np.isin(_prefixes(photos), self._prefixes)

    def count(self, photos: Iterable[str]) -> int:
        """How many of the photos with these pixel hashes are in the set."""
        return int(self.holds(photos).sum())


def _prefixes(photos: Iterable[str]) -> np.ndarray:
    return np.array([int(photo[: 2 * BYTES], 16) for photo in photos], dtype="uint64")
