"""Steps in an order that cannot work: changes without a wait, guards behind what they guard, backups that
come late."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drill.lint.finding import Finding
from drill.lint.kubectl import Kubectl, copy_ends, is_in_pod
from drill.lint.rule import rule
from drill.lint.rules.waiting import changes_workload, is_retrying, waits
from drill.lint.shell import Command
from drill.lint.subject import Subject

NEEDS_RUNNING_PODS = frozenset({"exec", "cp", "port-forward", "top pods", "top pod", "logs"})
DATABASE_ENDINGS = (".db", ".sqlite", ".sqlite3")
BACKUP_PROGRAMS = frozenset(
    {"pg_dump", "pg_dumpall", "mysqldump", "mongodump", "pg_basebackup", "xtrabackup", "mariadb-dump"}
)


def _is_none(call: Kubectl) -> bool:
    return call.verb == "scale" and call.value("replicas") == "0"


@rule(
    "D501",
    "what follows does not wait for the change",
    why="""apply, scale, set image and rollout restart return when the API server has noted the wish. The next
    command meets the pods of before, or none.""",
    bad="""kubectl rollout restart deployment/novel-engine -n novel-engine-production
kubectl exec deployment/novel-engine -n novel-engine-production -- python -m novel_engine.app.check""",
    good="""kubectl rollout restart deployment/novel-engine -n novel-engine-production
kubectl rollout status deployment/novel-engine -n novel-engine-production --timeout=180s
kubectl exec deployment/novel-engine -n novel-engine-production -- python -m novel_engine.app.check""",
)
def unawaited(subject: Subject) -> Iterator[Finding]:
    """A change of a workload, then something that needs its new pods, and no wait between."""
    for call in subject.calls:
        workload = changes_workload(call)
        if not workload or _is_none(call) or call.command.is_in_function:
            continue
        for other in subject.later(call.command):
            if waits(subject, other):
                break
            need = _need(subject, other, workload)
            if need:
                yield subject.finding(
                    "D501",
                    other,
                    f"{need} while the change of line {call.command.span.line} is still on its way",
                    "kubectl rollout status ... --timeout=180s between them",
                )
                break


def _need(subject: Subject, command: Command, workload: str) -> str:
    call = subject.call_of(command)
    if call is not None and call.verb in NEEDS_RUNNING_PODS and not call.has("previous"):
        target = next(iter(call.targets), None)
        kind, _, name = workload.partition("/")
        if target is not None and target.kind == kind and target.name != name:
            return ""
        if target is not None and target.kind == "Service" and target.name != name:
            return ""
        return {
            "exec": "runs in a pod of before, or in none",
            "cp": "copies into a pod of before, or into none",
            "port-forward": "leads to a pod of before, or to none",
            "logs": "shows the log of a pod of before",
        }.get(call.verb, "shows the pods of before")
    if command.name == "curl" and not is_retrying(command) and command.runs_in is None:
        return "asks the pods of before, or none"
    return ""


@rule(
    "D502",
    "it goes into a pod after all pods were taken away",
    why="After `scale --replicas=0` there is no pod to copy into or to run in: the restore fails in its "
    "first step.",
    bad="""kubectl scale deployment novel-engine --replicas=0 -n novel-engine-production
kubectl wait --for=delete pod -l app=novel-engine -n novel-engine-production --timeout=120s
kubectl exec deployment/novel-engine -n novel-engine-production -- rm -f /app/data/engine.lock""",
    good="""kubectl exec deployment/novel-engine -n novel-engine-production -- rm -f /app/data/engine.lock
kubectl scale deployment novel-engine --replicas=0 -n novel-engine-production
kubectl wait --for=delete pod -l app=novel-engine -n novel-engine-production --timeout=120s""",
)
def into_no_pod(subject: Subject) -> Iterator[Finding]:
    """exec or cp between a scale to none and a scale to more."""
    for call in subject.calls:
        if not _is_none(call):
            continue
        scaled = {target.name for target in call.targets}
        for other in subject.later(call.command):
            following = subject.call_of(other)
            if following is None:
                continue
            if following.verb == "scale" and not _is_none(following):
                break
            if following.verb in {"exec", "cp"} and _goes_into(following, scaled):
                yield subject.finding(
                    "D502",
                    other,
                    f"there is no pod to go into: line {call.command.span.line} has taken them all away",
                    "a pod of its own that mounts the same claim",
                )
                break


def _goes_into(call: Kubectl, scaled: set[str]) -> bool:
    for target in call.targets:
        if target.kind in {"Deployment", "StatefulSet"} and target.name in scaled:
            return True
        if target.kind == "Pod" and any(target.name.startswith(name) for name in scaled):
            return True
    return False


@rule(
    "D503",
    "it does not wait until the pods are gone",
    why="""`scale --replicas=0` returns at once; for the seconds after it the application still writes. Data
    that is replaced meanwhile is damaged, or written over.""",
    bad="""kubectl scale deployment redis --replicas=0 -n novel-engine-production
