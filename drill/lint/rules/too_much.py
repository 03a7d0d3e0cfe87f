"""Commands that do more, or less, than what the text wants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from drill.lint.finding import Finding
from drill.lint.kubectl import Kubectl, copy_ends
from drill.lint.rule import rule
from drill.lint.shell import Command, Word
from drill.lint.subject import Subject

MOVING_TAGS = ("latest", "main", "master", "edge", "nightly", "dev", "develop", "stable")
KEEPS_EVIDENCE = frozenset(
    {"tar", "zip", "jmap", "jcmd", "pg_dump", "mysqldump", "tcpdump", "gcore", "kill", "cp"}
)
DESTRUCTIVE_INFRASTRUCTURE = frozenset({"apply", "destroy"})


@rule(
    "D701",
    "everything in the store goes, not the cache alone",
    why="""FLUSHALL and FLUSHDB delete sessions, queues and locks that share the Redis with the cache: users
    are logged out, accepted work is gone.""",
    bad="kubectl exec deployment/redis -n novel-engine-production -- redis-cli FLUSHALL",
    good="""kubectl exec deployment/redis -n novel-engine-production -- \\
    sh -c 'redis-cli --scan --pattern "cache:*" | xargs -r redis-cli UNLINK'""",
)
def flush(subject: Subject) -> Iterator[Finding]:
    """redis-cli FLUSHALL and FLUSHDB."""
    for command in subject.commands:
        if command.name in {"redis-cli", "valkey-cli"}:
            words = {text.upper() for text in command.texts} & {"FLUSHALL", "FLUSHDB"}
            if words:
                yield subject.finding(
                    "D701",
                    command.outer,
                    f"{words.pop()} deletes sessions, queues and locks with the cache",
                    "--scan --pattern 'cache:*' and UNLINK",
                )


@rule(
    "D702",
    "isolated in one direction only",
    why="While only traffic inward is cut, who has broken in still sends data out; and the other way round.",
    bad="""kubectl patch networkpolicy novel-engine-network-policy -n novel-engine-production --type=json \\
    -p '[{"op": "replace", "path": "/spec/ingress", "value": []}]'""",
    good="""kubectl patch networkpolicy novel-engine-network-policy -n novel-engine-production --type=json \\
    -p '[{"op": "add", "path": "/spec/ingress", "value": []},
         {"op": "add", "path": "/spec/egress", "value": []}]'""",
)
def one_way(subject: Subject) -> Iterator[Finding]:
    """A patch of a NetworkPolicy that empties one of ingress and egress."""
    for call in subject.calls:
        if call.verb != "patch" or "NetworkPolicy" not in call.kinds:
            continue
        closed = _closed_ways(call.value("patch") or "")
        if len(closed) == 1:
            way = closed.pop()
            other = "outward" if way == "ingress" else "inward"
            yield subject.finding(
                "D702",
                call.command,
                f"closes {way} only: traffic {other} goes on",
                "empty both, and name both in policyTypes",
            )


def _closed_ways(patch: str) -> set[str]:
    """Which of ingress and egress a patch, JSON or merge, makes empty."""
    try:
        data: Any = json.loads(patch)
    except json.JSONDecodeError:
        # a patch in YAML, or with a variable in it: nothing is known
        return set()
    except RecursionError:
        return set()
    closed: set[str] = set()
    if isinstance(data, list):
        for entry in data:
            if isinstance(entry, dict) and entry.get("value") == []:
                closed.add(str(entry.get("path", "")).rpartition("/")[2])
    elif isinstance(data, dict) and isinstance(data.get("spec"), dict):
        closed = {key for key, value in data["spec"].items() if value == []}
    return closed & {"ingress", "egress"}


@rule(
    "D703",
    "the tag moves",
    why="""`:latest` is whatever was pushed last: what is scanned, started or rolled back to is not what the
    text means, and a node that has it keeps its old one.""",
    bad="""kubectl set image deployment/novel-engine novel-engine=registry.local/novel-engine:latest \\
    -n novel-engine-production""",
    good="""kubectl set image deployment/novel-engine novel-engine=registry.local/novel-engine:1.4.2 \\
    -n novel-engine-production""",
)
def moving_tag(subject: Subject) -> Iterator[Finding]:
    """Images with a tag that moves, where they are deployed, started, pulled or scanned."""
    for command in subject.commands:
        for word, image in _images(subject, command):
            tag = image.rpartition(":")[2] if ":" in image.rpartition("/")[2] else ""
            if "@sha256" in image or not tag:
                continue
            if tag in MOVING_TAGS or tag.startswith("latest"):
                yield subject.finding(
                    "D703",
                    word,
                    f"{tag} is whatever was pushed last: nobody knows what that is on the night",
                    "a version, or a digest",
                )


