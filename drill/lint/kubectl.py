"""kubectl's arguments by kubectl's own grammar. Flows in: a command whose program is kubectl (or oc). Flows
out: its verb, its options with their values, the objects that it names, and what stands behind `--`.

The options of every verb are in kubectl_flags.json, as `kubectl VERB --help` of the named version lists them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from drill.lint.shell import Command, Word

KINDS: dict[str, str] = {
    "po": "Pod",
    "pod": "Pod",
    "pods": "Pod",
    "svc": "Service",
    "service": "Service",
    "services": "Service",
    "deploy": "Deployment",
    "deployment": "Deployment",
    "deployments": "Deployment",
    "deployment.apps": "Deployment",
    "deployments.apps": "Deployment",
    "sts": "StatefulSet",
    "statefulset": "StatefulSet",
    "statefulsets": "StatefulSet",
    "ds": "DaemonSet",
    "daemonset": "DaemonSet",
    "daemonsets": "DaemonSet",
    "rs": "ReplicaSet",
    "replicaset": "ReplicaSet",
    "replicasets": "ReplicaSet",
    "cm": "ConfigMap",
    "configmap": "ConfigMap",
    "configmaps": "ConfigMap",
    "secret": "Secret",
    "secrets": "Secret",
    "ing": "Ingress",
    "ingress": "Ingress",
    "ingresses": "Ingress",
    "hpa": "HorizontalPodAutoscaler",
    "horizontalpodautoscaler": "HorizontalPodAutoscaler",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler",
    "netpol": "NetworkPolicy",
    "networkpolicy": "NetworkPolicy",
    "networkpolicies": "NetworkPolicy",
    "pvc": "PersistentVolumeClaim",
    "persistentvolumeclaim": "PersistentVolumeClaim",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "cj": "CronJob",
    "cronjob": "CronJob",
    "cronjobs": "CronJob",
    "cronjob.batch": "CronJob",
    "job": "Job",
    "jobs": "Job",
    "pdb": "PodDisruptionBudget",
    "poddisruptionbudget": "PodDisruptionBudget",
    "poddisruptionbudgets": "PodDisruptionBudget",
    "ns": "Namespace",
    "namespace": "Namespace",
    "namespaces": "Namespace",
    "no": "Node",
    "node": "Node",
    "nodes": "Node",
    "sa": "ServiceAccount",
    "serviceaccount": "ServiceAccount",
    "serviceaccounts": "ServiceAccount",
    "ep": "Endpoints",
    "endpoints": "Endpoints",
    "pv": "PersistentVolume",
    "ev": "Event",
    "events": "Event",
}
"""What kubectl's names and short names mean, for the kinds whose objects a set of manifests names."""

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"})
TWO_WORDS = frozenset(
    {"rollout", "set", "top", "config", "auth", "certificate", "cluster-info", "create", "apply", "adm"}
)
NAMES_BY_TYPE = frozenset(
    {
        "get",
        "describe",
        "delete",
        "edit",
        "patch",
        "label",
        "annotate",
        "scale",
        "autoscale",
        "expose",
        "wait",
        "rollout status",
        "rollout restart",
        "rollout undo",
        "rollout history",
        "rollout pause",
        "rollout resume",
        "set image",
        "set env",
        "set resources",
        "set selector",
        "set serviceaccount",
    }
)
WRITTEN_OTHERWISE = {
    "top pods": "top pod",
    "top po": "top pod",
    "top nodes": "top node",
    "top no": "top node",
}
PODS_UNLESS_TOLD = frozenset({"logs", "exec", "port-forward", "attach", "debug"})


@dataclass(frozen=True, eq=False)
class Option:
    """An option as given. `name`: the long one without dashes; `value`: None for a switch, or where it is
    missing."""

    name: str
    value: Word | None
    text: str
    word: Word
    is_known: bool


@dataclass(frozen=True, eq=False)
class Aim:
    """An object that the command names. `kind`: as manifests write it, or as written where it is none of
    KINDS."""

    kind: str
    name: str
    word: Word


