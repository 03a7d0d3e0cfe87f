"""Commands that prove items. Flows in: a command line. Flows out: how it ended.

A command is started without a shell, in the folder of drill.toml, and is shown no kubeconfig: what needs the
cluster is a scenario's to prove.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

MOST_OUTPUT = 200


@dataclass(frozen=True)
class CommandOutcome:
    """`status`: None where it could not be started or did not end in time; `said`: the end of its output, or
    why it has no status."""

    status: int | None
    said: str


def carry_out(command: str, seconds: float, folder: Path) -> CommandOutcome:
    """Run it to its end, at most so many seconds: then it is ended, with all that it started."""
    with TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                shlex.split(command),
                cwd=folder,
                env=_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return CommandOutcome(None, f"could not be started: {error.strerror}")
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return CommandOutcome(None, f"had not ended after {seconds:g} s")
        finally:
            _end(process)
        output.seek(0)
        said = " ".join(output.read().decode(errors="replace").split())
    return CommandOutcome(status, said[-MOST_OUTPUT:])


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """The programs of this Python's environment, `drill` among them, come first."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), given.get("PATH", os.defpath)])
    return {**given, "PATH": programs, "KUBECONFIG": os.devnull}


def _end(process: subprocess.Popen[bytes]) -> None:
    """What it left in the background too: it has a session of its own."""
    with suppress(ProcessLookupError):  # nothing of it is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