def _images(subject: Subject, command: Command) -> Iterator[tuple[Word, str]]:
    call = subject.call_of(command)
    if call is not None:
        if call.verb == "set image":
            for word in call.positionals[1:]:
                if "=" in word.text:
                    yield word, word.text.partition("=")[2]
        option = call.option("image")
        if option is not None and option.value is not None and call.verb == "create deployment":
            yield option.value, option.text
    elif command.name in {"docker", "podman", "crictl", "trivy", "grype"}:
        verbs = {"pull", "run", "image", "scan"} & set(command.texts[:2])
        if verbs or command.name == "grype":
            yield from ((word, word.text) for word in command.arguments if not word.text.startswith("-"))


@rule(
    "D704",
    "it changes infrastructure unasked",
    why="""With -auto-approve nobody sees the plan. On a bad night, from the wrong folder or state, `apply`
    destroys what still worked.""",
    bad="terraform -chdir=terraform apply -auto-approve",
    good="""terraform -chdir=terraform plan -out=restore.tfplan
terraform -chdir=terraform apply restore.tfplan""",
)
def unasked(subject: Subject) -> Iterator[Finding]:
    """terraform apply and destroy -auto-approve, pulumi up --yes."""
    for command in subject.commands:
        texts = set(command.texts)
        if command.name in {"terraform", "tofu", "terragrunt"} and texts & DESTRUCTIVE_INFRASTRUCTURE:
            if texts & {
                "-auto-approve",
                "--auto-approve",
                "-auto-approve=true",
                "--terragrunt-non-interactive",
            }:
                yield subject.finding(
                    "D704",
                    command,
                    "nobody sees the plan: what still works may be destroyed",
                    "plan -out=FILE, read it, apply FILE",
                )
        elif (
            command.name == "pulumi"
            and texts & {"up", "destroy"}
            and texts & {"--yes", "-y", "--skip-preview"}
        ):
            yield subject.finding("D704", command, "nobody sees the preview", "without --yes")


@rule(
    "D705",
    "a second autoscaler for the same workload",
    why="""`kubectl autoscale` makes an autoscaler with the workload's own name. Beside one of another name,
    both see the other's pods and work against each other.""",
    bad="""kubectl autoscale deployment novel-engine --cpu-percent=70 --min=3 --max=10 \\
    -n novel-engine-production""",
    good="kubectl describe hpa novel-engine-hpa -n novel-engine-production",
)
def second_autoscaler(subject: Subject) -> Iterator[Finding]:
    """kubectl autoscale where the manifests, or this text, know an autoscaler of another name."""
    mentioned = {
        target.name
        for call in subject.calls
        for target in call.targets
        if target.kind == "HorizontalPodAutoscaler" and target.word.is_literal
    }
    for call in subject.calls:
        if call.verb != "autoscale":
            continue
        for target in call.targets:
            made = call.value("name") or target.name
            there = {name for name in mentioned if name != made and target.name in name}
            if subject.manifests is not None:
                scalers = subject.manifests.scalers_of(target.kind, target.name)
                there = {str(entry.get("metadata", {}).get("name")) for entry in scalers} - {made}
            for name in sorted(there)[:1]:
                yield subject.finding(
                    "D705",
                    call.command,
                    f"makes {made} beside {name}: both scale {target.kind} {target.name}",
                    f"--name={name} after a look whether it is there",
                )


@rule(
    "D706",
    "the evidence stays where the next restart deletes it",
    why="""/tmp of a container is gone with the container. What was collected there and not copied out is lost
    with the restart that the same runbook asks for.""",
    bad="""kubectl exec deployment/novel-engine \\
    -n novel-engine-production -- tar -czf /tmp/evidence.tar.gz /app/data""",
    good="""kubectl exec deployment/novel-engine \\
    -n novel-engine-production -- tar -czf - /app/data > evidence.tar.gz""",
)
def lost_evidence(subject: Subject) -> Iterator[Finding]:
    """An archive or dump written to /tmp in a pod that nothing later copies out or reads."""
    for command in subject.commands:
        if command.carrier is None or command.name not in KEEPS_EVIDENCE | {"sh", "bash"}:
            continue
        call = subject.call_of(command.carrier)
        if call is None or call.verb != "exec":
            continue
        file = _written_in_tmp(command)
        if file and not _is_fetched(subject, command, file):
            yield subject.finding(
                "D706",
                command.carrier,
                f"{file} is gone with the next restart of the pod",
                "write to standard output, > a file here; or kubectl cp at once",
            )


