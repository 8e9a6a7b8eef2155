"""What one client may ask of the service, so that it stays of use to the others."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """`photos` and `megabytes` bound a request, `seconds` the time for its headers, and then until it is answered.

    All requests together may wait with `waiting` photos, and hold `held_megabytes` of bodies in memory.
    """

    photos: int = 16
    megabytes: float = 32
    seconds: float = 30
    waiting: int = 256
    held_megabytes: float = 512

    @property
    def body_bytes(self) -> int:
        """The largest body of a request."""
        return int(self.megabytes * 1_000_000)

    @property
    def held_bytes(self) -> int:
        """The most that bodies of all requests may take."""
        return int(self.held_megabytes * 1_000_000)
