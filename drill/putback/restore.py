"""Putting back what a killed drill left. Flows in: the ledger's open entries. Flows out: the target in its
known state, the ledger empty.

It runs at the start of every run and as `drill restore`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from drill import wait
from drill.cluster.access import Cluster, ClusterError
from drill.cluster.health import wait_until_healthy
from drill.errors import DeadlineError, DrillError, FaultError, InputError, SetupError
from drill.faults.catalogue import fault_named
from drill.putback import known_state
from drill.putback.ledger import Entry, Ledger
from drill.settings import Settings

EXPERIMENT_ENDS_SECONDS = 240
COMMANDS_END_SECONDS = 60


class Restored(msgspec.Struct, frozen=True):
    """What was put back. `undone`: a line per open fault; `differences`: what else was not as in the known
    state, repaired since.
    """

    undone: list[str]
    differences: list[str]


def restore_all(settings: Settings, cluster: Cluster) -> Restored:
    """Undo every open fault whose drill is gone, then bring the target into its known state.

    An experiment that is undoing by itself just now is waited for. Raises SetupError when another drill is at
    work, InputError for a damaged entry and FaultError for one that cannot be undone, both after all else is
    put back; what failed stays in the ledger.
    """
    ledger = Ledger(settings.root)
    with ledger.exclusively():
        undone: list[str] = []
        to_close: list[Entry] = []
        failures: list[DrillError] = []
        for file in ledger.files():
            try:
                done, entry = _restore(ledger, file, settings, cluster)
                undone.append(done)
                to_close += [entry] if entry else []
            except (InputError, FaultError, DeadlineError, ClusterError) as error:
                failures.append(error)
        known = known_state.recorded(cluster, settings)
        differences = known_state.repair(cluster, settings, known) if known else []
        if to_close and not known:
            wait_until_healthy(cluster, settings)
        for entry in to_close:
            ledger.close(entry)
        if failures:
            raise (
                failures[0]
                if len(failures) == 1
                else FaultError("; ".join(str(failure) for failure in failures))
            )
        return Restored(undone, differences)


def remember(settings: Settings, cluster: Cluster) -> known_state.KnownState:
    """Keep the target's present state as the known one, unless one of this very cluster is kept. Raises
    SetupError when a fault is open.
    """
    known = known_state.recorded(cluster, settings)
    return known if known is not None else remember_anew(settings, cluster)


def remember_anew(settings: Settings, cluster: Cluster) -> known_state.KnownState:
    """Keep the target's present state as the known one, whatever was kept. Raises SetupError when a fault is
    open or the target is not well.
    """
    opened = Ledger(settings.root).files()
    if opened:
        raise SetupError(
            f"{', '.join(str(file) for file in opened)}: a fault is still open, so this is no state to "
            "return to; run `drill restore`"
        )
    return known_state.take(cluster, settings)


def _restore(ledger: Ledger, file: Path, settings: Settings, cluster: Cluster) -> tuple[str, Entry | None]:
    """What was done, in words, and the entry that is to be closed once the target is seen well."""
    try:
        entry = ledger.read(file)
    except FileNotFoundError:
        return f"{file.stem}: its experiment undid it", None
    if entry.experiment.alive():
        if entry.drill is None or entry.drill.alive():
            holder = entry.experiment if entry.drill is None else entry.drill
            raise SetupError(
                f"{entry.fault} is held by process {holder.pid}, which is at work: wait for it, or end it, "
                "and run this again"
            )
        _wait_for_end(entry)
    wait.until(
        f"commands of the killed experiment of {entry.fault} to end",
        entry.experiment.commands_left,
        lambda left: not left,
        seconds=COMMANDS_END_SECONDS,
    )
    if not file.exists():
        return f"{entry.fault}: its experiment undid it", None
    _check_place(entry, file, cluster)
    return f"{entry.fault}: {fault_named(entry.fault).undo(cluster, settings, entry.arguments)}", entry


def _wait_for_end(entry: Entry) -> None:
    wait.until(
        f"the experiment of {entry.fault} (process {entry.experiment.pid}), whose drill is gone, to undo "
        "and end",
        entry.experiment.alive,
        lambda alive: not alive,
        seconds=EXPERIMENT_ENDS_SECONDS,
    )


def _check_place(entry: Entry, file: Path, cluster: Cluster) -> None:
    if (entry.context, entry.namespace) != (cluster.context, cluster.namespace):
        raise FaultError(
            f"{file}: {entry.fault} is in namespace {entry.namespace} of {entry.context}, expected "
            f"{cluster.namespace} of {cluster.context}: "
            f"restore it with its own target file, {entry.target}"
        )
