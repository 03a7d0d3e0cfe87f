"""The lists of a runbook that set limits. Flows in: a Runbook. Flows out: (line, text) of each entry, for
drill.baselines to read.

`text` is the entry as written, without its bullet, such as "**Error Rate**: < 0.1%".
"""

from __future__ import annotations

from drill.runbook.document import Runbook


def severity_limits(runbook: Runbook, title: str = "Response Times") -> list[tuple[int, str]]:
    """How soon each severity must be answered."""
    return _entries(runbook, title)


def baseline_items(runbook: Runbook, title: str = "Performance Baselines") -> list[tuple[int, str]]:
    """What the service holds when it is well."""
    return _entries(runbook, title)


def backup_schedule_items(
    runbook: Runbook, title: str = "Automated Backup Schedule"
) -> list[tuple[int, str]]:
    """How often each kind of backup is made."""
    return _entries(runbook, title)


def _entries(runbook: Runbook, title: str) -> list[tuple[int, str]]:
    return [(item.line, item.text) for item in runbook.items_of(title)]