kubectl delete pvc redis-data -n novel-engine-production""",
    good="""kubectl scale deployment redis --replicas=0 -n novel-engine-production
kubectl wait --for=delete pod -l app=redis -n novel-engine-production --timeout=120s
kubectl delete pvc redis-data -n novel-engine-production""",
)
def not_gone_yet(subject: Subject) -> Iterator[Finding]:
    """A scale to none, then something that touches data, and no wait between."""
    for call in subject.calls:
        if not _is_none(call):
            continue
        for other in subject.later(call.command):
            if waits(subject, other):
                break
            if _touches_data(subject, other):
                yield subject.finding(
                    "D503",
                    other,
                    f"the pods of line {call.command.span.line} still run, and write, for seconds",
                    "kubectl wait --for=delete pod -l ... --timeout=120s between them",
                )
                break


def _touches_data(subject: Subject, command: Command) -> bool:
    call = subject.call_of(command)
    if call is not None:
        is_claim = call.verb == "delete" and "PersistentVolumeClaim" in call.kinds
        return is_claim or call.verb in {"cp", "exec", "run"}
    return command.name in {"rsync", "restic", "pg_restore", "mongorestore", "sqlite3"} or (
        command.name in {"cp", "mv", "rm"} and command.runs_in is None
    )


@rule(
    "D504",
    "the write-ahead log of the old database stays beside the new one",
    why="""SQLite replays the -wal that it finds beside a database, whatever database it was written for. A
    restored file is damaged by the first reader.""",
    bad="cp /backups/newest.db /app/data/engine.db",
    good="""rm -f /app/data/engine.db-wal /app/data/engine.db-shm
cp /backups/newest.db /app/data/engine.db""",
)
def live_wal(subject: Subject) -> Iterator[Finding]:
    """cp, mv and kubectl cp onto a SQLite file in a block that never speaks of -wal."""
    for command in subject.commands:
        destination = _written_database(subject, command)
        if not destination or "-wal" in command.fence.text or "-shm" in command.fence.text:
            continue
        yield subject.finding(
            "D504",
            command.outer,
            f"the -wal of the old database is replayed into {destination}",
            "remove or set aside FILE-wal and FILE-shm first, with nobody holding the database open",
        )


def _written_database(subject: Subject, command: Command) -> str:
    call = subject.call_of(command)
    if call is not None:
        ends = copy_ends(call)
        if ends is None or is_in_pod(ends[0]) or not is_in_pod(ends[1]):
            return ""
        destination = ends[1].text.partition(":")[2]
    elif (
        command.name in {"cp", "mv"}
        and len([text for text in command.texts if not text.startswith("-")]) == 2
    ):
        source, destination = [text for text in command.texts if not text.startswith("-")]
        if not any(word in source.lower() for word in ("backup", "restore", ".bak", "snapshot")):
            return ""
    else:
        return ""
    is_kept_copy = any(word in destination.lower() for word in ("backup", ".bak", "snapshot"))
    return destination if destination.endswith(DATABASE_ENDINGS) and not is_kept_copy else ""


@rule(
    "D505",
    "the guard stands behind what it guards",
    why="""A question, or a test that ends the script, protects only what comes after it. Here the data is
    gone when it is asked.""",
    bad="""rm -rf /srv/data/live
[ -f /backups/newest.tar ] || exit 1
tar -xf /backups/newest.tar -C /srv/data""",
    good="""[ -f /backups/newest.tar ] || exit 1
