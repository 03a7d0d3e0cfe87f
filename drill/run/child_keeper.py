"""Keeps a run of drills below the command that began it (child.py). Flows in: a command, and a pipe as
standard input. Flows out: the command's exit status, 128 and the signal where one ended it.

Runs as a process of its own, with Python's standard library only. When its standard input closes (who began
it has been interrupted, or killed), the command is told to end, once: a second signal would keep it from
putting back what it broke. One that does not end is killed after PUT_BACK_SECONDS.

    python child_keeper.py COMMAND...
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence

PUT_BACK_SECONDS = 300.0


def main(command: Sequence[str]) -> int:
    """Run it to its end."""
    run = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    ended = os.pidfd_open(run.pid)
    ready, _, _ = select.select([ended, sys.stdin], [], [])
    if ended not in ready:
        run.send_signal(signal.SIGTERM)
        try:
            run.wait(PUT_BACK_SECONDS)
        except subprocess.TimeoutExpired:
            run.kill()
    status = run.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
