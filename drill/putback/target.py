"""Putting a target back: at the end of a drill, and after one that was killed.

A drill opens itself in the ledger with the target's state before it changes anything (`open_drill`), and
closes itself when all is as it was (`close_drill`). What is left open by a drill that is gone is put back by
`put_back`, at the start of every run and by `drill put-back`; so is the image of a workload that a release
gate alternates (`open_images`, `close_images`). With an empty ledger nothing is changed: the
target as it is is the target.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from drill import wait
from drill.cluster.access import Cluster, ClusterError, is_throw_away
from drill.durable import write_durably
from drill.errors import DeadlineError, DrillError, FaultError, InputError, SetupError, UsageError
from drill.faults.catalogue import from_data
from drill.parts import keeping_parts
from drill.parts.health import wait_until_healthy
from drill.parts.part import TargetPart
from drill.putback.images import image_of, is_above, return_image, with_found_image
from drill.putback.known_state import KnownState, lasting_differences, observe, settled
from drill.putback.ledger import DrillEntry, Entry, FaultEntry, ImageEntry, Ledger, fault_of, process
from drill.putback.place import LAST_KNOWN, state_folder
from drill.putback.repair import repair
from drill.settings import Settings
from drill.settings.target import Workload

EXPERIMENT_ENDS_SECONDS = 240
COMMANDS_END_SECONDS = 60


class PutBack(msgspec.Struct, frozen=True):
    """What was put back. `undone`: a line per open fault; `differences`: what else was not as before the
    drill that left it, put back since; `drills`: how many had been left open."""

    undone: list[str]
    differences: list[str]
    drills: int = 0

    def lines(self) -> list[str]:
        """The same for people; it claims nothing that was not looked at."""
        lines = [f"undone: {line}" for line in self.undone]
        lines += [f"put back: {line}" for line in self.differences]
        if self.drills and not self.differences:
            lines.append("the target is as it was before the drill that was left open")
        return lines or ["no drill has left anything open on this cluster: nothing was changed"]


def put_back(settings: Settings, cluster: Cluster, closing: ImageEntry | None = None) -> PutBack:
    """Undo every open fault whose drill is gone, and bring the target into the state that it had before that
    drill; put back the image of a workload whose gate is gone, or is done with it (`closing`).

    An experiment that is undoing by itself just now is waited for. Raises SetupError when another drill is at
    work, ClusterError where the cluster does not answer, InputError for a damaged entry and FaultError for
    one that cannot be undone, both after all else is put back; what failed stays in the ledger.
    """
    ledger = Ledger(state_folder(cluster))
    with ledger.exclusively():
        undone: list[str] = []
        unproven: list[FaultEntry] = []
        drills: list[DrillEntry] = []
        images: list[ImageEntry] = []
        failures: list[DrillError] = []
        for file in ledger.files():
            try:
                entry = ledger.read(file)
                if isinstance(entry, ImageEntry):
                    _refuse_gate_at_work(entry)
                    is_closing = closing is not None and closing.id == entry.id
                    images += [entry] if is_closing or not is_above(entry) else []
                    continue
                if isinstance(entry, DrillEntry):
                    _refuse_at_work(entry)
                    drills.append(entry)
                    continue
                done, left = _undo(ledger, file, entry, cluster)
                undone.append(done)
                unproven += [left] if left else []
            except FileNotFoundError:
                undone.append(f"{fault_of(file)}: its experiment undid it")
            except (InputError, FaultError, DeadlineError, ClusterError) as error:
                failures.append(error)
        # what an image of the gate's would make unwell cannot be waited for with that image
        differences = _return_to_first(settings, cluster, ledger, drills, images)
        undone += [_return_image(settings, cluster, entry) for entry in images]
        if unproven and not drills:
            wait_until_healthy(cluster, settings)
        for fault in unproven:
            ledger.close(fault)
        if failures:
            raise _all_of(failures)
        opened: list[Entry] = [*drills, *images]
        for entry in opened:
            ledger.close(entry)
        return PutBack(undone, differences, len(drills))


def open_drill(settings: Settings, cluster: Cluster) -> DrillEntry:
    """Keep the target's present state, durably, before a drill of this process changes anything, and a copy
    of what its parts hold, where they can be copied. The caller has just seen it healthy.

    What an earlier drill of this process could not put back is put back first. Raises SetupError when another
    drill or a fault of another is open.
    """
    folder = state_folder(cluster)
    ledger = Ledger(folder)
    if any(_mine(entry) for entry in ledger.drills()):
        close_drill(settings, cluster)
    _refuse_open(ledger, [entry.id for entry in ledger.entries() if not _mine(entry)])
    known = settled(observe(cluster), last_known(cluster))
    data = msgspec.json.encode(known)
    entry = DrillEntry(
        id=f"drill-{os.getpid()}-{time.time_ns() // 1_000_000}",
        target=str(settings.file),
        context=cluster.context,
        namespace=cluster.namespace,
        known=msgspec.Raw(data),
        opened_wall=time.time(),
        process=process(os.getpid()),
    )
    ledger.open(entry)
    write_durably(folder / LAST_KNOWN, msgspec.json.format(data))
    for part, copy in _copies(settings, cluster, ledger, entry):
        part.keep(copy)
    return entry


def changed_since_open(cluster: Cluster) -> list[str]:
    """What differs now from the state that the target had when this process opened its drill, a line each,
    but for replicas that an autoscaler may have chosen.

    Raises ClusterError where the cluster does not answer, UsageError where this process has no drill open.
    """
    opened = [entry for entry in Ledger(state_folder(cluster)).drills() if _mine(entry)]
    if not opened:
        raise UsageError("no drill of this process is open, so there is nothing to compare the target with")
    return lasting_differences(msgspec.json.decode(opened[0].known, type=KnownState), observe(cluster))


def close_drill(settings: Settings, cluster: Cluster) -> list[str]:
    """Bring the target into the state that it had when this process opened its drill, and close the drill;
    the differences that there were. Faults that could not be undone before are undone now, since what kept
    them from it may be put back. Nothing where this process has no drill open.
    """
    ledger = Ledger(state_folder(cluster))
    with ledger.exclusively():
        drills = [entry for entry in ledger.drills() if _mine(entry)]
        if not drills:
            return []
        differences = _return_to_first(settings, cluster, ledger, drills)
        failures: list[DrillError] = []
        for fault in ledger.faults():
            if _mine(fault) and (fault.drill is None or not fault.experiment.alive()):
                try:
                    from_data(fault.record).undo(cluster)
                    ledger.close(fault)
                except (FaultError, DeadlineError, ClusterError) as error:
                    failures.append(error)
        if failures:
            raise _all_of(failures)
        for drill in drills:
            ledger.close(drill)
        return differences


def left_open(cluster: Cluster) -> list[str]:
    """The drills and faults that are open on this target: what they broke may not be put back yet."""
    ledger = Ledger(state_folder(cluster))
    return [entry.id for entry in ledger.entries() if not isinstance(entry, ImageEntry)]


def open_images(
    settings: Settings, cluster: Cluster, workload: Workload, images: Sequence[str]
) -> ImageEntry:
    """Keep the image that the workload runs, durably, before a gate of this process sets `images` in turn.
    The caller has just seen the target healthy. Raises SetupError when anything is open already."""
    ledger = Ledger(state_folder(cluster))
    _refuse_open(ledger, [file.stem for file in ledger.files()])
    known = settled(observe(cluster), last_known(cluster))
    item = known.objects[workload.kind][workload.name]
    entry = ImageEntry(
        id=f"images-alternated-{os.getpid()}-{time.time_ns() // 1_000_000}",
        target=str(settings.file),
        context=cluster.context,
        namespace=cluster.namespace,
        workload=workload.name,
        kind=workload.kind,
        container=workload.container,
        found=image_of(cluster, workload),
        alternated=tuple(dict.fromkeys(images)),
        replicas=item["spec"].get("replicas", 1),
        known=msgspec.Raw(msgspec.json.encode(known)),
        opened_wall=time.time(),
        process=process(os.getpid()),
    )
    ledger.open(entry)
    return entry


def close_images(settings: Settings, cluster: Cluster, entry: ImageEntry) -> PutBack:
    """Put back the image that was found and what drills left under another, and close the entry."""
    return put_back(settings, cluster, entry)


def _return_image(settings: Settings, cluster: Cluster, entry: ImageEntry) -> str:
    """With it comes what was known of the target: drills under another image kept another state."""
    done = return_image(settings, cluster, entry)
    write_durably(state_folder(cluster) / LAST_KNOWN, msgspec.json.format(bytes(entry.known)))
    return f"images-alternated: {done}"


def last_known(cluster: Cluster) -> KnownState | None:
    """The state that the last drill on this target began with; None where there was none. Raises InputError
    when the file is damaged."""
    path = state_folder(cluster) / LAST_KNOWN
    try:
        return msgspec.json.decode(path.read_bytes(), type=KnownState)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise InputError(
            path,
            None,
            "its content",
            f"a known state as JSON ({error}); delete the file while no drill is open",
        ) from error


def _return_to_first(
    settings: Settings,
    cluster: Cluster,
    ledger: Ledger,
    drills: list[DrillEntry],
    images: Sequence[ImageEntry] = (),
) -> list[str]:
    """The oldest of several was opened on the target as it was meant to be, but for `images`."""
    if not drills:
        return []
    known = msgspec.json.decode(drills[0].known, type=KnownState)
    for entry in images:
        known = with_found_image(known, entry)
    copies = [(part, copy) for part, copy in _copies(settings, cluster, ledger, drills[0]) if copy.exists()]
    return repair(cluster, settings, known, copies=copies)


def _copies(
    settings: Settings, cluster: Cluster, ledger: Ledger, entry: DrillEntry
) -> list[tuple[TargetPart, Path]]:
    """Where a drill keeps what the parts hold; nowhere in a cluster that is nobody's throw-away, of which
    nothing is copied to this machine."""
    if not is_throw_away(cluster.context):
        return []
    return [(part, ledger.beside(entry.id, f"{part.name}.copy")) for part in keeping_parts(cluster, settings)]


def _mine(entry: Entry) -> bool:
    """True where this very process opened it, or had it opened; an image also where the gate that alternates
    it started this process."""
    if isinstance(entry, ImageEntry):
        return is_above(entry)
    me = process(os.getpid())
    return entry.process == me if isinstance(entry, DrillEntry) else me in (entry.drill, entry.experiment)


def _refuse_open(ledger: Ledger, names: list[str]) -> None:
    if names:
        raise SetupError(
            f"{ledger.folder}: {', '.join(names)} is still open, so this is no state to return to; run "
            "`drill put-back`"
        )


def _refuse_at_work(entry: DrillEntry) -> None:
    if entry.process.alive() and not _mine(entry):
        raise SetupError(
            f"a drill of process {entry.process.pid} is at work on {entry.namespace} of {entry.context}: "
            "wait for it, or end it, and run this again"
        )


def _refuse_gate_at_work(entry: ImageEntry) -> None:
    if entry.process.alive() and not is_above(entry):
        raise SetupError(
            f"`drill gate alternate` of process {entry.process.pid} is at work on {entry.namespace} of "
            f"{entry.context}: wait for it, or end it, and run this again"
        )


def _undo(ledger: Ledger, file: Path, entry: FaultEntry, cluster: Cluster) -> tuple[str, FaultEntry | None]:
    """What was done, in words, and the entry that is to be closed once the target is seen well."""
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
    return f"{entry.fault}: {from_data(entry.record).undo(cluster)}", entry


def _wait_for_end(entry: FaultEntry) -> None:
    wait.until(
        f"the experiment of {entry.fault} (process {entry.experiment.pid}), whose drill is gone, to undo "
        "and end",
        entry.experiment.alive,
        lambda alive: not alive,
        seconds=EXPERIMENT_ENDS_SECONDS,
    )


def _all_of(failures: list[DrillError]) -> DrillError:
    return failures[0] if len(failures) == 1 else FaultError("; ".join(map(str, failures)))
