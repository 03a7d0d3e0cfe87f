"""What survived: rows that were there are asked for before the fault; after recovery, when the load has left,
the acknowledged writes are looked for, and those rows again."""

from __future__ import annotations

import time

from drill.conduct.scene import Scene
from drill.errors import DrillError
from drill.load.audit import audit_writes
from drill.parts import dated_part, searchable_part
from drill.recording import REQUESTS
from drill.recording.events import RowsSurvived, RowsThere, SampleFailed


def ask_rows(scene: Scene) -> None:
    """Before anything is broken: when were the target's newest rows written? Asked where a backup is to be
    restored and a part can tell. Raises DrillError where that part cannot be asked."""
    if not scene.facts.restores or scene.facts.control:
        return
    part = dated_part(scene.cluster, scene.settings)
    if part is None:
        return
    scene.show("health gate", f"the newest rows of {part.name}")
    limit = scene.limits.get("data_age")
    newest = part.newest_rows([0.0] if limit is None else [0.0, limit.value]).newest_wall
    scene.recorder.record(RowsThere(part.name, newest[0], None if limit is None else newest[1]))


def audit(scene: Scene, injected: float | None) -> None:
    """Look for every acknowledged write, in the service's answers and, where a part can be asked, in the
    store itself; and for the newest row from before the fault. `injected`: monotonic seconds."""
    if injected is not None and scene.facts.restores and not scene.facts.control:
        _ask_rows_again(scene, injected)
    if not any(request.write for request in scene.settings.load.requests):
        return
    scene.show("audit", "the acknowledged writes to be read back")
    store = searchable_part(scene.cluster, scene.settings)
    audit_writes(
        scene.settings,
        scene.folder / REQUESTS,
        scene.recorder,
        injected=injected,
        held_in_store=store.holds if store is not None else None,
        store=store.name if store is not None else "",
    )


def _ask_rows_again(scene: Scene, injected: float) -> None:
    part = dated_part(scene.cluster, scene.settings)
    if part is None:
        return
    since = time.monotonic() - injected
    try:
        dated = part.newest_rows([since])
    except DrillError as error:  # what it would have said is not known: the age of the data is inconclusive
        scene.recorder.record(SampleFailed(f"the newest rows of {part.name}", str(error)))
        return
    scene.recorder.record(RowsSurvived(part.name, dated.clock_wall - since, dated.newest_wall[0]))
