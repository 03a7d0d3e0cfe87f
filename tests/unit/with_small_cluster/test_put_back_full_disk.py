"""`drill put-back` with a fault in and no room left in the state folder: putting back needs none. On a real
file system of 1 MiB, in a mount namespace of its own, so that nothing stays mounted whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from small_cluster import SmallCluster

from drill.settings import Settings

KILLED_WITH_A_FAULT_IN = """
import os, signal, sys, time
from drill import settings as target_settings
from drill.cluster.access import connect
from drill.faults.catalogue import as_data
from drill.faults.fault import Site
from drill.faults.scale import Scale, ScaleParameters
from drill.faults.sights import Shows
from drill.putback import open_drill
from drill.putback.ledger import FaultEntry, Ledger, process
from drill.putback.place import state_folder
settings = target_settings.load(sys.argv[1])
cluster = connect(settings)
open_drill(settings, cluster)
site = Site(cluster, settings, settings.target.application, "", lambda suffix: None)
fault = Scale.prepare(site, ScaleParameters(shows=Shows(endpoints="none")))
me = process(os.getpid())
entry = FaultEntry(
    f"scaled-{me.pid}-1", "scaled", str(settings.file), cluster.context, cluster.namespace, as_data(fault),
    time.time(), me, me,
)
Ledger(state_folder(cluster)).open(entry)
fault.inject(cluster)
os.kill(me.pid, signal.SIGKILL)
"""
INSIDE = """
mkdir -p "$XDG_STATE_HOME" && mount -t tmpfs -o size=1m,nr_inodes=64 tmpfs "$XDG_STATE_HOME" || exit 90
setsid "$1" -c "$2" "$3"
[ $? = 137 ] || exit 91
head -c 2000000 /dev/zero > "$XDG_STATE_HOME/full" 2>/dev/null && exit 92
{ while : > "$XDG_STATE_HOME/more.$((number += 1))"; do :; done; } 2>/dev/null
: 2>/dev/null > "$XDG_STATE_HOME/one-more" && exit 93
echo "left open: $(find "$XDG_STATE_HOME" -path '*ledger/*.json' | wc -l)"
"$1" -c 'from drill.start import main; main()' --target "$3" put-back
status=$?
echo "left open: $(find "$XDG_STATE_HOME" -path '*ledger/*.json' | wc -l)"
exit $status
"""


def test_a_fault_is_put_back_though_the_disk_is_full(
    small: SmallCluster, settings: Settings, tmp_path: Path
) -> None:
    arguments = [sys.executable, KILLED_WITH_A_FAULT_IN, str(settings.file)]
    done = subprocess.run(
        ["unshare", "--mount", "--user", "--map-root-user", "bash", "-c", INSIDE, "bash", *arguments],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "undone: scaled: scaled web back to 2" in done.stdout
    assert done.stdout.startswith("left open: 2\n")
    assert done.stdout.endswith("left open: 0\n")
    assert small.get("Deployment", "web")["spec"]["replicas"] == 2