@dataclass(frozen=True, eq=False)
class Kubectl:
    """One call of kubectl. `verb`: such as "logs" or "rollout status"; `rest`: what stands behind `--`."""

    command: Command
    verb: str
    positionals: tuple[Word, ...]
    options: tuple[Option, ...]
    rest: tuple[Word, ...]
    has_separator: bool

    def option(self, name: str) -> Option | None:
        """The last option of that long name."""
        return next((option for option in reversed(self.options) if option.name == name), None)

    def value(self, name: str) -> str | None:
        """The text of that option's value, where it was given and is known."""
        option = self.option(name)
        return option.text if option is not None else None

    def has(self, name: str) -> bool:
        """True where the option is given, and not as `=false`."""
        option = self.option(name)
        return option is not None and option.text != "false"

    @property
    def targets(self) -> tuple[Aim, ...]:
        """The objects that it names, in order."""
        return tuple(_targets(self))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that its first argument asks for, as `get pods,svc`."""
        if not self.positionals:
            return ()
        return tuple(
            KINDS.get(part.split("/")[0].lower(), part)
            for part in self.positionals[0].text.split(",")
            if part
        )

    @property
    def namespace(self) -> Word | None:
        """The word that names the namespace, if one is given."""
        option = self.option("namespace")
        return option.value if option is not None else None


@cache
def _flags() -> dict[str, Any]:
    text = resources.files("drill.lint").joinpath("kubectl_flags.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def known_version() -> str:
    """The version of kubectl whose options are known."""
    return str(_flags()["written by"])


def parse_kubectl(command: Command) -> Kubectl | None:
    """The call, or None where the command is not kubectl's or names no verb."""
    if command.name not in {"kubectl", "oc"}:
        return None
    verb_words: list[str] = []
    positionals: list[Word] = []
    options: list[Option] = []
    words = list(command.arguments)
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word.text == "--":
            return _call(command, verb_words, positionals, options, tuple(words[index:]), separated=True)
        if word.text.startswith("-") and len(word.text) > 1 and not (word.variables and not word.is_literal):
            taken = _option(word, words[index] if index < len(words) else None, " ".join(verb_words))
            options.extend(taken[0])
            index += taken[1]
        elif not verb_words or (
            len(verb_words) == 1 and verb_words[0] in TWO_WORDS and _is_second(verb_words[0], word)
        ):
            verb_words.append(word.text)
        else:
            positionals.append(word)
    return _call(command, verb_words, positionals, options, (), separated=False)


def _call(
    command: Command,
    verb: list[str],
    positionals: list[Word],
    options: list[Option],
    rest: tuple[Word, ...],
    *,
    separated: bool,
) -> Kubectl | None:
    return (
        Kubectl(command, " ".join(verb), tuple(positionals), tuple(options), rest, separated)
        if verb
        else None
    )


def _is_second(verb: str, word: Word) -> bool:
    return any(known.split(" ")[:2] == [verb, word.text] for known in _flags()) or verb in {
        "rollout",
        "set",
        "top",
        "adm",
    }


@cache
def _tables(verb: str) -> list[dict[str, Any]]:
    """The options of a verb, then those of every verb, then those of verbs that begin with it."""
    verb = WRITTEN_OTHERWISE.get(verb, verb)
    tables = {known: table for known, table in _flags().items() if isinstance(table, dict)}
    wider = [table for known, table in tables.items() if verb and known.startswith(f"{verb} ")]
    return [*(tables[name] for name in (verb, "every command") if name in tables), *wider]