rm -rf /srv/data/live
tar -xf /backups/newest.tar -C /srv/data""",
)
def late_guard(subject: Subject) -> Iterator[Finding]:
    """Something destructive, then a test of a backup that would have ended the script, or a question."""
    for command in subject.commands:
        if not _destroys(subject, command) or command.carrier is not None or command.conditional:
            continue
        for other in subject.later(command):
            if _restores(subject, other):
                break
            if _is_guard(subject, other):
                yield subject.finding(
                    "D505",
                    command,
                    f"is done before line {other.span.line} asks whether it may be",
                    "the test first",
                )
                break


def _destroys(subject: Subject, command: Command) -> bool:
    call = subject.call_of(command)
    if call is not None:
        return call.verb == "delete" and bool(
            {"PersistentVolumeClaim", "Namespace", "PersistentVolume"} & set(call.kinds)
        )
    if command.name == "rm":
        paths = [text for text in command.texts if not text.startswith("-")]
        return command.has_short("r") and not any(
            path.startswith("/tmp") or "lists" in path for path in paths
        )
    if command.name in {"psql", "mysql"}:
        return any(
            statement in text.upper()
            for text in command.texts
            for statement in ("DROP DATABASE", "DROP TABLE")
        )
    return command.name in {"dropdb", "wipefs", "mkfs.ext4", "sgdisk"}


def _restores(subject: Subject, command: Command) -> bool:
    call = subject.call_of(command)
    if call is not None:
        return call.verb in {"cp", "apply"}
    return command.name in {"tar", "cp", "rsync", "pg_restore", "mongorestore", "restic", "createdb"}


def _is_guard(subject: Subject, command: Command) -> bool:
    if command.name == "read" and not command.is_in_loop and command.has("-p", "-rp", "-r -p"):
        return True
    is_test = command.name in {"[", "test"} and any(
        text in {"-f", "-e", "-s", "-d", "-z"} for text in command.texts
    )
    about_backup = any(
        word in text.lower() for text in command.texts for word in ("backup", "dump", "snapshot")
    )
    ends = any(
        other.name in {"exit", "return"}
        and other.conditional
        and other.start >= command.end
        and other.start - command.end < 200
        for other in subject.commands_of(command.fence)
    )
    return is_test and about_backup and ends


@rule(
    "D506",
    "the folder may not be there, and the next line acts all the same",
    why="""When cd fails, the shell stays where it is, and what follows applies, resets or deletes whatever
        lies there.""",
    bad="""cd terraform
terraform apply restore.tfplan""",
    good="""cd terraform || exit 1
terraform apply restore.tfplan""",
)
def failing_cd(subject: Subject) -> Iterator[Finding]:
    """cd on a line of its own, then a command that acts on the current folder."""
    for command in subject.commands:
        if (
            command.name != "cd"
            or command.status_is_read
            or command.runs_in is not None
            or not command.arguments
        ):
            continue
        if any(text in {"-", "~", "/", "/tmp", "..", "$HOME"} for text in command.texts) or _stops_on_failure(
            subject, command
        ):
            continue
        following = [other for other in subject.later(command) if other.carrier is None]
        for other in following:
            if other.name == "cd":
                break
            if _acts_here(subject, other):
                yield subject.finding(
                    "D506",
                    command,
                    f"if {command.texts[0]} is not here, line {other.span.line} acts on the current folder",
                    f"cd {command.arguments[0].raw} || exit 1",
                )
                break


def _stops_on_failure(subject: Subject, command: Command) -> bool:
    return any(
        other.name == "set" and any(text.startswith("-") and "e" in text for text in other.texts)
        for other in subject.earlier(command)
    )


def _acts_here(subject: Subject, command: Command) -> bool:
    texts = command.texts
    call = subject.call_of(command)
    if call is not None:
        folder = call.value("filename") or call.value("kustomize") or ""
        return call.verb in {"apply", "delete", "replace"} and folder in {".", "./", "*.yaml"}
    if command.name in {"terraform", "tofu", "terragrunt"}:
        return bool({"apply", "destroy"} & set(texts)) and not any(
            text.startswith("-chdir") for text in texts
        )
    if command.name == "rm":
        return command.has_short("r") and any(
            text in {".", "./", "*", "./*"} or text.endswith("*") for text in texts
        )
    if command.name == "git":
        return texts[:1] == ["clean"] or ("reset" in texts[:1] and "--hard" in texts)
    if command.name in {"docker-compose", "docker"}:
        return bool({"down", "up"} & set(texts)) and (
            command.name == "docker-compose" or texts[:1] == ["compose"]
        )
    return command.name == "find" and "-delete" in texts and texts[:1] == ["."]


@rule(
    "D507",
    "the backup is taken, or looked at, when it is too late",
    why="""A backup behind the change keeps the changed state; a check behind the restore finds out when the
    good data is already gone.""",
    bad="""psql "${DATABASE_URL:?}" -c "DROP TABLE events"
