"""Counts what the service does, in the format of Prometheus. No count has anything of a photo in it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from realage.service.answers import Photo


class Telemetry:
    """Counters of one application."""

    def __init__(self) -> None:
        """All are 0."""
        registry = self._registry = CollectorRegistry()
        self.requests = Counter("realage_requests", "Requests for ages", ["status"], registry=registry)
        self.seconds = Histogram("realage_request_seconds", "Time until a request was answered", registry=registry)
        self.photos = Counter("realage_photos", "Photos by outcome", ["outcome"], registry=registry)
        self.reasons = Counter("realage_reasons", "Faces unlike the training photos", ["reason"], registry=registry)
        sizes = (1, 2, 4, 8, 16, 32, 64, 128)
        self.batches = Histogram("realage_batch_photos", "Photos in a batch", registry=registry, buckets=sizes)
        self.waiting_photos = 0
        waiting = Gauge("realage_photos_waiting", "Photos that have no answer yet", registry=registry)
        waiting.set_function(lambda: self.waiting_photos)

    @contextmanager
    def waiting_for(self, photos: int) -> Iterator[None]:
        """Count so many photos as waiting inside the block."""
        self.waiting_photos += photos
        try:
            yield
        finally:
            self.waiting_photos -= photos

    def count_photos(self, photos: Iterable[Photo]) -> None:
        """Count photos that were answered."""
        for photo in photos:
            self.photos.labels("error" if photo.error else "age").inc()
            for face in photo.faces:
                for reason in face.reasons:
                    self.reasons.labels(reason).inc()

    def text(self) -> bytes:
        """All counts, in the text format."""
        return generate_latest(self._registry)
