"""The sentences of features. `pytest_plugins = ["steps"]` in a conftest.py, or `pytest -p steps`, makes them
known to any folder of features.
"""

pytest_plugins = [
    "steps.health",
    "steps.load",
    "steps.backup",
    "steps.faults",
    "steps.monitoring",
    "steps.runbook",
    "steps.diagnosis",
    "steps.recovery",
    "steps.baselines",
    "steps.writes",
    "steps.credit",
    "steps.alerts",
    "steps.status_page",
]
