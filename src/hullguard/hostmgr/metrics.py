"""What an operator watches. One registry per server, so that several can run in one process."""

import threading
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server


class Metrics:
    """Counters of one hostmgr replica."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sessions = Gauge("hullguard_hostmgr_sessions", "Agents connected now", registry=self.registry)
        self.refusals = Counter(
            "hullguard_hostmgr_refusals", "Sessions and enrolments refused, by code", ["code"], registry=self.registry
        )
        self.messages = Counter(
            "hullguard_hostmgr_messages", "Messages from agents, by kind", ["kind"], registry=self.registry
        )
        self.duplicates = Counter(
            "hullguard_hostmgr_duplicates", "Records that had come before", registry=self.registry
        )
        self.enrolments = Counter("hullguard_hostmgr_enrolments", "Nodes enrolled", registry=self.registry)
        self.queued_bytes = Gauge(
            "hullguard_hostmgr_ingest_queued_bytes", "Messages waiting for the database", registry=self.registry
        )
        self.batches = Histogram(
            "hullguard_hostmgr_ingest_batch",
            "Messages per transaction",
            buckets=(1, 2, 5, 10, 50, 100, 500),
            registry=self.registry,
        )
        self.ingest_seconds = Histogram(
            "hullguard_hostmgr_ingest_seconds",
            "From a message's arrival to its commit",
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30),
            registry=self.registry,
        )
        self.database_failures = Counter(
            "hullguard_hostmgr_database_failures", "Transactions that had to be tried again", registry=self.registry
        )

        self.store_errors = Counter(
            "hullguard_hostmgr_store_errors", "Batches that broke and were taken apart", registry=self.registry
        )

    def expose(self, port: int) -> tuple[WSGIServer, threading.Thread]:
        """Serve the figures on loopback until the server is shut down."""
        return start_http_server(port, addr="127.0.0.1", registry=self.registry)
