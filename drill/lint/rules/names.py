"""Names that lead nowhere: objects that the manifests do not have, pods named by hand, files that nothing
makes, dates that are past, places that somebody had to fill.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from drill.lint.document import is_there
from drill.lint.finding import Finding
from drill.lint.kubectl import KINDS, WORKLOADS, Aim, Kubectl, copy_ends, is_in_pod, named_containers
from drill.lint.manifests import Manifests, service_ports
from drill.lint.programs import is_program
from drill.lint.rule import rule
from drill.lint.shell import Command, Word
from drill.lint.shell_reader import PLACEHOLDER
from drill.lint.subject import Subject

NAMED_IN_MANIFESTS = WORKLOADS | {
    "Service",
    "ConfigMap",
    "Secret",
    "Ingress",
    "HorizontalPodAutoscaler",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "ServiceAccount",
}
CLUSTERS_OWN_NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
MADE_AT_A_TIME = re.compile(r"backup|dump|snapshot|archive|export|restore", re.IGNORECASE)
SPEAKS_OF_TIME = re.compile(r"time|since|until|date|start|end|from|period|before|after", re.IGNORECASE)
ORDINAL_POD = re.compile(r".*-\d+")
DATE = re.compile(r"(?<![\d.v:/])(?<!\d-)(20\d\d)(-?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)(?![.]\d)")
PRINTS_OR_FILTERS = frozenset({"echo", "grep", "sed", "git", "cat", "ls"})
ASKS_A_HOST = frozenset(
    {"curl", "wget", "ssh", "scp", "rsync", "ping", "dig", "nslookup", "nc", "psql", "mysql"}
)
FICTION_PHONE = re.compile(r"\+?\(?1?[-. (]*(?:\d{3}[-. )]+)?555[-. ]01\d\d\b")
RESERVED_HOST = re.compile(r"(?:^|[/@.=\s])example\.(?:com|org|net)\b")
STANDS_FOR_A_NAME = re.compile(
    r"\b(?:your[-_](?:org|organization|company|domain|repo|registry|bucket|project|account|cluster|namespace|"
    r"user|"
    r"username|password|token|app|service|api[-_]key)|change[-_]?me|replace[-_]?me|(?-i:REPLACE[-_][A-Z_]+)|"
    r"(?-i:YOUR_[A-Z_]+|TODO|FIXME))\b|/path/to/",
    re.IGNORECASE,
)
CAPITALS = re.compile(r"[A-Z][A-Z0-9]*(?:[-_][A-Z0-9]+)+")
ENVIRONMENT = frozenset(
    [
        "HOME",
        "PATH",
        "USER",
        "PWD",
        "OLDPWD",
        "SHELL",
        "HOSTNAME",
        "TERM",
        "PS1",
        "LANG",
        "LC_ALL",
        "EDITOR",
        "TMPDIR",
        "UID",
        "EUID",
        "RANDOM",
        "SECONDS",
        "IFS",
        "PPID",
        "LINENO",
        "BASH",
        "BASH_SOURCE",
        "BASH_VERSION",
        "BASHPID",
        "FUNCNAME",
        "PIPESTATUS",
        "OPTARG",
        "OPTIND",
        "REPLY",
        "KUBECONFIG",
        "LOGNAME",
        "HOSTTYPE",
        "OSTYPE",
        "SUDO_USER",
        "SSH_AUTH_SOCK",
        "DISPLAY",
        "GOPATH",
        "JAVA_HOME",
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
        "COLUMNS",
        "GITHUB_TOKEN",
        "DEBUG",
        "EPOCHSECONDS",
        "MACHTYPE",
        "SHLVL",
        "NVM_DIR",
        "VIRTUAL_ENV",
    ]
)


def _near(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"{close[0]}?"
    return f"one of {', '.join(names[:6])}" if names else ""


def _made(subject: Subject) -> set[str]:
    """Names of what the document's own commands make: kubectl create, run, expose, autoscale, and texts
    applied."""
    names: set[str] = set()
    for call in subject.calls:
        if call.verb == "run":
            names.update(word.text for word in call.positionals[:1])
        elif call.verb.startswith("create"):
            names.update(word.text for word in call.positionals)
        elif call.verb in {"expose", "autoscale"}:
            names.add(call.value("name") or "")
            names.update(target.name for target in call.targets if call.value("name") is None)
        elif call.verb == "debug":
            names.add(call.value("copy-to") or "")
    for fence in subject.document.fences:
        if "metadata:" in fence.text or '"metadata"' in fence.text:
            names.update(re.findall(r"^\s*-?\s*\"?name\"?:\s*[\"']?([\w.-]+)", fence.text, re.MULTILINE))
            names.update(re.findall(r"\bname:\s*[\"']?([\w.-]+)", fence.text))
    return names


def _is_elsewhere(call: Kubectl, manifests: Manifests) -> bool:
    """True where the call looks into a namespace that these manifests do not speak of."""
    namespace = call.namespace
    if call.has("all-namespaces"):
        return True
    return namespace is not None and (not namespace.is_literal or namespace.text not in manifests.namespaces)


@rule(
    "D101",
    "the namespace is not in the manifests",
    why="kubectl says `not found`, or lists nothing and ends with 0, which reads as if there were nothing "
    "wrong.",
    bad="kubectl get pods -n novel-engine-prod",
    good="kubectl get pods -n novel-engine-production",
    needs=("manifests",),
)
def namespace(subject: Subject) -> Iterator[Finding]:
    """Every -n whose value is known."""
    manifests = subject.manifests
    if manifests is None:
        return
    made = _made(subject)
    for call in subject.calls:
        word = call.namespace
        if word is None or not word.is_literal:
            continue
        name = call.value("namespace") or ""
        if name not in manifests.namespaces | CLUSTERS_OWN_NAMESPACES | made:
            yield subject.finding(
                "D101",
                word,
                f"no namespace {name!r} is in the manifests: nothing is found there",
                _near(name, manifests.namespaces),
            )


@rule(
    "D102",
    "the object is not in the manifests",
    why="""A workload, Service, claim, policy, autoscaler, secret, ingress or CronJob that the manifests do
    not have and that nothing in the runbook makes: the command ends with `not found`.""",
    bad="kubectl rollout status deployment/novel-engin -n novel-engine-production",
    good="kubectl rollout status deployment/novel-engine -n novel-engine-production",
    needs=("manifests",),
)
def known_object(subject: Subject) -> Iterator[Finding]:
    """Every TYPE NAME and TYPE/NAME whose kind the manifests can have."""
    manifests = subject.manifests
    if manifests is None:
        return
    made = _made(subject)
    for call in subject.calls:
        if call.verb.startswith("create") or _is_elsewhere(call, manifests):
            continue
        for target in call.targets:
            if _is_unknown(target, manifests) and target.name not in made:
                known = manifests.names(target.kind)
                rest = f": it has {', '.join(sorted(known))}" if known else f", and no {target.kind} at all"
                yield subject.finding(
                    "D102",
                    target.word,
                    f"no {target.kind} {target.name!r} is in the manifests{rest}",
                    _near(target.name, known),
                )


def _is_unknown(target: Aim, manifests: Manifests) -> bool:
    # a Service's endpoints have its name
    kind = "Service" if target.kind == "Endpoints" else target.kind
    if not target.word.is_literal or kind not in NAMED_IN_MANIFESTS or not target.name:
        return False
    names = manifests.names(kind)
    if target.kind == "Secret":
        # secrets are rarely kept with the manifests; what these refer to counts
        names = names | _secrets_referred_to(manifests)
    return target.name not in names


def _secrets_referred_to(manifests: Manifests) -> set[str]:
    found: set[str] = set()
    waiting: list[object] = list(manifests.objects)
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, dict):
            found.update(
                str(entry[key]) for key in ("secretName", "secretKeyRef", "secretRef") if key in entry
            )
            waiting.extend(entry.values())
        elif isinstance(entry, list):
            waiting.extend(entry)
    return found


@rule(
    "D103",
    "the container is not in the workload",
    why="kubectl refuses a container that the pod template does not have; `set image` with it changes "
    "nothing.",
    bad="kubectl set image deployment/novel-engine app=novel-engine:1.4.2 -n novel-engine-production",
    good="""kubectl set image deployment/novel-engine novel-engine=novel-engine:1.4.2 \\
    -n novel-engine-production""",
    needs=("manifests",),
)
def container(subject: Subject) -> Iterator[Finding]:
    """-c of logs, exec, cp, attach; CONTAINER=IMAGE of set image."""
    manifests = subject.manifests
    if manifests is None:
        return
    for call in subject.calls:
        target = next(iter(call.targets), None)
        if target is None or not target.word.is_literal or target.kind not in WORKLOADS:
            continue
        names = {container.name for container in manifests.containers(target.kind, target.name)}
        if not names:
            continue
        for word, name in named_containers(call):
            if name not in names:
                yield subject.finding(
                    "D103", word, f"{target.kind} {target.name} has no container {name!r}", _near(name, names)
                )


@rule(
    "D104",
    "the selector matches no pod",
    why="A selector that matches nothing lists nothing and ends with 0: it looks as if there were nothing to "
    "see.",
    bad="kubectl logs -l app=engine -n novel-engine-production --tail=100",
    good="kubectl logs -l app=novel-engine -n novel-engine-production --tail=100",
    needs=("manifests",),
)
def selector(subject: Subject) -> Iterator[Finding]:
    """-l with equalities, against the labels of all pod templates and objects."""
    manifests = subject.manifests
    if manifests is None:
        return
    made = _made(subject)
    for call in subject.calls:
        option = call.option("selector")
        if (
            option is None
            or option.value is None
            or not option.value.is_literal
            or _is_elsewhere(call, manifests)
        ):
            continue
        if call.verb in {"label", "get nodes"} or call.kinds[:1] == ("Node",):
            continue
        wanted = _equalities(option.text)
        if wanted is None or set(wanted.values()) & made:
            continue
        labelled = [*manifests.pod_labels, *manifests.object_labels]
        if not any(wanted.items() <= labels.items() for labels in labelled):
            values = {labels[key] for labels in labelled for key in wanted if key in labels}
            yield subject.finding(
                "D104",
                option.value,
                f"no pod of the manifests has the labels {option.text}: nothing is selected",
                _near(next(iter(wanted.values()), ""), values),
            )


def _equalities(text: str) -> dict[str, str] | None:
    """The labels that a selector asks for; None for one that asks for more than equalities."""
    wanted: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.replace("==", "=").partition("=")
        if not equals or not key or "!" in part or " in" in part or "(" in part:
            return None
        wanted[key.strip()] = value.strip()
    return wanted


@rule(
    "D105",
    "the port is not open there",
    why="The forward is refused, or each connection through it: the Service or container has other ports.",
    bad="""kubectl port-forward service/novel-engine 9191:80 \\
    -n novel-engine-production --address 127.0.0.1 &
