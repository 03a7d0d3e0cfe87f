"""Which commands never end by themselves. Flows in: one simple command, as bash tells it. Flows out: whether
it streams.

Only by explicit signs of programs known to stream; a command that is merely slow is not one (`kubectl rollout
status` ends by itself).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
WRAPPERS = frozenset({"sudo", "command", "exec", "nohup", "time", "stdbuf", "env"})
WATCHING = frozenset({"-w", "--watch", "--watch=true", "--watch-only", "--watch-only=true"})
FOLLOWING = frozenset({"-f", "--follow", "--follow=true", "-F", "--follow=name"})
KUBECTL_OPTIONS_WITH_VALUE = frozenset(
    {"-n", "--namespace", "--context", "--kubeconfig", "--cluster", "--user", "-s", "--server"}
)
ALWAYS = frozenset({"watch", "tcpdump"})


def streams(command: str) -> bool:
    """True where the command goes on until someone interrupts it."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    while words and (ASSIGNMENT.match(words[0]) or words[0] in WRAPPERS):
        words = words[1:]
    if not words:
        return False
    program, options = words[0].rsplit("/", 1)[-1], words[1:]
    if "--" in options:
        options = options[: options.index("--")]
    return program in ALWAYS or (program in KNOWN and KNOWN[program](options))


def _kubectl_streams(options: Sequence[str]) -> bool:
    verbs, skip = [], False
    for option in options:
        if skip:
            skip = False
        elif option in KUBECTL_OPTIONS_WITH_VALUE:
            skip = True
        elif not option.startswith("-"):
            verbs.append(option)
    verb = verbs[0] if verbs else ""
    if verb in {"port-forward", "proxy"}:
        return True
    if verb in {"get", "events"}:
        return _has_option(options, WATCHING)
    if verb == "logs":
        return _has_option(options, FOLLOWING)
    return False


def _has_option(options: Sequence[str], wanted: frozenset[str]) -> bool:
    return any(option in wanted for option in options)


def _top_streams(options: Sequence[str]) -> bool:
    return not any(option.startswith("-") and "n" in option for option in options)


def _ping_streams(options: Sequence[str]) -> bool:
    return not any(option.startswith(("-c", "-w")) for option in options)


def _redis_cli_streams(options: Sequence[str]) -> bool:
    return any(option.upper() in {"MONITOR", "SUBSCRIBE", "--STAT", "--LATENCY"} for option in options)


def _follows(options: Sequence[str]) -> bool:
    return _has_option(options, FOLLOWING)


def _logs_follow(options: Sequence[str]) -> bool:
    return options[:1] == ["logs"] and _follows(options)


KNOWN: dict[str, Callable[[Sequence[str]], bool]] = {
    "kubectl": _kubectl_streams,
    "tail": _follows,
    "journalctl": _follows,
    "docker": _logs_follow,
    "podman": _logs_follow,
    "top": _top_streams,
    "ping": _ping_streams,
    "redis-cli": _redis_cli_streams,
}
