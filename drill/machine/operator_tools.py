"""Programs that the runbook's commands start and that drill can make. Flows in: their names, and the blocks
that somebody will follow. Flows out: those that are called, on this machine.

What needs minutes to be made comes when it is first needed, and not with `drill up`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from drill.errors import DrillError
from drill.machine.stage import say
from drill.machine.terraform import ensure_terraform
from drill.programs import calls

Tell = Callable[[str], None]
MADE_WHEN_NEEDED: Mapping[str, Callable[[Tell], Path]] = {"terraform": ensure_terraform}


def ensure_called(tools: Collection[str], blocks: Collection[str], tell: Tell) -> None:
    """Make those of the tools that a block calls, that are not there and that drill can make. One that cannot
    be made is missing, as any other would be: it is told why, and what calls it is inconclusive."""
    for tool, ensure in MADE_WHEN_NEEDED.items():
        if tool in tools and any(calls(block, tool) for block in blocks):
            try:
                ensure(tell)
            except DrillError as error:
                say(f"drill: {tool} is not there for the operator: {error}")
