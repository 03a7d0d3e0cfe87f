"""What is on this machine? Flows in: settings. Flows out: one finding per part: its version, or what its
absence prevents.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from drill.cluster.access import connect, kubeconfig_path
from drill.cluster.identity import has_own_identity, operator_kubeconfig
from drill.errors import DrillError
from drill.machine import engine, kind, node_image
from drill.machine.cloud_tools import cloud_tools
from drill.machine.operator_tools import MADE_WHEN_NEEDED
from drill.machine.stage import succeeds
from drill.parts.health import target_health
from drill.programs import program
from drill.settings import Settings

SECONDS = 10


@dataclass(frozen=True)
class Finding:
    """One part. `seen`: its version or state; `prevents`: what cannot be done without it; `needed`: without
    it no drill runs.
    """

    part: str
    present: bool
    seen: str
    prevents: str = ""
    needed: bool = True

    def line(self) -> str:
        """One line for people."""
        mark = "ok" if self.present else "MISSING" if self.needed else "absent"
        return f"{mark:>8}  {self.part}: {self.seen}" + (
            "" if self.present else f"; without it {self.prevents}"
        )


def diagnose(settings: Settings, allow_context: str | None = None) -> list[Finding]:
    """Look at everything once; nothing is changed."""
    findings = [
        _program(
            "Docker engine",
            ["docker", "version", "--format", "{{.Server.Version}}"],
            "no cluster can be made; `drill up` installs it where it may",
        ),
        _program("kind", [_own("kind"), "version"], "no cluster can be made; `drill up` compiles it"),
        # without a kubeconfig: some kubectl on PATH ask the current context's server for its version even
        # then
        _program(
            "kubectl",
            [_own("kubectl"), "--kubeconfig=/dev/null", "version", "--client"],
            "no procedure can be followed; `drill up` compiles it",
        ),
        _program(
            "promtool",
            [_own("promtool"), "--version"],
            "`drill lint` does not apply D901; drills and `drill alerts` install it when they first need it",
            needed=False,
        ),
        _node_image(),
        _cluster(settings),
        _identity(settings),
        _target(settings, allow_context),
    ]
    for tool in settings.operator.tools:
        if tool == "aws" and settings.cloud is not None:
            findings.append(_cloud_tools())
            continue
        found = program(tool)
        findings.append(
            Finding(
                f"operator's {tool}",
                found is not None,
                str(found or "not found"),
                f"steps of the runbook that call {tool} are inconclusive{_made(tool)}",
                False,
            )
        )
    return findings


def _made(tool: str) -> str:
    return "; drills and `drill tools` make it when they first need it" if tool in MADE_WHEN_NEEDED else ""


def _own(name: str) -> str:
    return str(program(name) or name)


def _program(part: str, command: Sequence[str], prevents: str, *, needed: bool = True) -> Finding:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        return Finding(part, False, type(error).__name__, prevents, needed)
    said = (done.stdout or done.stderr).strip().splitlines()
    return Finding(part, done.returncode == 0, said[0] if said else "no version told", prevents, needed)


def _cloud_tools() -> Finding:
    part, prevents = "operator's aws", "steps of the runbook that call aws are inconclusive"
    try:
        tools = cloud_tools()
    except DrillError as error:
        return Finding(part, False, str(error), prevents, False)
    seen = (
        f"{tools.client}, answered by {tools.emulator}"
        if tools.folder.exists()
        else "drills install it when they first need it"
    )
    return Finding(part, tools.folder.exists(), seen, prevents, False)


def _node_image() -> Finding:
    names = (
        [name for name in (*node_image.UPSTREAM, node_image.built_name()) if node_image.has_image(name)]
        if engine.answers()
        else []
    )
    return Finding(
        "node image",
        bool(names),
        ", ".join(names) or "none",
        "a cluster takes 10 to 15 minutes longer, for compiling one",
    )


def _cluster(settings: Settings) -> Finding:
    try:
        name = kind.name_of(settings)
    except DrillError as error:
        return Finding("cluster", False, str(error), "no drill runs")
    ready = kubeconfig_path(settings.target.context).exists() and succeeds(
        [_own("kubectl"), *_context(settings), "get", "--raw", "/readyz"], seconds=SECONDS
    )
    return Finding(
        f"cluster {name}",
        ready,
        "answers" if ready else "does not answer",
        "no drill runs; `drill up` makes it",
    )


def _identity(settings: Settings) -> Finding:
    own = has_own_identity(settings.target.context)
    return Finding(
        "operator's identity",
        own,
        str(operator_kubeconfig(settings.target.context)) if own else "none",
        "no drill can say what the operator changed; `drill up` makes it in a cluster of its own",
        False,
    )


def _context(settings: Settings) -> list[str]:
    return [
        "--kubeconfig",
        str(kubeconfig_path(settings.target.context)),
        "--context",
        settings.target.context,
    ]


def _target(settings: Settings, allow_context: str | None) -> Finding:
    part, prevents = (
        f"target {settings.target.name}",
        "no drill passes its health gate; `drill up` deploys it, `drill put-back` returns it",
    )
    try:
        seen = target_health(connect(settings, allow_context), settings)
    except DrillError as error:
        return Finding(part, False, str(error), prevents)
    return Finding(part, seen.healthy, seen.observed, prevents)
