"""Looks that do not show what they seem to show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from drill.lint.finding import Edit, Finding
from drill.lint.kubectl import Kubectl
from drill.lint.place import Span
from drill.lint.rule import rule
from drill.lint.subject import Subject

RESTART_WORDS = re.compile(
    r"CrashLoop\w*|crash(?:es|ed|ing)?[ -]?loop\w*|OOM[ -]?Kill\w*|restarts? repeatedly|keeps? restarting|"
    r"(?:pods?|containers?) (?:is|are|keeps?|that) (?:crash|restart)\w*",
    re.IGNORECASE,
)
OF_THE_POD_ITSELF = frozenset(
    {
        "ps",
        "top",
        "free",
        "uptime",
        "df",
        "du",
        "ls",
        "tar",
        "jstack",
        "jmap",
        "jcmd",
        "ss",
        "netstat",
        "lsof",
    }
)
OF_THE_NODE = frozenset({"/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/cpuinfo"})
SUMS_A_FIELD = re.compile(r"\+=\s*\$(\d+|NF)")
GREP_TAKES_A_VALUE = frozenset("efmABCdD")
GREP_COUNTS_ONLY = frozenset("clLq")
GREP_LONG = {
    "--invert-match": "v",
    "--only-matching": "o",
    "--after-context": "A",
    "--before-context": "B",
    "--context": "C",
    "--count": "c",
    "--files-with-matches": "l",
    "--files-without-match": "L",
    "--quiet": "q",
    "--silent": "q",
}
LEAVES_OUT = "without Secrets, ConfigMaps, claims, Ingresses, policies and custom resources"


@rule(
    "D401",
    "logs with a selector show ten lines of each pod",
    why="""With -l, kubectl logs gives the last ten lines of each pod unless --tail says otherwise, whatever
    --since promises. What was looked for is further up.""",
    bad="kubectl logs -l app=novel-engine -n novel-engine-production --since=1h",
    good="kubectl logs -l app=novel-engine -n novel-engine-production --since=1h --tail=-1",
    fixes=True,
)
def ten_lines(subject: Subject) -> Iterator[Finding]:
    """kubectl logs -l without --tail; with -f it shows what comes, and is another rule's."""
    for call in subject.calls:
        option = call.option("selector")
        if call.verb != "logs" or option is None or call.option("tail") is not None or call.has("follow"):
            continue
        end = (option.value or option.word).span
        behind = Span(end.end_line, end.end_column, end.end_line, end.end_column)
        yield subject.finding(
            "D401",
            call.command,
            "shows the last ten lines of each pod only: with a selector, --tail is 10",
            "--tail=-1",
            Edit(behind, " --tail=-1"),
        )


@rule(
    "D402",
    "the log of a container that has been restarted begins anew",
    why="""Why a container crashed stands in the log of the one before it. Without --previous, one reads how
    the new one starts.""",
    bad="""# Pods are in CrashLoopBackOff: look at why
kubectl logs deployment/redis -n novel-engine-production""",
    good="""# Pods are in CrashLoopBackOff: look at why
kubectl logs deployment/redis -n novel-engine-production --previous""",
)
def previous(subject: Subject) -> Iterator[Finding]:
    """kubectl logs where the comment or heading right above speaks of crashes, and nothing near says
    --previous."""
    for call in subject.calls:
        if call.verb != "logs" or call.has("previous") or call.has("follow"):
            continue
        fence = call.command.fence
        near = " ".join((subject.comment_above(call.command), fence.label))
        title = fence.heading.title if fence.heading is not None else ""
        if not RESTART_WORDS.search(near) and not RESTART_WORDS.search(title):
            continue
        section = "\n".join(subject.document.section_lines(fence.heading))
        if "previous" in section or re.search(r"logs .*-p\b", section):
            continue
        yield subject.finding(
            "D402",
            call.command,
            "shows how the new container starts: why the one before it crashed is in --previous",
            "--previous",
        )


@rule(
    "D403",
    "one pod of several",
    why="""`exec deployment/NAME` and `logs deployment/NAME` take one pod. What each pod has for itself, its
    log, memory, processes and folders, is then seen of one alone.""",
    bad="kubectl logs deployment/novel-engine -n novel-engine-production --tail=100",
    good="kubectl logs -l app=novel-engine -n novel-engine-production --tail=100",
    needs=("manifests",),
)
def one_of_several(subject: Subject) -> Iterator[Finding]:
    """exec and logs of a workload with more than one pod, for something that is each pod's own."""
    manifests = subject.manifests
    if manifests is None:
        return
    for call in subject.calls:
        target = next(iter(call.targets), None)
        if target is None or call.verb not in {"exec", "logs"} or call.has("all-pods"):
            continue
        workloads = (
            manifests.pods_behind(target.name) if target.kind == "Service" else [(target.kind, target.name)]
        )
        count = max((manifests.replicas(kind, name) or 0 for kind, name in workloads), default=0)
        if count < 2:
            continue
        durable = [
            path
            for kind, name in workloads
            for box in manifests.containers(kind, name)
            for path in box.durable
        ]
        if call.verb == "logs" or _is_each_pods_own(subject, call, durable):
            yield subject.finding(
                "D403",
                call.command,
                f"looks at one pod of {count}: {target.kind} {target.name} has {count}",
                "-l, or a loop over the pods",
            )


