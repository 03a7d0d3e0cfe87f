"""`python -m pytest ...` and `drill ...` as people start them, each in a process of its own: a copy of one
that has imported already what takes seconds to import.

    python tests/unit/commands.py

is that process. Flows in, on standard input: command lines, a line of JSON each. Flows out, on standard
output: the exit status of each.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DRILL = ("-c", "from drill.start import main; main()")
LONGEST_SECONDS = 1800
"""A bound for what hangs only."""


def environment_of(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Where no cluster is to be found, unless `environment` names one."""
    none = {"PYTHONPATH": str(ROOT), "DRILL_KUBECONFIG": str(folder / "no-kubeconfig")}
    return {**os.environ, **none, **environment}


def fresh_python(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments in the folder, from its very beginning."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment_of(folder, environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )


def python(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `fresh_python` does, in a copy: `arguments` begin with -m or -c."""
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / "stdout", Path(place) / "stderr"]
        command = {
            "arguments": arguments,
            "folder": str(folder.resolve()),
            "environment": environment_of(folder, environment),
            "files": [str(file) for file in files],
        }
        copied = _copied()
        assert copied.stdin is not None
        assert copied.stdout is not None
        copied.stdin.write(json.dumps(command) + "\n")
        copied.stdin.flush()
        status = int(copied.stdout.readline())
        said, told = (file.read_text(encoding="utf-8") for file in files)
    return subprocess.CompletedProcess([sys.executable, *arguments], status, said, told)


def drill(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The drill command."""
    return python(folder, *DRILL, *arguments, **environment)


@cache
def _copied() -> subprocess.Popen[str]:
    """It ends when its standard input does: before this process, or with it."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    atexit.register(process.communicate)
    return process


def main() -> None:
    """Carry out what comes in, one after the other."""
    import allure_pytest.plugin  # noqa: F401, PLC0415 - of the copied process alone, as those below
    import hypothesis  # noqa: F401, PLC0415 - as its plugin does at the end of each pytest
    import pytest_bdd.plugin  # noqa: F401, PLC0415

    import drill.cli  # noqa: PLC0415
    import drill.plugin  # noqa: F401, PLC0415

    # what is imported is no garbage, which a copy looks for as it goes, and pytest twice at its end
    gc.freeze()
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if not child:
            _become(command["folder"], command["environment"], command["files"])
            _start(*command["arguments"])
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(folder: str, environment: dict[str, str], files: list[str]) -> None:
    """What a process has from whoever starts it."""
    from drill.report import live  # noqa: PLC0415 - there already

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.alarm(LONGEST_SECONDS)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), descriptor)
    os.dup2(2, live._terminal_descriptor)


def _start(option: str, what: str, *arguments: str) -> None:
    """`python OPTION WHAT ARGUMENTS`."""
    sys.argv = [option, *arguments]
    if option == "-m":
        sys.path[0] = os.getcwd()
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = ""
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    main()
