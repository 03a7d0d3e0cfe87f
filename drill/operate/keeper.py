"""Keeps a step's processes together. Flows in: the step's file and three pipes. Flows out: bash's exit
status; then, nothing is left.

Runs as a process of its own, with Python's standard library only. It is the reaper of all that the step
starts, so whatever goes into the background, or into a session of its own, is still found. When its standard
input closes (the operator has seen enough, or has been killed), it ends every process that is left: asked
first, killed after GRACE_SECONDS.

    python keeper.py STEP_FILE TRAPS_FILE ANNOUNCEMENTS GO STATUS      (the last three: descriptors)
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ANNOUNCEMENTS, GO = 198, 199
GRACE_SECONDS = 2.0


def children() -> dict[int, list[int]]:
    """Processes of this machine by their parent."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                found.setdefault(int(fields[1]), []).append(int(name))
    return found


def descendants(of: int) -> list[int]:
    """Every process below `of`, the nearest first."""
    by_parent = children()
    found: list[int] = []
    waiting = [of]
    while waiting:
        below = by_parent.get(waiting.pop(0), [])
        found += below
        waiting += below
    return found


def reap() -> dict[int, int]:
    """Exit statuses of the children that ended, as bash would say them."""
    ended: dict[int, int] = {}
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if process == 0:
            return ended
        code = os.waitstatus_to_exitcode(status)
        ended[process] = code if code >= 0 else 128 - code


def end_all() -> None:
    """End every descendant; returns when none is left."""
    deadline = time.monotonic() + GRACE_SECONDS
    asked: set[int] = set()
    while left := descendants(os.getpid()):
        late = time.monotonic() >= deadline
        for process in left:
            if late or process not in asked:
                asked.add(process)
                try:
                    os.kill(process, signal.SIGKILL if late else signal.SIGTERM)
                except ProcessLookupError:
                    continue
        reap()
        select.select([], [], [], 0.02)
    reap()


def start(step: str, traps: str, announcements: int, go: int, status: int) -> int:
    """Start bash on the step; returns its process id."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.fork()
    if process == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(announcements, ANNOUNCEMENTS)
        os.dup2(go, GO)
        for descriptor in (announcements, go, status):
            os.close(descriptor)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        environment = {**os.environ, "BASH_ENV": traps}
        os.execvpe("bash", ["bash", step], environment)
    return process


def main() -> None:
    """Run bash until it ends; then wait for standard input to close; then end what is left."""
    step, traps = sys.argv[1:3]
    announcements, go, status = (int(number) for number in sys.argv[3:6])
    operator = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    bash = start(step, traps, announcements, go, status)
    os.close(announcements)
    os.close(go)
    os.write(status, f"started {bash}\n".encode())
    while True:
        closed, _, _ = select.select([0], [], [], 0.02)
        if closed:
            break
        code = reap().get(bash)
        if code is not None:
            os.write(status, f"ended {code}\n".encode())
    end_all()
    if os.getppid() != operator:
        # killed: nobody else removes the operator's folder, and there is a token in it
        shutil.rmtree(os.environ["HOME"], ignore_errors=True)


if __name__ == "__main__":
    main()