def _option(word: Word, following: Word | None, verb: str) -> tuple[list[Option], int]:
    """The options that a word gives, and how many of the words behind it they take as values."""
    if word.text.startswith("--"):
        name, has_value, text = word.text[2:].partition("=")
        known = _takes_value(name, verb)
        if has_value:
            return [Option(name, word, text, word, known is not None)], 0
        if known and following is not None:
            return [Option(name, following, following.text, word, True)], 1
        return [Option(name, None, "", word, known is not None)], 0
    letters = word.text[1:]
    options: list[Option] = []
    for position, letter in enumerate(letters):
        long = _long(letter, verb)
        if long is not None and _takes_value(long, verb):
            rest = letters[position + 1 :].removeprefix("=")
            if rest:
                return [*options, Option(long, word, rest, word, True)], 0
            text = following.text if following is not None else ""
            return [*options, Option(long, following, text, word, True)], 1 if following is not None else 0
        if long is None and not letter.isalpha():
            break
        options.append(Option(long or letter, None, "", word, long is not None))
    return options, 0


def _takes_value(name: str, verb: str) -> bool | None:
    """Whether an option takes a value; None where no verb like this one knows it."""
    for table in _tables(verb):
        if name in table["values"]:
            return True
        if name in table["switches"]:
            return False
    return None


def _long(letter: str, verb: str) -> str | None:
    for table in _tables(verb):
        if letter in table["short"]:
            return str(table["short"][letter])
    return None


def is_known_option(name: str, verb: str) -> bool:
    """True where kubectl of the known version takes this option with this verb."""
    return _flags().get(WRITTEN_OTHERWISE.get(verb, verb)) is None or _takes_value(name, verb) is not None


def _targets(call: Kubectl) -> Iterator[Aim]:
    words = list(call.positionals)
    if call.verb in PODS_UNLESS_TOLD:
        yield from (_slashed(word, "Pod") for word in words[:1])
    elif call.verb == "cp":
        yield from _copied(words)
    elif call.verb in {"top pod", "top pods", "top po"}:
        yield from (Aim("Pod", word.text, word) for word in words)
    elif call.verb in {"cordon", "uncordon", "drain", "taint", "top node", "top nodes"}:
        yield from (_slashed(word, "Node") for word in words[:1])
    elif call.verb in NAMES_BY_TYPE:
        yield from _typed(call, words)


def _slashed(word: Word, kind_unless_told: str) -> Aim:
    kind, slash, name = word.text.partition("/")
    if not slash:
        return Aim(kind_unless_told, word.text, word)
    return Aim(KINDS.get(kind.lower(), kind), name, word)


def _typed(call: Kubectl, words: list[Word]) -> Iterator[Aim]:
    if not words:
        return
    if "/" in words[0].text:
        for word in words:
            if "/" in word.text and "=" not in word.text:
                yield _slashed(word, "")
        return
    kinds = words[0].text.split(",")
    if len(kinds) > 1:
        return
    kind = KINDS.get(kinds[0].lower(), kinds[0])
    for word in words[1:]:
        is_setting = "=" in word.text or word.text.endswith("-")
        if not (call.verb in {"label", "annotate", "set image", "set env"} and is_setting):
            yield Aim(kind, word.text, word)


def _copied(words: list[Word]) -> Iterator[Aim]:
    for word in words:
        place, colon, _ = word.text.partition(":")
        if colon and place and not place.startswith((".", "/")):
            yield Aim("Pod", place.rpartition("/")[2], word)


def named_containers(call: Kubectl) -> Iterator[tuple[Word, str]]:
    """The containers that a call names, each with the word that names it."""
    option = call.option("container")
    if option is not None and option.value is not None and option.value.is_literal:
        yield option.value, option.text
    if call.verb == "set image":
        for word in call.positionals[1:]:
            name, equals, _ = word.text.partition("=")
            if equals and name != "*" and "$" not in name:
                yield word, name


def copy_ends(call: Kubectl) -> tuple[Word, Word] | None:
    """Source and destination of `kubectl cp`."""
    return (
        (call.positionals[0], call.positionals[1])
        if call.verb == "cp" and len(call.positionals) >= 2
        else None
    )


def is_in_pod(word: Word) -> bool:
    """True for an end of `kubectl cp` that lies in a pod: POD:PATH."""
    place, colon, _ = word.text.partition(":")
    return bool(colon and place and not place.startswith((".", "/")))