def _written_in_tmp(command: Command) -> str:
    texts = command.texts
    if command.name in {"tar", "zip"}:
        creates = command.name == "zip" or any(
            "c" in text for text in texts[:2] if text.startswith("-") or text == texts[0]
        )
        return (
            next((text for text in texts if text.startswith(("/tmp/", "/var/tmp/"))), "") if creates else ""
        )
    if command.name in {"pg_dump", "mysqldump", "tcpdump", "jmap", "jcmd", "gcore"}:
        return next((text[text.index("/tmp/") :] for text in texts if "/tmp/" in text), "")
    return ""


def _is_fetched(subject: Subject, command: Command, file: str) -> bool:
    stem = file.split("$", maxsplit=1)[0]
    for other in subject.commands:
        if other.order <= command.order or other.outer is command.outer:
            continue
        call = subject.call_of(other)
        ends = copy_ends(call) if call is not None else None
        if ends is not None and "/tmp" in ends[0].text:
            return True
        if any(stem and stem in text for text in other.texts):
            return True
    return False


@rule(
    "D707",
    "rm -r of a path that begins with a variable",
    why="When the variable is empty, `rm -rf $FOLDER/*` is `rm -rf /*`.",
    bad="""DATA_FOLDER=$(cat /etc/data-folder)
rm -rf "$DATA_FOLDER"/*""",
    good="""DATA_FOLDER=$(cat /etc/data-folder)
rm -rf "${DATA_FOLDER:?}"/*""",
)
def unguarded_removal(subject: Subject) -> Iterator[Finding]:
    """rm -r with $NAME/ in front, where the text does not set NAME and the word does not demand it."""
    for command in subject.commands:
        if command.name != "rm" or not (
            command.has_short("r") or command.has_short("R") or command.has("--recursive")
        ):
            continue
        for word in command.arguments:
            if word.is_literal or not word.variables or ":?" in word.raw:
                continue
            bare = word.raw.replace('"', "").replace("{", "").replace("}", "")
            name = word.variables[0]
            if bare.startswith(f"${name}/") and name not in {"HOME", "TMPDIR", "PWD"}:
                yield subject.finding("D707", word, f"removes from / when {name} is empty", f"${{{name}:?}}")


@rule(
    "D708",
    "the API forgets the pod, and its containers go on",
    why="""--force with a grace period of 0 deletes the object without waiting for the node. On a node that is
    only cut off, the old container still writes to the same volume as its successor.""",
    bad="kubectl delete pod redis-0 -n novel-engine-production --force --grace-period=0",
    good="kubectl delete pod redis-0 -n novel-engine-production",
)
def forced(subject: Subject) -> Iterator[Finding]:
    """kubectl delete pod --force --grace-period=0, with no word on the node being off."""
    for call in subject.calls:
        if call.verb != "delete" or not call.has("force") or call.value("grace-period") != "0":
            continue
        if _names_pods(call):
            yield subject.finding(
                "D708",
                call.command,
                "a container on a node that is only cut off goes on writing, beside its successor",
                "make sure that the node is off first",
            )


def _names_pods(call: Kubectl) -> bool:
    return "Pod" in call.kinds or any(target.kind == "Pod" for target in call.targets)


@rule(
    "D709",
    "an & that is not in quotes cuts the address",
    why="""The shell takes & for the end of the command: what stands before it runs in the background with
    half of the parameters, and asks for, or deletes, more than what was meant.""",
    bad="curl --fail --request DELETE https://novel-engine.com/api/jobs?queue=narratives&state=failed",
    good="curl --fail --request DELETE 'https://novel-engine.com/api/jobs?queue=narratives&state=failed'",
)
def cut_address(subject: Subject) -> Iterator[Finding]:
    """A command in the background whose last word is an address with parameters, with text right behind the
    &."""
    for command in subject.commands:
        if not command.is_in_background or not command.words or command.carrier is not None:
            continue
        address = command.words[-1]
        behind = command.fence.text[command.end : command.end + 2]
        if "?" in address.raw and "://" in address.raw and behind[:1] == "&" and behind[1:].strip("& "):
            yield subject.finding(
                "D709",
                address,
                "ends at the &: the other parameters are left out, and the command runs in the background",
                "the address in quotes",
            )