def _is_each_pods_own(subject: Subject, call: Kubectl, durable: list[str]) -> bool:
    inner = next((command for command in subject.commands if command.carrier is call.command), None)
    if inner is None:
        return False
    text = " ".join(inner.texts)
    if "psutil" in text or "/proc/" in text:
        return True
    if inner.name not in OF_THE_POD_ITSELF:
        return False
    paths = [path for path in inner.texts if path.startswith("/") and not path.startswith("/tmp")]
    shared = [
        path for path in paths if any(path == folder or path.startswith(f"{folder}/") for folder in durable)
    ]
    return not paths or len(shared) < len(paths)


@rule(
    "D404",
    "it counts whatever the state",
    why="`kubectl get pods | wc -l` counts pods that crash, wait or go as well as those that serve: 3 is no "
    "sign of health.",
    bad="kubectl get pods -n novel-engine-production --no-headers | wc -l",
    good="""kubectl get pods \\
    -n novel-engine-production --no-headers --field-selector=status.phase=Running | wc -l""",
)
def whatever_state(subject: Subject) -> Iterator[Finding]:
    """kubectl get pods or nodes straight into wc -l."""
    for call in subject.calls:
        if call.verb != "get" or not call.kinds or call.kinds[0] not in {"Pod", "Node"}:
            continue
        readers = call.command.after
        if not readers or readers[0].name != "wc" or call.has("field-selector"):
            continue
        output = call.value("output") or ""
        if (
            "?(@" in output
            or "phase" in output
            or (call.has("selector") and "status" in (call.value("selector") or ""))
        ):
            continue
        what = "pods" if call.kinds[0] == "Pod" else "nodes"
        yield subject.finding(
            "D404",
            call.command,
            f"counts {what} whatever their state: crashing and waiting ones too",
            "grep for Running or Ready first, or --field-selector=status.phase=Running",
        )


@rule(
    "D405",
    "numbers with units are added as text",
    why="""awk takes the digits and drops the unit: 1Gi counts as 1 beside 900Mi, and 1 core as 1 beside 250m.
    The sum is wrong by a factor of a thousand, and looks like a number.""",
    bad="kubectl top pods -n novel-engine-production --no-headers | awk '{sum += $3} END {print sum}'",
    good="kubectl top pods -n novel-engine-production --no-headers --sum=true",
)
def units(subject: Subject) -> Iterator[Finding]:
    """awk that adds a field of kubectl top, or of df, du, free and ls with -h."""
    for command in subject.commands:
        adds = command.name in {"awk", "gawk"} and any(SUMS_A_FIELD.search(text) for text in command.texts)
        if not adds or command.position == 0:
            continue
        before = command.outer.pipeline[: command.position]
        if (
            any(stage.name in {"sed", "tr", "numfmt"} or "gsub" in stage.raw for stage in before)
            or "sub(" in command.raw
        ):
            continue
        source = before[0]
        call = subject.call_of(source)
        with_units = source.name in {"df", "du", "free", "ls"} and source.has_short("h")
        if (call is not None and call.verb.startswith("top ")) or with_units:
            yield subject.finding(
                "D405",
                command,
                "drops the units: 1Gi is added to 900Mi as 1 to 900",
                "numfmt --from=auto, or one unit",
            )


@rule(
    "D406",
    "it shows the node's memory, not the container's",
    why="""/proc/meminfo, free, nproc and psutil.virtual_memory() in a container tell of the machine under it.
    The container is killed at its own limit, with the node half empty.""",
    bad="""kubectl exec deployment/redis -n novel-engine-production -- free -m""",
    good="""kubectl exec deployment/redis -n novel-engine-production -- cat /sys/fs/cgroup/memory.current""",
)
def node_memory(subject: Subject) -> Iterator[Finding]:
    """free, /proc/meminfo, psutil.virtual_memory and the like inside a pod."""
    for command in subject.commands:
        if command.carrier is None or subject.call_of(command.carrier) is None:
            continue
        asks = command.name in {"free", "vmstat", "uptime", "nproc"}
        asks = asks or any(text in OF_THE_NODE for text in command.texts)
        asks = asks or any("virtual_memory(" in text or "cpu_percent(" in text for text in command.texts)
        if asks:
            yield subject.finding(
                "D406",
                command,
                "tells of the node, not of the container, which is killed at its own limit",
                "/sys/fs/cgroup/memory.current, or kubectl top pod",
            )