pg_dump "${DATABASE_URL:?}" > before.sql""",
    good="""pg_dump "${DATABASE_URL:?}" > before.sql
psql "${DATABASE_URL:?}" -c "DROP TABLE events\"""",
)
def late_backup(subject: Subject) -> Iterator[Finding]:
    """A destructive command, then a backup, and none before; a restore of a file, then its check."""
    for command in subject.commands:
        if command.carrier is None and _is_backup(command):
            earlier = [other for other in subject.earlier(command) if other.carrier is None]
            if any(_is_backup(other) for other in earlier):
                continue
            lost = next((other for other in earlier if _loses_data(other)), None)
            if lost is not None and not any(
                _restores(subject, other) for other in earlier if other.start > lost.start
            ):
                yield subject.finding(
                    "D507", command, f"keeps what is left after line {lost.span.line}", "the backup first"
                )
        checked = _checked_file(command)
        if checked:
            used = next((other for other in subject.earlier(command) if _uses_backup(other, checked)), None)
            if used is not None:
                yield subject.finding(
                    "D507",
                    command,
                    f"finds out that {checked} is damaged when line {used.span.line} has restored it",
                    "the check first",
                )


def _is_backup(command: Command) -> bool:
    if command.name in BACKUP_PROGRAMS:
        return True
    texts = command.texts
    return (command.name == "etcdctl" and texts[-2:-1] == ["save"]) or (
        command.name == "velero" and texts[:2] == ["backup", "create"]
    )


def _loses_data(command: Command) -> bool:
    if command.name in {"psql", "mysql"}:
        upper = " ".join(command.texts).upper()
        return any(word in upper for word in ("DROP TABLE", "DROP DATABASE", "TRUNCATE ", "DELETE FROM"))
    return command.name == "dropdb" or (command.name == "alembic" and command.texts[:1] == ["downgrade"])


def _checked_file(command: Command) -> str:
    texts = [text for text in command.texts if not text.startswith("-")]
    if command.name in {"sha256sum", "md5sum"} and (command.has("-c", "--check")):
        return texts[-1].removesuffix(".sha256").removesuffix(".md5") if texts else ""
    if command.name == "gzip" and command.has("-t", "--test"):
        return texts[-1] if texts else ""
    if command.name == "etcdctl" and "status" in texts and "snapshot" in texts:
        return texts[-1]
    return ""


def _uses_backup(command: Command, file: str) -> bool:
    if not any(file == text for text in command.texts) and not any(
        redirect.target is not None and redirect.target.text == file and redirect.operator == "<"
        for redirect in command.redirects
    ):
        return False
    texts = command.texts
    if command.name == "tar":
        return command.has_short("x") or texts[:1] in (["xf"], ["xzf"])
    if command.name in {"gunzip", "zcat", "pg_restore", "mongorestore"}:
        return True
    return command.name in {"psql", "mysql", "etcdctl"} and (command.name != "etcdctl" or "restore" in texts)


WAITED_FOR = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
GIVES_UP_SECONDS = 5.0
"""A pod is not replaced within so little."""
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
IN_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _waited_for(call: Kubectl) -> str:
    """The workload that a call waits for, as KIND/NAME; empty where it waits for none."""
    if call.verb not in {"rollout status", "wait"}:
        return ""
    targets = [target for target in call.targets if target.kind in WAITED_FOR and target.word.is_literal]
    return f"{targets[0].kind}/{targets[0].name}" if targets else ""


def _is_in_manifests(subject: Subject, workload: str) -> bool:
    kind, _, name = workload.partition("/")
    return subject.manifests is not None and name in subject.manifests.names(kind)


@rule(
    "D508",
    "it waits for another than what it changed",
    why="""The wait ends at once, since nothing was done to that workload, and what follows meets the pods
    of before.""",
    bad="""kubectl rollout restart deployment/novel-engine -n novel-engine-production
kubectl rollout status deployment/redis -n novel-engine-production --timeout=180s""",
    good="""kubectl rollout restart deployment/novel-engine -n novel-engine-production
kubectl rollout status deployment/novel-engine -n novel-engine-production --timeout=180s""",
    needs=("manifests",),
)
def waits_for_another(subject: Subject) -> Iterator[Finding]:
    """A change, and right behind it a wait for a workload that nothing in the block changes; both are in
    the manifests."""
    for call in subject.calls:
        changed = changes_workload(call)
        following = next((subject.call_of(other) for other in subject.later(call.command)[:1]), None)
        if not _is_in_manifests(subject, changed) or following is None:
            continue
        waited = _waited_for(following)
        own = [subject.call_of(command) for command in subject.commands_of(call.command.fence)]
        others = {changes_workload(other) for other in own if other is not None}
        awaited = {_waited_for(other) for other in own if other is not None}
        is_another = waited != changed and waited not in others and changed not in awaited
        if is_another and _is_in_manifests(subject, waited):
            yield subject.finding(
                "D508",
                following.command,
                f"line {call.command.span.line} changes {changed}, and nothing waits for it",
                f"kubectl rollout status {changed.lower()}",
            )


