"""Changes that something undoes: the autoscaler, the next apply, the next restart, the end of the session."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drill.lint.finding import Finding
from drill.lint.kubectl import WORKLOADS
from drill.lint.manifests import Manifests, count_of, name_of
from drill.lint.rule import rule
from drill.lint.shell import Command
from drill.lint.sqlite import session_of
from drill.lint.subject import Subject

KEPT_ELSEWHERE = re.compile(
    r"\b(?:manifests?|git|repository|commit(?:ted)?|pull request|merge request|kustomiz\w*|values\.ya?ml|"
    r"helm|terraform|"
    r"config ?maps?|config(?:uration)? file|redis\.conf|my\.cnf|postgresql\.conf|sysctl\.d|permanent\w*|"
    r"persist\w*|"
    r"temporar\w*|until the next|for now)\b",
    re.IGNORECASE,
)
PATCHED_KINDS = WORKLOADS | {"HorizontalPodAutoscaler", "Ingress", "Service", "ConfigMap"}
SESSION_STATEMENT = re.compile(
    r"^\s*(?:SET\s+(?!GLOBAL|PERSIST|@@GLOBAL)|PRAGMA\s+busy_timeout)", re.IGNORECASE
)
GLOBAL_STATEMENT = re.compile(r"\bSET\s+(?:GLOBAL\s|@@GLOBAL\.)", re.IGNORECASE)


def _tells_where_kept(subject: Subject, command: Command) -> bool:
    return KEPT_ELSEWHERE.search(subject.comment_above(command)) is not None


@rule(
    "D601",
    "the autoscaler takes it back",
    why="""A HorizontalPodAutoscaler owns the number of pods. A number set by hand lasts until its next look,
    seconds to minutes later. (Scaling to none is respected.)""",
    bad="kubectl scale deployment novel-engine --replicas=8 -n novel-engine-production",
    good="""# in the manifests too, or the next apply takes it back
kubectl patch hpa novel-engine-hpa -n novel-engine-production -p '{"spec":{"minReplicas":8}}'""",
    needs=("manifests",),
)
def against_autoscaler(subject: Subject) -> Iterator[Finding]:
    """kubectl scale to more than the autoscaler's least, of a workload that one scales."""
    manifests = subject.manifests
    if manifests is None:
        return
    for call in subject.calls:
        replicas = call.value("replicas") or ""
        if call.verb != "scale" or not replicas.isdigit() or replicas == "0":
            continue
        for target in call.targets:
            scaler = _scaler(manifests, target.kind, target.name)
            if (
                scaler is not None
                and int(replicas) != scaler[1]
                and not _tells_autoscaler(subject, call.command)
            ):
                yield subject.finding(
                    "D601",
                    call.command,
                    f"lasts until the next look of {scaler[0]}, which owns the number of pods",
                    f"change minReplicas of {scaler[0]}",
                )


def _scaler(manifests: Manifests, kind: str, name: str) -> tuple[str, int] | None:
    found = manifests.scalers_of(kind, name)
    if not found:
        return None
    return name_of(found[0]), count_of(found[0]["spec"], "minReplicas")


def _tells_autoscaler(subject: Subject, command: Command) -> bool:
    comment = subject.comment_above(command).lower()
    return "autoscaler" in comment or "hpa" in re.findall(r"\w+", comment)


@rule(
    "D602",
    "the next apply takes it back",
    why="""What is patched in the cluster and not in the manifests lasts until somebody, or a pipeline,
    applies them again. Say in a comment where the change is kept, or that it is meant for now.""",
    bad="""kubectl set resources deployment/novel-engine -n novel-engine-production --limits=memory=1Gi""",
    good="""# and in the manifests, or the next apply takes it back
kubectl set resources deployment/novel-engine -n novel-engine-production --limits=memory=1Gi""",
    needs=("manifests",),
)
def against_apply(subject: Subject) -> Iterator[Finding]:
    """patch and set of an object that the manifests have, with no word on where the change is kept."""
    manifests = subject.manifests
    if manifests is None:
        return
    for call in subject.calls:
        if call.verb not in {"patch", "set resources", "set env", "set selector"} or call.has("dry-run"):
            continue
        for target in call.targets[:1]:
            known = target.kind in PATCHED_KINDS and target.name in manifests.names(target.kind)
            if known and not _tells_where_kept(subject, call.command):
                yield subject.finding(
                    "D602",
                    call.command,
                    f"lasts until the manifests are applied again: they have {target.kind} {target.name}",
                    "a comment that says where it is kept, or that it is temporary",
                )


