"""Names that exist, but not there: objects of another namespace, what an applied object refers to, paths one
letter beside those of the manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from drill.errors import InputError
from drill.lint.document import Fence
from drill.lint.finding import Finding
from drill.lint.kubectl import Kubectl
from drill.lint.manifests import Manifests, claims_of, kind_of, mounts_of, name_of, objects_in
from drill.lint.rule import rule
from drill.lint.shell import Redirect
from drill.lint.subject import Subject

DEFAULT = "default"
CLAIM = "PersistentVolumeClaim"
ITS_OWN = "kubernetes"
"""The one Service that every cluster has in `default`."""
PATH = re.compile(r"(?<![\w./$}<-])/(?!/)[\w.-]+(?:/[\w.-]+)*")
LEAST_PATH = 4
"""Shorter names are a letter beside many others."""


@rule(
    "D112",
    "the object is in another namespace",
    why="""The manifests have it, but not there: kubectl says `not found`, or finds nothing and ends with 0.
    In `default` is only what somebody put there.""",
    bad="kubectl rollout status deployment/novel-engine -n default",
    good="kubectl rollout status deployment/novel-engine -n novel-engine-production",
    needs=("manifests",),
)
def other_namespace(subject: Subject) -> Iterator[Finding]:
    """Named objects, against the namespaces that the manifests give them; -n default where nothing is."""
    manifests = subject.manifests
    if manifests is None:
        return
    used = {space for spaces in manifests.spaces.values() for space in spaces}
    for call in subject.calls:
        word = call.namespace
        name = call.value("namespace") or ""
        if word is None or not word.is_literal or "" in used or not used:
            continue
        spaces = _spaces(call, manifests)
        is_empty = name == DEFAULT and name not in used and not _is_clusters_own(call)
        if (spaces and name not in spaces and name in used | {DEFAULT}) or is_empty:
            right = ", ".join(sorted(spaces or used))
            yield subject.finding(
                "D112", word, f"nothing that it names is in {name!r}: the manifests have {right}", right
            )


def _spaces(call: Kubectl, manifests: Manifests) -> frozenset[str]:
    """The namespaces of the objects that a call names, as far as the manifests have them."""
    found = [manifests.spaces.get((target.kind, target.name), frozenset()) for target in call.targets]
    return frozenset().union(*found)


def _is_clusters_own(call: Kubectl) -> bool:
    return any(target.name == ITS_OWN for target in call.targets)


@rule(
    "D113",
    "the applied object refers to what is not there",
    why="""A pod with a claim that nobody made stays Pending, and a mount without its volume is refused.
    Whatever waits for the pod waits in vain.""",
    bad="""kubectl apply -n novel-engine-production -f - <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: look}
spec:
  containers:
    - {name: look, image: 'novel-engine:drill', volumeMounts: [{name: data, mountPath: /app/data}]}
  volumes: [{name: data, persistentVolumeClaim: {claimName: novel-engine-dat}}]
EOF""",
    good="""kubectl apply -n novel-engine-production -f - <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: look}
spec:
  containers:
    - {name: look, image: 'novel-engine:drill', volumeMounts: [{name: data, mountPath: /app/data}]}
  volumes: [{name: data, persistentVolumeClaim: {claimName: novel-engine-data}}]
EOF""",
    needs=("manifests",),
)
def applied_reference(subject: Subject) -> Iterator[Finding]:
    """Objects in a heredoc of kubectl apply, create and replace, against the manifests and each other."""
    manifests = subject.manifests
    if manifests is None:
        return
    applied = list(_applied(subject))
    claims = {name_of(entry) for _, _, entry in applied if kind_of(entry) == CLAIM} | manifests.names(CLAIM)
    for call, redirect, entry in applied:
        for name in claims_of(entry):
            if name not in claims:
                yield _finding(subject, call, redirect, name, f"no claim {name!r} is in the manifests")
        volumes, mounts = mounts_of(entry)
        for name in mounts:
            if name not in volumes:
                yield _finding(subject, call, redirect, name, f"no volume of the pod is named {name!r}")


def _applied(subject: Subject) -> Iterator[tuple[Kubectl, Redirect, Mapping[str, Any]]]:
    for call in subject.calls:
        if call.verb not in {"apply", "create", "replace"}:
            continue
        for redirect in call.command.redirects:
            if redirect.operator != "<<" or "$" in redirect.text or "{{" in redirect.text:
                continue
            try:
                entries = list(objects_in(subject.document.path, redirect.text))
            except InputError:
                continue
            for entry in entries:
                yield call, redirect, entry


def _finding(subject: Subject, call: Kubectl, redirect: Redirect, name: str, message: str) -> Finding:
    fence = call.command.fence
    at = re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", redirect.text)
    start = redirect.start + (at.start() if at else 0)
    span = fence.places.span(start, start + len(name))
    return subject.finding("D113", span, f"{message}: it is refused, or never starts")


@rule(
    "D114",
    "the path is a letter beside one of the manifests",
    why="""The manifests mount one folder, and the command names nearly the same: it finds nothing, or makes a
    new one that the next restart removes.""",
    bad="kubectl exec deployment/novel-engine -n novel-engine-production -- rm -f /app/dat/engine.lock",
    good="kubectl exec deployment/novel-engine -n novel-engine-production -- rm -f /app/data/engine.lock",
    needs=("manifests",),
)
def near_path(subject: Subject) -> Iterator[Finding]:
    """Paths in commands and in applied objects, by as many folders as a path of the manifests has."""
    manifests = subject.manifests
    if manifests is None:
        return
    known = {path for path in manifests.paths if len(path) >= LEAST_PATH}
    for command in subject.commands:
        if command.carrier is not None:
            continue
        for word in command.words:
            yield from _beside(subject, command.fence, word.raw, word.start, known)
        for redirect in command.redirects:
            if redirect.operator == "<<" and subject.call_of(command) is not None:
                yield from _beside(subject, command.fence, redirect.text, redirect.start, known)


def _beside(subject: Subject, fence: Fence, text: str, start: int, known: set[str]) -> Iterator[Finding]:
    for found in PATH.finditer(text):
        parts = found[0].rstrip("/").split("/")
        fronts = {"/".join(parts[:count]) for count in range(2, len(parts) + 1)}
        if fronts & known:
            continue
        near = sorted(path for path in known for front in fronts if _is_a_letter_beside(front, path))
        if near:
            span = fence.places.span(start + found.start(), start + found.end())
            yield subject.finding(
                "D114", span, f"{found[0]} is nowhere in the manifests, {near[0]} is", near[0]
            )


def _is_a_letter_beside(one: str, other: str) -> bool:
    """True where one letter more, less or another makes the one of the other; a digit is meant so."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    front = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    letters = one[front : front + 1] + other[front : front + 1]
    rests = (one[front + 1 :], other[front + 1 :])
    is_near = rests[0] == rests[1] or one[front:] == rests[1] or rests[0] == other[front:]
    return is_near and not any(letter.isdigit() or letter == "/" for letter in letters)
