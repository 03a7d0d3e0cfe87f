"""The highest rate that a service serves: one that takes 4 ms for each request serves 150 a second, and not
400.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from running_service import RunningService

from drill.load.calibration import measure_capacity
from drill.recording.events import Limit

SERVICE = Path(__file__).with_name("small_service.py")

LIMITS = {"error_rate": Limit(0.001), "response_time": Limit(0.5, statistic="p95")}


@pytest.mark.parametrize(
    ("rates", "capacity"), [((100.0, 150.0, 400.0, 160.0), 150.0), ((400.0, 100.0), None)]
)
def test_capacity_is_the_last_rate_that_was_served_before_one_was_not(
    service: RunningService, tmp_path: Path, rates: tuple[float, ...], capacity: float | None
) -> None:
    slow = subprocess.Popen([sys.executable, str(SERVICE), "0", "0.004"], stdout=subprocess.PIPE)
    assert slow.stdout is not None
    address = f"http://127.0.0.1:{int(slow.stdout.readline())}"
    target = service.settings.target.model_copy(update={"address": address})
    try:
        found = measure_capacity(
            service.settings.model_copy(update={"target": target}), tmp_path / "steps", LIMITS, rates, 2.0
        )
    finally:
        slow.kill()
        slow.wait()
    assert found == capacity
    tried = {float(step.name.partition("-")[0]) for step in (tmp_path / "steps").iterdir()}
    assert tried == set(rates[: rates.index(400.0) + 1]), "it ends with the first that is not served"