kill $!""",
    good="""kubectl port-forward service/novel-engine 9191:8000 \\
    -n novel-engine-production --address 127.0.0.1 &
kill $!""",
    needs=("manifests",),
)
def port(subject: Subject) -> Iterator[Finding]:
    """The remote port of port-forward, against the Service's ports or the containers'."""
    manifests = subject.manifests
    if manifests is None:
        return
    for call in subject.calls:
        target = next(iter(call.targets), None)
        if call.verb != "port-forward" or target is None or not target.word.is_literal:
            continue
        entry = manifests.find(target.kind, target.name)
        if entry is None:
            continue
        if target.kind == "Service":
            ports = service_ports(entry)
        else:
            ports = {
                port
                for container in manifests.containers(target.kind, target.name)
                for port in container.ports
            }
        for word in call.positionals[1:]:
            remote = word.text.rpartition(":")[2]
            if word.is_literal and ports and remote not in ports:
                yield subject.finding(
                    "D105",
                    word,
                    f"{target.kind} {target.name} has no port {remote}",
                    f"its ports: {', '.join(sorted(ports))}",
                )


@rule(
    "D106",
    "a pod is named by hand",
    why="""Pods of a Deployment get a new name with every start, so a name in a text is that of a pod that is
    gone, or that never was. (A StatefulSet's pods, NAME-0, keep theirs.)""",
    bad="kubectl logs novel-engine-pod -n novel-engine-production --tail=100",
    good="""POD=$(kubectl get pods -n novel-engine-production -l app=novel-engine -o name)
kubectl exec "${POD:?no pod}" -n novel-engine-production -- tar -czf - /app/logs > logs.tar.gz""",
)
def literal_pod(subject: Subject) -> Iterator[Finding]:
    """Every pod that a command names, unless the document makes it."""
    made = _made(subject)
    for call in subject.calls:
        if call.verb not in {
            "exec",
            "cp",
            "logs",
            "port-forward",
            "delete",
            "describe",
            "attach",
            "debug",
            "get",
            "wait",
        }:
            continue
        for target in call.targets:
            # behind a selector, the first word of logs names a container
            names_pod = target.kind == "Pod" and call.option("selector") is None
            if not names_pod or target.name in KINDS or not _is_hand_written(target, made):
                continue
            if subject.manifests is not None and target.name in subject.manifests.names("Pod"):
                continue
            yield subject.finding(
                "D106",
                target.word,
                f"no pod is named {target.name!r} for long: a Deployment's pods get new names",
                "deployment/NAME, or a name that `kubectl get pods -l ... -o name` has just given",
            )


