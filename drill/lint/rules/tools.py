"""Programs and options that are not there where they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drill.lint.finding import Finding
from drill.lint.kubectl import is_known_option, known_version
from drill.lint.rule import rule
from drill.lint.shell import Command
from drill.lint.subject import Subject

BUILTINS = frozenset(
    [
        "cd",
        "echo",
        "export",
        "set",
        "unset",
        "exit",
        "return",
        "read",
        "test",
        "[",
        "[[",
        "true",
        "false",
        ":",
        "printf",
        "pwd",
        "type",
        "ulimit",
        "umask",
        "wait",
        "exec",
        "eval",
        "source",
        ".",
        "trap",
        "shift",
        "alias",
        "local",
    ]
)
REMOVED: Mapping[tuple[str, str], str] = {
    ("get", "export"): "--export is gone since kubectl 1.18",
    ("get", "show-all"): "--show-all is gone since kubectl 1.13",
    ("get", "include-uninitialized"): "--include-uninitialized is gone since kubectl 1.16",
    ("run", "generator"): "--generator is gone since kubectl 1.24",
    ("run", "replicas"): "--replicas of kubectl run is gone since kubectl 1.18: it makes one pod",
    ("run", "requests"): "--requests of kubectl run is gone since kubectl 1.24",
    ("run", "limits"): "--limits of kubectl run is gone since kubectl 1.24",
    ("run", "serviceaccount"): "--serviceaccount of kubectl run is gone since kubectl 1.24",
    ("run", "hostport"): "--hostport of kubectl run is gone since kubectl 1.24",
    ("drain", "delete-local-data"): "--delete-local-data is --delete-emptydir-data since kubectl 1.20",
    ("apply", "prune-whitelist"): "--prune-whitelist is --prune-allowlist since kubectl 1.26",
    ("version", "short"): "--short is gone since kubectl 1.28",
    ("top pods", "heapster-namespace"): "Heapster is gone since kubectl 1.22",
    ("logs", "interactive"): "kubectl logs has no --interactive any more",
}
"""Options that older texts still have, by verb; what else kubectl does not know is told without a version."""
REMOVED_VERBS: Mapping[str, str] = {
    "rolling-update": "kubectl rolling-update is gone since kubectl 1.18: kubectl rollout",
    "convert": "kubectl convert is a plugin since kubectl 1.22",
}
OLD_HELM = {"init": "helm init is gone since Helm 3", "reset": "helm reset is gone since Helm 3"}


@rule(
    "D801",
    "the program is not in the image",
    why="""What `kubectl exec` starts must be in the image. A lean image has neither curl nor tar nor sqlite3,
    and a kubectl cp needs tar as well.""",
    bad="kubectl exec deployment/redis -n novel-engine-production -- sqlite3 -version",
    good="kubectl exec deployment/redis -n novel-engine-production -- redis-cli INFO memory",
    needs=("manifests", "image"),
)
def missing_program(subject: Subject) -> Iterator[Finding]:
    """Programs behind kubectl exec, against the list given for the image that the manifests run there."""
    manifests = subject.manifests
    if manifests is None or not subject.tools_of:
        return
    for command in subject.commands:
        found = _image_of(subject, command)
        if found is None or not command.name or command.name in BUILTINS:
            continue
        image, tools = found
        if command.name not in tools and command.words[0].text not in tools:
            yield subject.finding(
                "D801",
                command.words[0],
                f"{command.name} is not in the image {image}",
                "a pod with an image that has it",
            )


def _image_of(subject: Subject, command: Command) -> tuple[str, frozenset[str]] | None:
    carrier = command.runs_in
    call = subject.call_of(carrier)
    if call is None or call.verb != "exec" or subject.manifests is None:
        return None
    target = next(iter(call.targets), None)
    if target is None:
        return None
    boxes = subject.manifests.containers(target.kind, target.name)
    wanted = call.value("container")
    box = next((box for box in boxes if wanted in {None, box.name}), None)
    if box is None or box.image not in subject.tools_of:
        return None
    return box.image, subject.tools_of[box.image]


@rule(
    "D802",
    "the option or command is not one that the version knows",
    why="""kubectl and helm have dropped options that old texts still have: the command ends with `unknown
    flag`, and nothing of it is done.""",
    bad="kubectl drain node-1 --ignore-daemonsets --delete-local-data",
    good="kubectl drain node-1 --ignore-daemonsets --delete-emptydir-data",
)
def unknown_option(subject: Subject) -> Iterator[Finding]:
    """Options of kubectl that no such verb has; verbs that are gone; helm 2."""
    for call in subject.calls:
        if call.verb in REMOVED_VERBS and call.command.name == "kubectl":
            yield subject.finding("D802", call.command, REMOVED_VERBS[call.verb])
        for option in call.options:
            verb = {"top pod": "top pods", "top po": "top pods"}.get(call.verb, call.verb)
            gone = REMOVED.get((verb, option.name))
            if (
                gone is None
                and call.command.name == "kubectl"
                and option.word.is_literal
                and option.name.strip("-")
            ):
                is_plain = option.name.replace("-", "").isalnum() and len(option.name) > 1
                if is_plain and not option.is_known and not is_known_option(option.name, verb):
                    gone = f"kubectl {verb} of {known_version()} has no --{option.name}"
            if gone:
                yield subject.finding("D802", option.word, f"{gone}: the command is refused")
    for command in subject.commands:
        if command.name == "helm":
            texts = command.texts
            if texts[:1] and texts[0] in OLD_HELM:
                yield subject.finding("D802", command, OLD_HELM[texts[0]])
            elif texts[:1] in (["delete"], ["del"]) and "--purge" in texts:
                yield subject.finding("D802", command, "--purge is gone since Helm 3: the command is refused")
            elif texts[:1] == ["install"] and command.has("--name"):
                yield subject.finding("D802", command, "--name is gone since Helm 3: helm install NAME CHART")


@rule(
    "D803",
    "kubectl exec without `--`",
    why="""kubectl 1.33 and later refuse a command that is not set off by `--`; before, kubectl took the
    command's own options for its own.""",
    bad="kubectl exec redis-0 -n novel-engine-production redis-cli INFO",
    good="kubectl exec redis-0 -n novel-engine-production -- redis-cli INFO",
)
def without_separator(subject: Subject) -> Iterator[Finding]:
    """kubectl exec POD COMMAND."""
    for call in subject.calls:
        if call.verb != "exec" or call.has_separator or call.command.name != "kubectl":
            continue
        if len(call.positionals) > 1 and all(word.raw for word in call.positionals):
            yield subject.finding(
                "D803",
                call.command,
                "the command is not set off: newer versions of kubectl refuse it",
                f"-- before {call.positionals[1].raw}",
            )
