"""A container engine on this machine. Flows in: nothing. Flows out: a Docker engine that answers, or one
clear error.

Where Docker runs, it is used as it is. Where it does not and we are root on Debian, it is installed and
started; bookworm's own 20.10 cannot start privileged containers without CAP_SYS_RESOURCE, so there the engine
comes from the next release, pinned so that nothing else does.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from drill import wait
from drill.errors import DeadlineError, SetupError
from drill.machine.stage import output, run, say, stage, succeeds
from drill.programs import cache_folder

PIN = Path("/etc/apt/preferences.d/drill-trixie")
SOURCE = Path("/etc/apt/sources.list.d/drill-trixie.sources")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
CGROUP_V1 = Path("/sys/fs/cgroup")
MINIMUM_FREE_GIB = 12
LEFT_BEHIND = (Path("/run/docker.pid"), Path("/run/docker/containerd/containerd.pid"))
LEAST_MAJOR, NEXT = 23, "trixie"


def pid_file() -> Path:
    """Holds the process id of the Docker engine that drill started, if it did."""
    return cache_folder() / "dockerd.pid"


def answers() -> bool:
    """True when a Docker engine answers this user."""
    return succeeds(["docker", "version", "--format", "{{.Server.Version}}"])


def ensure_engine() -> None:
    """Have a Docker engine, installing and starting one where that may be done. Raises SetupError that says
    what to do.
    """
    if answers():
        return
    if os.geteuid() != 0:
        raise SetupError(
            "no Docker engine answers, and only root may install or start one: start Docker (or join its "
            "group), or run this as root"
        )
    if shutil.which("dockerd") is None:
        _install()
    _start()


def check_disk(folder: Path) -> None:
    """Raise SetupError when there is too little room for images and compilers."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / 2**30
    if free < MINIMUM_FREE_GIB:
        raise SetupError(
            f"{folder}: {free:.1f} GiB are free, expected at least {MINIMUM_FREE_GIB} GiB; make room and "
            "run this again"
        )


def _install() -> None:
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    if not re.search(r"^ID(_LIKE)?=.*debian", release, re.MULTILINE):
        raise SetupError(
            "no Docker engine, and drill can install one only on Debian: install and start Docker, then "
            "run this again"
        )
    with stage("installing the Docker engine from Debian's packages"):
        _apt("update", why="read the package lists")
        packages = ["docker.io", "docker-buildx", *([] if shutil.which("docker") else ["docker-cli"])]
        if _offered_major() < LEAST_MAJOR:
            SOURCE.write_text(
                f"Types: deb\nURIs: {_mirror()}\nSuites: {NEXT}\nComponents: main\nSigned-By: {KEYRING}\n",
                encoding="utf-8",
            )
            PIN.write_text(f"Package: *\nPin: release n={NEXT}\nPin-Priority: 100\n", encoding="utf-8")
            _apt("update", why="read the package lists")
            # only these from there, by name: what they need comes from this release as far as it has it
            packages = [f"{package}/{NEXT}" for package in packages]
        _apt("install", *packages, "iptables", why="install the Docker engine")


def _apt(action: str, *packages: str, why: str) -> None:
    options = ["-y", "--no-install-recommends"] if packages else []
    run(
        ["apt-get", action, "-qq", *options, *packages],
        why=why,
        environment={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )


def _offered_major() -> int:
    """The major version of the engine that this machine's package lists offer; 0 for none."""
    found = re.search(
        r"Candidate: (\d+)\.",
        output(["apt-cache", "policy", "docker.io"], why="ask for the engine's version"),
    )
    return int(found.group(1)) if found else 0


def _mirror() -> str:
    """The Debian mirror that this machine already uses."""
    folder = Path("/etc/apt/sources.list.d")
    for file in [
        *sorted(folder.glob("*.sources")),
        *sorted(folder.glob("*.list")),
        Path("/etc/apt/sources.list"),
    ]:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        found = re.search(r"^(?:URIs:|deb(?:\s+\[[^\]]*\])?)\s*(\S*/debian/?)(?:\s|$)", text, re.MULTILINE)
        if found:
            return found.group(1)
    raise SetupError(
        "/etc/apt: expected a source of Debian's main archive; found none to install the Docker engine from"
    )


def _start() -> None:
    log = cache_folder() / "dockerd.log"
    with stage(f"starting the Docker engine (log: {log})"):
        _mount_missing_cgroups()
        _forget_the_dead()
        with log.open("ab") as file:
            process = subprocess.Popen(
                # docker's own proxy keeps each connection that a fault leaves unanswered for two minutes, and
                # ends when it has no descriptors left; the kernel forwards instead
                ["dockerd", "--userland-proxy=false"],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        pid_file().write_text(str(process.pid), encoding="utf-8")
        try:
            wait.until(
                "the Docker engine to answer",
                lambda: answers() or process.poll() is not None,
                seconds=60,
                every_seconds=0.5,
            )
        except DeadlineError as error:
            raise SetupError(f"{error}; its log: {log}") from error
        if process.poll() is not None:
            tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            raise SetupError(f"the Docker engine ended at once: {' | '.join(tail)}; its log: {log}")


def _forget_the_dead() -> None:
    """An engine that was killed leaves files with its process id; where another process has that id by now, a
    new engine would not start.
    """
    for file in LEFT_BEHIND:
        if file.exists() and _program(file.read_text(encoding="utf-8").strip()) not in (
            "dockerd",
            "containerd",
        ):
            file.unlink()


def _program(pid: str) -> str:
    command = Path(f"/proc/{pid}/comm")
    return command.read_text(encoding="utf-8").strip() if command.exists() else ""


def _mount_missing_cgroups() -> None:
    """Controllers of cgroup v1 that no hierarchy has yet: the engine wants them, and must find them when it
    starts.
    """
    if (CGROUP_V1 / "cgroup.controllers").exists():
        return
    known = {
        line.split()[0]
        for line in Path("/proc/cgroups").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    }
    for controller in ("hugetlb", "perf_event", "net_cls", "net_prio"):
        folder = CGROUP_V1 / controller
        if controller in known and not os.path.ismount(folder):
            folder.mkdir(exist_ok=True)
            run(
                ["mount", "-t", "cgroup", "-o", controller, "cgroup", str(folder)],
                why=f"mount the cgroup controller {controller}",
            )


def stop_own_engine() -> None:
    """End the Docker engine if it is the one that drill started; one that was there before stays."""
    if not pid_file().exists():
        return
    pid = int(pid_file().read_text(encoding="utf-8"))
    if _program(str(pid)) == "dockerd":
        os.kill(pid, signal.SIGTERM)
        wait.until("the Docker engine to end", lambda: _ended(pid), seconds=60)
        say("    the Docker engine that drill started has ended")
    pid_file().unlink()


def _ended(pid: int) -> bool:
    """True for a process that is gone, or that only waits to be reaped."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
