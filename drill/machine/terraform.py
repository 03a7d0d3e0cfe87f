"""Terraform, for operators whose runbook calls it. Flows in: cluster/opentofu. Flows out: the path of a
program named terraform.

The one that drill installed, else the one on PATH; where there is neither, OpenTofu is compiled from its
sources under that name: the same language and state, and the same commands for what needs no more than the
built-in provider. It takes minutes, once, so it comes when a drill first needs it, or by `drill tools`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from drill import wait
from drill.errors import DeadlineError, SetupError, filling_disk
from drill.machine.node_image import with_go
from drill.machine.stage import say
from drill.programs import cache_folder, installed, program

NAME = "terraform"
COMPILED = "tofu"
SOURCES = Path(__file__).resolve().parents[2] / "cluster" / "opentofu"
RELEASE = "-s -w -X github.com/opentofu/opentofu/version.dev=no"
COMPILE_SECONDS = 2400.0
TELL_EVERY_SECONDS = 20.0
OTHERWISE = "put a terraform, or OpenTofu under that name, on PATH"
MOST_SAID = 600


def ensure_terraform(
    tell: Callable[[str], None] = say, *, sources: Path = SOURCES, seconds: float = COMPILE_SECONDS
) -> Path:
    """A terraform, compiled now if need be; `tell` gets a line every 20 s meanwhile. Raises SetupError where
    it cannot be compiled, or takes longer than `seconds`, with what was going on."""
    found = program(NAME)
    if found is not None:
        return found
    target = installed(NAME)
    with filling_disk(f"keep {NAME} in {target.parent}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{NAME}-") as folder:
            tell("compiling OpenTofu, as terraform (some minutes, once)")
            _compile(sources, Path(folder), tell, seconds)
            # all at once: two that compile it at the same time both can
            os.replace(Path(folder) / COMPILED, target)
    return target


def _compile(sources: Path, folder: Path, tell: Callable[[str], None], seconds: float) -> None:
    environment = {
        **with_go(),
        "GOBIN": str(folder),
        "CGO_ENABLED": "0",
        "GOFLAGS": "-trimpath -mod=readonly",
        "GOTOOLCHAIN": "local",
    }
    log = cache_folder() / "opentofu.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["go", "install", "-v", "-ldflags", RELEASE, "tool"],
            cwd=sources,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    began = told = time.monotonic()

    def look() -> str:
        nonlocal told
        doing = _doing(log)
        if time.monotonic() - told >= TELL_EVERY_SECONDS:
            told = time.monotonic()
            tell(f"compiling OpenTofu, {told - began:.0f} s so far: {doing}")
        return doing

    try:
        wait.until(
            "OpenTofu to be compiled",
            look,
            lambda _: process.poll() is not None,
            seconds=seconds,
            every_seconds=0.5,
        )
    except DeadlineError as error:
        raise SetupError(
            f"{error}; its log: {log}. What is compiled by now is kept, so that trying again takes less; or "
            f"{OTHERWISE}"
        ) from error
    finally:
        _end(process)
    if process.returncode != 0:
        said = log.read_text(encoding="utf-8", errors="replace").strip()[-MOST_SAID:]
        raise SetupError(
            f"could not compile OpenTofu from {sources}: `go install` ended with exit status "
            f"{process.returncode}: {said}; its log: {log}. Otherwise {OTHERWISE}"
        )


def _doing(log: Path) -> str:
    """What Go has said last: the package that it compiles, or the module that it fetches."""
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return f"{said[-1]} ({len(said)} packages and modules)" if said else "nothing told yet"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what still compiles: Go, and the compilers that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
