"""After the load has left: the acknowledged writes are looked for, and what the operator changed is read."""

from __future__ import annotations

from drill.conduct.scene import Scene
from drill.load.audit import audit_writes
from drill.parts import store_of


def audit(scene: Scene, injected: float | None) -> None:
    """Look for every acknowledged write, in the service's answers and, where a part can be asked, in the
    store itself. `injected`: monotonic seconds."""
    if not any(request.write for request in scene.settings.load.requests):
        return
    scene.show("audit", "the acknowledged writes to be read back")
    store = store_of(scene.cluster, scene.settings)
    audit_writes(
        scene.settings,
        scene.folder / "requests.jsonl",
        scene.recorder,
        injected=injected,
        held_in_store=store.holds if store is not None else None,
        store=store.name if store is not None else "",
    )
