"""The control plane's own figures, in Prometheus' text format."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4"

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """One registry per application, so that two in one process do not count into each other."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "hullguard_http_requests",
            "Answers by route and status.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "hullguard_http_request_seconds", "Time until the answer began.", ["route"], registry=self._registry
        )
        self._refused = Counter(
            "hullguard_refusals", "Requests refused, by the reason's code.", ["code"], registry=self._registry
        )
        self.streams = Gauge("hullguard_streams", "Open event streams.", registry=self._registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer. Labels are routes, never paths: a scanner must not fill the memory."""
        verb = method if method in _METHODS else "other"
        self._requests.labels(verb, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, code: str) -> None:
        """Count one refused request."""
        self._refused.labels(code).inc()

    def text(self) -> bytes:
        """Everything, as the scraper reads it."""
        return generate_latest(self._registry)