@rule(
    "D407",
    "`get all` is not all",
    why="""`kubectl get all` lists pods, Services and workloads, without Secrets, ConfigMaps, claims,
    Ingresses and custom resources. Kept as a backup, it restores a service without its configuration and its
    data.""",
    bad="kubectl get all -n novel-engine-production -o yaml > backup.yaml",
    good="""kubectl get all,configmap,secret,pvc,ingress,networkpolicy,hpa,pdb,cronjob \\
    -n novel-engine-production -o yaml > backup.yaml""",
)
def get_all(subject: Subject) -> Iterator[Finding]:
    """`get all -o yaml` into a file."""
    for call in subject.calls:
        if call.verb != "get" or not call.positionals or call.positionals[0].text != "all":
            continue
        last = call.command.outer.pipeline[-1]
        kept = (bool(last.writes_to()) and not last.is_silenced) or any(
            stage.name == "tee" for stage in call.command.after
        )
        if kept and call.option("output") is not None and not _rest_is_kept(subject, call):
            yield subject.finding(
                "D407",
                call.command,
                f"keeps a part only: {LEAVES_OUT}",
                "name the kinds, or keep the manifests themselves",
            )


def _rest_is_kept(subject: Subject, call: Kubectl) -> bool:
    """True where the same block keeps Secrets or ConfigMaps too."""
    return any(
        other.command.fence is call.command.fence
        and other.verb == "get"
        and set(other.kinds) & {"Secret", "ConfigMap"}
        for other in subject.calls
    )


@rule(
    "D408",
    "the metric is not one that the service exposes",
    why="""A pattern for a name that no metric has finds nothing, which looks like good news.""",
    bad="""curl -s --fail https://novel-engine.com/metrics | grep -E "(http_requests_total|latency)\"""",
    good="""curl -s --fail https://novel-engine.com/metrics | grep -E "(http_requests_total|error_total)\"""",
    needs=("metrics",),
)
def unknown_metric(subject: Subject) -> Iterator[Finding]:
    """grep behind a curl of /metrics: each alternative against the list."""
    if subject.metrics is None:
        return
    for command in subject.commands:
        if command.name not in {"grep", "egrep"} or command.position == 0:
            continue
        source = command.outer.pipeline[0]
        if source.name not in {"curl", "wget"} or not any("metrics" in text for text in source.texts):
            continue
        patterns = [word for word in command.arguments if not word.text.startswith("-")][:1]
        for word in patterns:
            for part in _alternatives(word.text):
                if not any(part in name for name in subject.metrics):
                    yield subject.finding(
                        "D408", word, f"no metric has {part!r} in its name: nothing is shown"
                    )


def _alternatives(pattern: str) -> list[str]:
    """The plain words between the bars of a pattern such as (a|b_(sum|count)); none for more."""
    parts: list[str] = []
    depth, current = 0, ""
    inner = pattern[1:-1] if pattern.startswith("(") and pattern.endswith(")") else pattern
    for char in inner.replace("\\|", "|"):
        depth += (char == "(") - (char == ")")
        if char == "|" and depth <= 0:
            parts.append(current)
            current = ""
        else:
            current += char
    parts.append(current)
    stems = [re.split(r"[^\w]", part.lstrip("^"))[0].rstrip("_") for part in parts]
    return [stem for stem in stems if len(stem) > 3]


@rule(
    "D409",
    "grep leaves out, and its other option undoes that",
    why="""With -v there is no part of a line that matched: -o shows nothing at all. Lines of context are
    shown whether they match or not: -A, -B and -C bring back what -v leaves out.""",
    bad="""kubectl get pvc -n novel-engine-production -o yaml | grep -v -A5 managedFields""",
    good="""kubectl get pvc -n novel-engine-production -o yaml | grep -v managedFields""",
)
def void_filter(subject: Subject) -> Iterator[Finding]:
    """grep -v with -o, or with lines of context, that shows lines at all."""
    for command in subject.commands:
        if command.name not in {"grep", "egrep", "fgrep"}:
            continue
        options = _grep_options(command.texts)
        if "v" not in options or options & GREP_COUNTS_ONLY:
            continue
        if "o" in options:
            yield subject.finding(
                "D409", command, "-v with -o shows nothing, whatever there is", "one of them"
            )
        elif options & set("ABC0123456789"):
            yield subject.finding(
                "D409",
                command,
                "shows as context the lines that -v leaves out",
                "-v without lines of context",
            )


def _grep_options(texts: Sequence[str]) -> set[str]:
    """The letters of the options that are given, of a number as well; values are none."""
    found: set[str] = set()
    rest = iter(texts)
    for text in rest:
        if text == "--":
            break
        if text.startswith("--"):
            found.add(GREP_LONG.get(text.partition("=")[0], ""))
        elif text.startswith("-"):
            letters = text[1:]
            at = next((at for at, each in enumerate(letters) if each in GREP_TAKES_A_VALUE), None)
            found |= set(letters if at is None else letters[: at + 1])
            if at == len(letters) - 1:
                next(rest, None)
    return found
