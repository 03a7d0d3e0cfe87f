"""All faults by name, the name of their experiment's file. Flows in: a name. Flows out: the fault, or what
the target lacks for it.
"""

from __future__ import annotations

from drill.errors import UsageError
from drill.faults.database import DatabaseCorrupted
from drill.faults.fault import Fault, Part
from drill.faults.pods import DeploymentScaledToZero, PodsKilled
from drill.faults.redis import RedisKilled, RedisLockedOut
from drill.settings import Settings

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        PodsKilled(),
        DeploymentScaledToZero(),
        DatabaseCorrupted(),
        RedisKilled(),
        RedisLockedOut(),
    )
}


def fault_named(name: str) -> Fault:
    """The fault of that name. Raises UsageError that lists those there are."""
    try:
        return FAULTS[name]
    except KeyError as error:
        raise UsageError(f"{name!r} is no fault: expected one of {', '.join(FAULTS)}") from error


def lacking(settings: Settings, name: str) -> tuple[Part, ...]:
    """Sections that drill.toml would need for this fault and does not have; when there are any, the fault is
    not applicable.
    """
    return tuple(part for part in fault_named(name).needs if settings.lacks(part))


def not_applicable(name: str, parts: tuple[Part, ...]) -> str:
    """Why the fault is not applicable, in words that name the missing sections."""
    return (
        f"{name} is not applicable: the target's file describes no "
        f"{' and no '.join(f'[{part}]' for part in parts)}"
    )
