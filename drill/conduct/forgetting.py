"""Before a drill's users come: what earlier drills left in the target's parts is removed, so that every drill
begins with the same data. Removed is only what drill.toml names, and only in a kind-* cluster.

It waits for nobody and holds up nothing: what is in the way is recorded, and the drill goes on with the data
that is there. A statement that cannot be carried out at all is refused, as all else in drill.toml is.
"""

from __future__ import annotations

from drill.cluster.access import is_throw_away
from drill.conduct.scene import Scene
from drill.errors import DrillError, InputError
from drill.parts import forgetting_parts
from drill.parts.part import Forgotten, TargetPart
from drill.putback import left_open
from drill.recording.events import DataForgotten


def forget_earlier(scene: Scene) -> None:
    """Remove it, and record what was removed of each part. Raises InputError for a statement that cannot be
    carried out."""
    for part in forgetting_parts(scene.cluster, scene.settings):
        scene.show("known data", f"what earlier drills left in {part.name} to be removed")
        done = _forget(scene, part)
        if done.trouble:
            scene.show("known data", f"what earlier drills left in {part.name} stays: {done.trouble}")
        scene.recorder.record(DataForgotten(part.name, done.rows, done.beside, done.size_bytes, done.trouble))


def _forget(scene: Scene, part: TargetPart) -> Forgotten:
    if not is_throw_away(scene.cluster.context):
        return Forgotten(trouble=f"only in kind-* is anything deleted, and this is {scene.cluster.context}")
    try:
        still = left_open(scene.cluster)
        if still:
            return Forgotten(trouble=f"{', '.join(still)} is still open")
        return part.forget()
    except InputError:
        raise
    except DrillError as error:
        return Forgotten(trouble=str(error))