@rule(
    "D509",
    "it waits for the start of what nothing started",
    why="With no pod wanted, none is awaited: the wait ends at once and well, and the service stays down.",
    bad="""kubectl scale deployment novel-engine --replicas=0 -n novel-engine-production
kubectl wait --for=delete pod -l app=novel-engine -n novel-engine-production --timeout=120s
kubectl rollout status deployment/novel-engine -n novel-engine-production --timeout=180s""",
    good="""kubectl scale deployment novel-engine --replicas=0 -n novel-engine-production
kubectl wait --for=delete pod -l app=novel-engine -n novel-engine-production --timeout=120s
kubectl scale deployment novel-engine --replicas=3 -n novel-engine-production
kubectl rollout status deployment/novel-engine -n novel-engine-production --timeout=180s""",
    needs=("manifests",),
)
def never_started(subject: Subject) -> Iterator[Finding]:
    """A scale to none of a workload of the manifests, then rollout status of it, and nothing between that may
    start it."""
    for call in subject.calls:
        target = next(iter(call.targets), None)
        if not _is_none(call) or target is None or not target.word.is_literal:
            continue
        workload = f"{target.kind}/{target.name}"
        if not _is_in_manifests(subject, workload):
            continue
        for other in map(subject.call_of, subject.later(call.command)):
            if other is not None and _may_start(other, target.name):
                break
            if other is not None and other.verb == "rollout status" and _waited_for(other) == workload:
                yield subject.finding(
                    "D509",
                    other.command,
                    f"line {call.command.span.line} took all pods away, and nothing has asked for new ones",
                    "kubectl scale ... --replicas=N before it",
                )
                break


def _may_start(call: Kubectl, name: str) -> bool:
    if call.verb == "scale":
        names = {target.name for target in call.targets if target.word.is_literal}
        return not _is_none(call) and (name in names or not names)
    if call.verb in {"apply", "create", "replace"}:
        # an object that stands in the text is seen not to be this one
        written = [redirect.text for redirect in call.command.redirects if redirect.operator == "<<"]
        return not written or any(name in text and "kind: Pod" not in text for text in written)
    return call.verb in {"rollout undo", "patch", "edit"}


@rule(
    "D510",
    "the wait gives up before anything can be ready",
    why="""To replace a pod takes some seconds at least. A wait that ends before says nothing but that it
    ended, and what follows comes too early.""",
    bad="""kubectl rollout restart deployment/novel-engine -n novel-engine-production
kubectl rollout status deployment/novel-engine -n novel-engine-production --timeout=2s""",
    good="""kubectl rollout restart deployment/novel-engine -n novel-engine-production
kubectl rollout status deployment/novel-engine -n novel-engine-production --timeout=180s""",
    needs=("manifests",),
)
def gives_up(subject: Subject) -> Iterator[Finding]:
    """rollout status and wait with a timeout of less than five seconds, behind a change in the same block."""
    for call in subject.calls:
        option = call.option("timeout")
        match = DURATION.fullmatch(option.text) if option is not None else None
        if call.verb not in {"rollout status", "wait"} or option is None or match is None:
            continue
        seconds = float(match[1]) * IN_SECONDS[match[2]]
        before = [subject.call_of(command) for command in subject.earlier(call.command)]
        changes = [other for other in before if other is not None and _changes(subject, other)]
        if 0 < seconds < GIVES_UP_SECONDS and changes:
            yield subject.finding(
                "D510",
                option.word,
                f"{option.text} is less than any pod needs: it ends with an error, or is passed over",
                "as long as the change may take, such as --timeout=180s",
            )


def _changes(subject: Subject, call: Kubectl) -> bool:
    return _is_in_manifests(subject, changes_workload(call)) or call.verb in {"apply", "create"}
