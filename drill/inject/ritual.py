"""The ritual of every experiment, as a control of the Chaos Toolkit: a healthy target first, then announce,
inject and hold, and in any case the undo. An experiment names this module, and shows only what is particular
to it."""

from __future__ import annotations

from typing import Any

from chaoslib.extension import get_extension

ACTIVITIES, PROBES = "drill.inject.activities", "drill.inject.probes"


def configure_control(experiment: dict[str, Any]) -> None:
    """Add the ritual. Called once by the Chaos Toolkit, before it looks at what there is to do."""
    said = get_extension(experiment, "drill") or {}
    fault = said.get("fault", "")
    experiment["steady-state-hypothesis"] = {
        "title": "The target is healthy",
        "probes": [
            _probe("health path answers 200", "health_answers"),
            _probe("every part is well", "parts_are_well"),
        ],
    }
    experiment["method"] = [
        _action("announce in the ledger", "announce", fault),
        _action("inject", "inject", fault),
        _action("hold until standard input ends", "hold", fault),
    ]
    experiment["rollbacks"] = [_action("undo and check", "undo", fault)]


def _action(name: str, function: str, fault: str) -> dict[str, Any]:
    return {
        "type": "action",
        "name": name,
        "provider": {
            "type": "python",
            "module": ACTIVITIES,
            "func": function,
            "arguments": {"fault": fault},
        },
    }


def _probe(name: str, function: str) -> dict[str, Any]:
    return {
        "type": "probe",
        "name": name,
        "tolerance": True,
        "provider": {"type": "python", "module": PROBES, "func": function},
    }
