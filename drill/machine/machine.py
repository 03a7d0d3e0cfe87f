"""From an empty machine to a target that serves users, and back.

Flows in: settings. Flows out: engine, node image, cluster, target, in that order.
"""

from __future__ import annotations

import shutil

from drill.cluster.access import connect
from drill.cluster.identity import ensure_identity
from drill.errors import filling_disk
from drill.machine import engine, kind, node_image, target
from drill.machine.stage import say, stage
from drill.programs import cache_folder
from drill.putback.place import forget_clusters
from drill.settings import Settings


def up(settings: Settings) -> None:
    """Bring everything up; what is there already is used. Raises SetupError or UsageError that says what to
    do.
    """
    kind.name_of(settings)
    with filling_disk(f"keep what `drill up` makes in {cache_folder()}"):
        engine.check_disk(cache_folder())
        engine.ensure_engine()
        kind.ensure_cluster(settings)
        cluster = connect(settings)
        ensure_identity(cluster)
        target.ensure_target(settings, cluster)


def down(settings: Settings) -> None:
    """Remove all that `up` made. Debian's packages and Go's own caches stay: they are the machine's. While
    another cluster of drill's is on this machine, only the target's own is removed.
    """
    kind.name_of(settings)
    others = kind.others(settings)
    if engine.answers():
        with stage("removing the cluster and the images"):
            kind.delete(settings)
            forget_clusters(settings.target.context)
            if not others:
                target.remove_images(settings)
                node_image.remove_built()
    if others:
        say(f"    engine, images and compiled programs stay: {', '.join(others)} is here too")
        return
    engine.stop_own_engine()
    with stage(f"removing {cache_folder()}"):
        shutil.rmtree(cache_folder(), ignore_errors=True)