def _is_hand_written(target: Aim, made: set[str]) -> bool:
    name = target.name
    return (
        target.word.is_literal
        and bool(name)
        and name not in made
        and not ORDINAL_POD.fullmatch(name)
        and not CAPITALS.fullmatch(name)
        and re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name) is not None
        and not name.endswith(tuple(f"-{kind}" for kind in ("master", "control-plane")))
    )


@rule(
    "D107",
    "the file is one that nothing makes",
    why="""What is copied or restored lies neither beside the runbook nor is it written by a command in it. On
    the night, the first thing that is not there is the backup.""",
    bad="kubectl cp backup-latest.tar novel-engine-production/$POD:/app/data/restored.tar",
    good="""kubectl exec "$POD" -n novel-engine-production -- tar -cf - /app/data > backup-of-today.tar
kubectl cp backup-of-today.tar novel-engine-production/$POD:/app/data/restored.tar""",
    needs=("folder",),
)
def unmade_file(subject: Subject) -> Iterator[Finding]:
    """The sources of kubectl cp, of restores from standard input, and backups that are applied."""
    for command in subject.commands:
        for word in _read_files(subject, command):
            if word.is_literal and _is_plain_file(word.text) and not _is_made(subject, word.text, command):
                yield subject.finding(
                    "D107",
                    word,
                    f"{word.text} is made by nothing in this text, and does not lie beside it",
                    "say where it comes from: the command that makes or fetches it",
                )


