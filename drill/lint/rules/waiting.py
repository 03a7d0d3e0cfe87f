"""What waits. Flows in: a command. Flows out: whether what follows may count on something having happened."""

from __future__ import annotations

from drill.lint.kubectl import Kubectl
from drill.lint.shell import Command
from drill.lint.subject import Subject

WAITING_PROGRAMS = frozenset({"sleep", "wait", "read", "wait-for-it.sh", "wait-for-it", "dockerize"})
CHANGING_VERBS = frozenset(
    {
        "scale",
        "rollout restart",
        "rollout undo",
        "set image",
        "set env",
        "set resources",
        "patch",
        "apply",
        "create",
        "replace",
    }
)


def waits(subject: Subject, command: Command) -> bool:
    """True for a command after which something has had time to happen: it waits for a state, or a while."""
    if command.name in WAITING_PROGRAMS or "timeout" in command.wrappers:
        return True
    if command.status_decides == "while" or command.is_in_loop:
        return True
    call = subject.call_of(command)
    if call is not None:
        return call.verb in {"wait", "rollout status"} or call.has("watch") or call.has("wait")
    if command.name == "helm":
        return command.has("--wait", "--atomic")
    return command.name == "cilium" and "--wait" in command.texts


def is_retrying(command: Command) -> bool:
    """True for curl and wget that try again while they are refused."""
    if command.name == "curl":
        return command.has("--retry") and command.has("--retry-all-errors", "--retry-connrefused")
    return command.name == "wget" and command.has("--retry-connrefused")


def changes_workload(call: Kubectl) -> str:
    """The workload that a call changes, as KIND/NAME; empty where it changes none, or only in its head."""
    if call.verb not in CHANGING_VERBS or call.has("dry-run"):
        return ""
    targets = [target for target in call.targets if target.kind in {"Deployment", "StatefulSet", "DaemonSet"}]
    return f"{targets[0].kind}/{targets[0].name}" if targets else ""
