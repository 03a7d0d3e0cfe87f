"""Calibration out of a recording of no fault, and what a rate that is served looks like."""

from __future__ import annotations

import numpy as np
import pytest

from drill.errors import SetupError
from drill.load.calibration import calibrate, why_not_served
from drill.load.plan import NOT_SENT
from drill.recording import Event
from drill.recording.events import Limit, LoadTrouble, MachineSampled
from drill.recording.requests import Request

LIMITS = {"error_rate": Limit(0.001), "response_time": Limit(0.5, statistic="p95")}
RATE = 150


def request(slot: int, latency: float = 0.01, error: str = "", late: float = 0.001) -> Request:
    planned = slot / RATE
    return Request(planned, planned + late, planned + latency, "GET /", 0 if error else 200, error)


def quiet(seconds: int) -> list[Request]:
    latencies = np.random.default_rng(6).exponential(0.01, seconds * RATE)
    return [request(slot, 0.002 + latency) for slot, latency in enumerate(latencies)]


def test_a_quiet_target_has_no_noise() -> None:
    events = [Event(1000.0 + n, float(n), MachineSampled(0.4 + n / 100)) for n in range(11)]
    found = calibrate(quiet(60), events, capacity=300.0, digest="sha256:1")
    assert (found.dispersion, found.correlation_seconds, found.failures) == (1.0, 0.0, 0)
    assert (found.capacity, found.digest, found.taken_wall) == (300.0, "sha256:1", 1000.0)
    assert (found.requests, found.lateness_seconds) == (9000, pytest.approx(0.001))
    assert found.machine_busy_share == pytest.approx(0.45)


def test_bursts_of_failures_are_its_noise() -> None:
    requests = quiet(60)
    for start in range(100, 9000, 900):
        requests[start : start + 4] = [request(slot, error="timeout") for slot in range(start, start + 4)]
    found = calibrate(requests, [])
    assert 3.5 <= found.dispersion <= 6
    assert found.failures == 40


def test_what_the_load_itself_failed_at_is_not_the_targets_noise() -> None:
    requests = quiet(60)
    trouble = Event(0.0, 12.0, LoadTrouble(10.0, 12.0, "stopped"))
    requests[1500:1650] = [
        request(slot, error=f"{NOT_SENT}the load itself fell behind") for slot in range(1500, 1650)
    ]
    requests[1650:1800] = [request(slot, latency=1.0, error="timeout") for slot in range(1650, 1800)]
    found = calibrate(requests, [trouble])
    assert (found.failures, found.dispersion, found.correlation_seconds) == (0, 1.0, 0.0)
    assert found.requests <= 8700
    assert calibrate(requests, []).failures == 150, "without the trouble that the load told of they count"


@pytest.mark.parametrize("requests", [[], quiet(29)])
def test_too_short_a_recording_is_refused(requests: list[Request]) -> None:
    with pytest.raises(SetupError, match="expected at least 30 s"):
        calibrate(requests, [])


def test_a_rate_that_is_served() -> None:
    assert why_not_served(quiet(4), LIMITS) == ""


@pytest.mark.parametrize(
    ("requests", "why"),
    [
        ([], "no request was sent"),
        ([request(slot, error="timeout") for slot in range(600)], "600 of 600 requests failed"),
        (
            [request(slot, error="x" if slot == 3 else "") for slot in range(600)],
            "1 of 600 requests failed",
        ),
        ([request(slot, 0.6) for slot in range(600)], "95 % of the responses took up to 0.600 s"),
        ([request(slot, 0.01 + slot / 2000) for slot in range(600)], "a queue grows"),
        ([request(slot, late=0.06) for slot in range(600)], "the load itself was late"),
        (
            [request(slot, error=f"{NOT_SENT}x" if slot == 3 else "") for slot in range(600)],
            "the load itself was late",
        ),
    ],
)
def test_a_rate_that_is_not_served_and_why(requests: list[Request], why: str) -> None:
    assert why in why_not_served(requests, LIMITS)


def test_a_failure_within_the_limit_is_served() -> None:
    requests = [request(slot, error="x" if slot == 3 else "") for slot in range(1001)]
    assert why_not_served(requests, LIMITS) == ""
