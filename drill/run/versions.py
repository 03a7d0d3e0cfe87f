"""With what a run was made: the checkout, the machine, the versions of what takes part."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from drill.run.facts import Machine, Project

LIBRARIES = (
    "drill",
    "pytest",
    "pytest-bdd",
    "locust",
    "chaostoolkit",
    "kubernetes",
    "msgspec",
    "numpy",
    "scipy",
)
PROGRAM_SECONDS = 5


def project_of(root: Path) -> Project:
    """The checkout that `root` lies in; empty where it is none or git is absent."""
    commit = _said(["git", "-C", str(root), "rev-parse", "HEAD"])
    changed = _said(["git", "-C", str(root), "status", "--porcelain", "--untracked-files=normal"])
    return Project(commit, sorted(line[3:] for line in changed.splitlines())) if commit else Project()


def machine() -> Machine:
    """The machine that this runs on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(cores=os.cpu_count() or 0, memory_bytes=memory, kernel=platform.release())


def tools(kubectl: str) -> dict[str, str]:
    """Versions by name; "absent" for what is not here. `kubectl`: its path."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    found["docker"] = _said(["docker", "version", "--format", "{{.Server.Version}}"]) or "absent"
    found["kubectl"] = _said([kubectl, "--kubeconfig=/dev/null", "version", "--client"]) or "absent"
    found["bash"] = _said(["bash", "--version"]).partition("\n")[0] or "absent"
    return found


def _said(command: Sequence[str]) -> str:
    """What a program prints; empty where it fails or is not there."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.rstrip("\n") if done.returncode == 0 else ""