RESTORERS = frozenset({"psql", "mysql", "pg_restore", "mongorestore", "redis-cli"})


def _read_files(subject: Subject, command: Command) -> Iterator[Word]:
    if command.runs_in is not None:
        return
    call = subject.call_of(command)
    if call is not None:
        ends = copy_ends(call)
        if ends is not None and not is_in_pod(ends[0]) and is_in_pod(ends[1]):
            yield ends[0]
        if call.verb in {"apply", "create", "replace"}:
            option = call.option("filename")
            if option is not None and option.value is not None and _is_backup_file(option.text):
                yield option.value
    if command.name in RESTORERS:
        yield from (
            redirect.target
            for redirect in command.redirects
            if redirect.operator == "<"
            and redirect.target is not None
            and _is_backup_file(redirect.target.text)
        )


def _is_backup_file(text: str) -> bool:
    """True where a file's name says that it is a saved state, not a part of the project."""
    return MADE_AT_A_TIME.match(text.rsplit("/", 1)[-1]) is not None or text.endswith((".bak", ".dump"))


def _is_plain_file(text: str) -> bool:
    return (
        bool(text)
        and not text.startswith(("/", "~", "-", "http:", "https:", "/dev/"))
        and text not in {".", ".."}
    )


def _is_made(subject: Subject, name: str, reader: Command) -> bool:
    base = name.rstrip("/.").rsplit("/", 1)[-1]
    folder = subject.document.path.resolve().parent
    # a text names files from the root of its project, which is some folders above it
    if any(is_there(place / name) for place in (folder, *folder.parents[:6])):
        return True
    if base and base in subject.document.prose_text:
        return True
    for command in subject.before(reader):
        if any(base and base in word.text for word in command.words) or any(
            base and base in word.text for word in command.writes_to()
        ):
            return True
    stem = base.split(".")[0]
    return any(base in fence.text and not fence.is_shell for fence in subject.document.fences) or not stem


@rule(
    "D108",
    "the date is past",
    why="""A fixed date in a command is right once. Later it restores an old state, asks for an old month, or
    finds nothing.""",
    bad="""aws ce get-cost-and-usage --time-period Start=2024-08-01,End=2024-09-01 \\
    --granularity MONTHLY --metrics BlendedCost""",
    good='aws s3 ls "s3://backups/$(date -d yesterday +%Y-%m-%d)/"',
)
def past_date(subject: Subject) -> Iterator[Finding]:
    """Dates in the names of backups and the like, and in options that speak of time."""
    for command in subject.commands:
        if not is_program(command.name) or command.carrier is not None:
            continue
        for before, word in zip(command.words, command.words[1:], strict=False):
            if word.variables or "://" in word.text or not _is_of_its_time(word.text, before.text):
                continue
            # a date within a placeholder shows how to write one
            written = PLACEHOLDER.sub("", word.text)
            found = next(filter(None, map(_as_date, DATE.finditer(written))), None)
            if found is not None and found < subject.today - timedelta(days=1):
                yield subject.finding(
                    "D108",
                    word,
                    f"{found} is past: on the night this is not the latest one",
                    "work it out with date, or look for the newest",
                )


def _is_of_its_time(text: str, before: str) -> bool:
    """True for a word in which a date tells which state or stretch of time is meant."""
    option = text.partition("=")[0] if "=" in text else before if before.startswith("-") else ""
    return MADE_AT_A_TIME.search(text) is not None or SPEAKS_OF_TIME.search(option) is not None


