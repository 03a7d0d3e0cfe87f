"""All kinds of faults: each module of this folder may define some. A new kind is a new module, and nothing
else."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import msgspec

import drill.faults
from drill.errors import FaultError
from drill.faults.fault import KINDS, Fault

for _module in pkgutil.iter_modules(drill.faults.__path__):
    importlib.import_module(f"drill.faults.{_module.name}")


def kinds() -> dict[str, type[Fault]]:
    """Every kind by its name."""
    return dict(sorted(KINDS.items()))


def as_data(fault: Fault) -> dict[str, Any]:
    """The record as the ledger keeps it: its fields and its kind."""
    fields: dict[str, Any] = msgspec.to_builtins(fault)
    return {"kind": fault.kind, **fields}


def from_data(data: dict[str, Any]) -> Fault:
    """The record that the ledger kept. Raises FaultError for one that this drill does not know."""
    fields = {name: value for name, value in data.items() if name != "kind"}
    try:
        return msgspec.convert(fields, KINDS[data["kind"]])
    except KeyError as error:
        raise FaultError(
            f"{data.get('kind')!r} is no kind of fault: expected one of {', '.join(kinds())}"
        ) from error
    except msgspec.ValidationError as error:
        raise FaultError(
            f"a fault of kind {data['kind']!r} as the ledger has it cannot be undone by this drill ({error});"
            " the drill that wrote it can"
        ) from error