@rule(
    "D603",
    "the next restart takes it back",
    why="""CONFIG SET, SET GLOBAL, sysctl -w and iptables change what runs, not what starts. After a restart,
    often that of the same incident, the old setting is back.""",
    bad="kubectl exec deployment/redis -n novel-engine-production -- redis-cli CONFIG SET maxmemory 256mb",
    good="""# keep it in the ConfigMap too: a restart forgets this
kubectl exec deployment/redis -n novel-engine-production -- redis-cli CONFIG SET maxmemory 256mb""",
)
def against_restart(subject: Subject) -> Iterator[Finding]:
    """Settings made at run time, unless the text says where they are kept or the manifests have them."""
    for command in subject.commands:
        setting = _runtime_setting(command)
        if not setting or _tells_where_kept(subject, command) or _is_kept_below(subject, command):
            continue
        if subject.manifests is not None and setting in subject.manifests.configuration_text:
            continue
        yield subject.finding(
            "D603",
            command.outer,
            f"{setting} is forgotten with the next restart",
            "keep it in the configuration too",
        )


def _runtime_setting(command: Command) -> str:
    texts = command.texts
    if command.name == "redis-cli":
        lower = [text.lower() for text in texts]
        for index in range(len(texts) - 2):
            if lower[index : index + 2] == ["config", "set"]:
                return " ".join(texts[index + 2 :])
    if command.name in {"mysql", "mariadb"} and any(GLOBAL_STATEMENT.search(text) for text in texts):
        return "SET GLOBAL"
    if command.name == "sysctl" and command.has("-w", "--write"):
        return next((text for text in texts if "=" in text), "")
    return ""


def _is_kept_below(subject: Subject, command: Command) -> bool:
    around = [*subject.earlier(command), *subject.later(command)]
    for other in around:
        text = " ".join(other.texts).lower()
        files = [word.text for word in other.writes_to()]
        if "config rewrite" in text or "/etc/sysctl" in text or any("/etc/" in file for file in files):
            return True
        if other.name == "sysctl" and other.has("-p", "--system"):
            return True
    return False


@rule(
    "D604",
    "it sets something in a session that ends at once",
    why="""`.timeout`, SET and export hold for the session that says them. A session of its own, opened by one
    command, ends with it: nothing is shown and nothing is changed.""",
    bad="""kubectl exec deployment/novel-engine -n novel-engine-production -- \\
    sqlite3 /app/data/engine.db ".timeout 30000\"""",
    good="""kubectl exec deployment/novel-engine -n novel-engine-production -- \\
    sqlite3 -cmd ".timeout 30000" /app/data/engine.db "BEGIN IMMEDIATE; ROLLBACK;\"""",
)
def ended_session(subject: Subject) -> Iterator[Finding]:
    """A lone setting given to sqlite3, psql, mysql or a shell elsewhere."""
    for command in subject.commands:
        statement = _lone_setting(command)
        if statement:
            yield subject.finding(
                "D604",
                command.outer,
                f"{statement!r} holds for a session that ends at once: nothing is changed",
                "in the same session as what needs it",
            )


def _lone_setting(command: Command) -> str:
    texts = command.texts
    opened = session_of(command)
    if opened is not None and not opened.first and len(opened.statements) == 1:
        (said,) = opened.statements
        if said.startswith(".timeout") or _only_sets(said):
            return said
    if command.name in {"psql", "mysql"}:
        given = [
            texts[index + 1]
            for index, text in enumerate(texts[:-1])
            if text in {"-c", "-e", "--command", "--execute"}
        ]
        if len(given) == 1 and _only_sets(given[0]):
            return given[0]
    carried_by_pod = command.carrier is not None and command.carrier.name in {"kubectl", "docker", "oc"}
    if carried_by_pod and command.name in {"export", "cd", "ulimit", "alias", "source"}:
        return " ".join([command.name, *texts])
    return ""


def _only_sets(statement: str) -> bool:
    return SESSION_STATEMENT.match(statement) is not None and ";" not in statement.rstrip("; ")