def _as_date(match: re.Match[str]) -> date | None:
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        # 31 February: no date, whatever else it is
        return None


@rule(
    "D109",
    "a place that somebody has to fill looks like a value",
    why="""`your-org`, `YOUR_TOKEN`, `changeme` and /path/to are passed on as they stand. A place of the form
    `<name>` is one that everybody sees, and that drill binds.""",
    bad="docker pull ghcr.io/your-org/novel-engine:1.4.2",
    good="docker pull ghcr.io/<organization>/novel-engine:1.4.2",
)
def unbound_place(subject: Subject) -> Iterator[Finding]:
    """Words of commands that stand for a name; of each block each name once."""
    told: set[tuple[int, str]] = set()
    for command in subject.commands:
        if command.carrier is not None or not is_program(command.name) or command.name in PRINTS_OR_FILTERS:
            continue
        for word in command.words:
            match = None if word.is_placeholder else STANDS_FOR_A_NAME.search(word.text)
            if match is not None and (id(command.fence), match[0]) not in told:
                told.add((id(command.fence), match[0]))
                yield subject.finding(
                    "D109",
                    word,
                    f"{match[0]!r} is passed on as it stands: nobody has filled it in",
                    "the value, or a place that everybody sees: <name>",
                )
                break


@rule(
    "D110",
    "the variable is set by nothing",
    why="""A variable that no command sets and no sentence names is empty on the night: `-n $NAMESPACE delete`
    deletes elsewhere, `rm -rf $DIR/*` removes everything.""",
    bad="kubectl delete pod -l app=redis -n $NAMESPACE_OF_REDIS",
    good="""REDIS_NAMESPACE=novel-engine-production
kubectl delete pod -l app=redis -n $REDIS_NAMESPACE""",
)
def unset_variable(subject: Subject) -> Iterator[Finding]:
    """Variables in capitals that are read, and neither set, demanded, given a default nor mentioned."""
    set_names = {assignment.name for assignment in subject.script.assignments}
    set_names |= {name for command in subject.commands for name in command.assignments}
    told: set[str] = set()
    for use in subject.script.uses:
        name = use.name
        is_own = name.isupper() and len(name) > 1 and not name[0].isdigit()
        if not is_own or use.has_default or name in set_names or name in ENVIRONMENT or name in told:
            continue
        if re.search(rf"\b{re.escape(name)}\b", subject.document.prose_text):
            continue
        if name.startswith(("AWS_", "GITHUB_", "CI_", "BASH_", "KUBERNETES_")) or _is_set_in_text(
            subject, name
        ):
            continue
        told.add(name)
        yield subject.finding(
            "D110",
            use.span,
            f"${name} is set by nothing in this text: it is empty",
            f"${{{name}:?}}, or set it above",
        )


def _is_set_in_text(subject: Subject, name: str) -> bool:
    """True where a fence of another language, a heredoc or a comment sets the variable."""
    setting = re.compile(rf"\b{re.escape(name)}\s*[=:]")
    return any(setting.search(fence.text) for fence in subject.document.fences) or any(
        name in comment.text for comment in subject.script.comments
    )


@rule(
    "D111",
    "a number or host that is reserved for fiction",
    why="555-01xx and example.com belong to nobody, on purpose. Whoever calls or asks them on the night "
    "learns that then.",
    bad="curl --fail --retry 3 https://api.example.com/status",
    good="curl --fail --retry 3 https://novel-engine.com/status",
)
def fiction(subject: Subject) -> Iterator[Finding]:
    """Phone numbers in the prose, hosts in the commands."""
    for line, text in subject.document.prose.items():
        match = FICTION_PHONE.search(text)
        if match is not None:
            place = subject.document.line_span(line, match[0].strip())
            yield subject.finding(
                "D111",
                place,
                f"{match[0].strip()} is a number reserved for fiction: nobody answers",
                "the real number",
            )
    told: set[int] = set()
    for command in subject.commands:
        if command.carrier is not None or command.name not in ASKS_A_HOST or id(command.fence) in told:
            continue
        word = next((word for word in command.words if _is_reserved_host(word)), None)
        if word is not None:
            told.add(id(command.fence))
            yield subject.finding(
                "D111",
                word,
                "example.com is reserved: it is nobody's host",
                "the real one, or a place: <host>",
            )


def _is_reserved_host(word: Word) -> bool:
    return not word.is_placeholder and "\n" not in word.text and RESERVED_HOST.search(word.text) is not None
