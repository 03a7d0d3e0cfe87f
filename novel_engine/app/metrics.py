"""The numbers that the runbook names. Flows in: what the other modules count. Flows out: Prometheus' text at
/metrics.

process_* and python_gc_* come from prometheus_client's own collectors.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "path", "status"])
REQUEST_SECONDS = Histogram(
    "http_request_duration_seconds",
    "From a request's arrival to the end of its answer.",
    ["method", "path"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
DATABASE_SECONDS = Histogram(
    "database_query_duration_seconds",
    "One visit to the database: connect, query, commit where it writes, close.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
DATABASE_CONNECTIONS = Gauge("database_connections", "Connections to the database that are open now.")
LOCK_WAIT_SECONDS = Histogram(
    "database_lock_wait_seconds",
    "How long a writer waited for the database's lock.",
    buckets=(0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
)
LOGINS = Counter("logins_total", "Attempts to log in: accepted, failed, limited.", ["outcome"])
RATE_LIMITED = Counter(
    "rate_limited_total", "Requests refused with 429, by the limit: login, session.", ["limit"]
)
ERRORS = Counter("error_total", "Failures by the part that failed.", ["kind"])
CACHE_HITS = Counter("cache_hits_total", "Reads answered from Redis.")
CACHE_MISSES = Counter("cache_misses_total", "Reads that went to the database.")
ACTIVE_SESSIONS = Gauge("active_sessions", "Sessions seen in the last five minutes; NaN while Redis is out.")
QUEUE_DEPTH = Gauge(
    "narrative_queue_depth", "Narrative generations not yet finished; NaN while Redis is out."
)
