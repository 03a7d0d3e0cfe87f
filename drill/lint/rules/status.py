"""Checks whose status says nothing: they pass whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drill.lint.finding import Edit, Finding
from drill.lint.place import Span
from drill.lint.rule import rule
from drill.lint.shell import Command
from drill.lint.sqlite import session_of
from drill.lint.subject import Subject

HEALTH_WORDS = ("health", "healthz", "ready", "readyz", "live", "livez", "ping", "status", "alive")
SHOWS_STATUS = (
    "-i",
    "--include",
    "-I",
    "--head",
    "-v",
    "--verbose",
    "-w",
    "--write-out",
    "-D",
    "--dump-header",
    "-iv",
)
TAKES_A_FILE = frozenset({"sh", "bash", "kubectl", "tar", "gpg", "sudo"})
ALWAYS_WELL = frozenset(
    {"tail", "head", "awk", "sort", "wc", "cut", "tee", "sed", "uniq", "cat", "tr", "column", "less", "nl"}
)
LOOKS_AT_TEXT = frozenset(
    {"grep", "egrep", "rg", "awk", "jq", "python", "python3", "sed", "cut", "tr", "tail", "head", "wc"}
)
FAILURE_WORD = re.compile(
    r"❌|(?-i:\u00e2\x9d?\u0152)|✗|✖|"
    r"\b(?:error|fail(?:ed|ure)?|corrupt(?:ed)?|missing|unhealthy|not (?:responding|"
    r"found|ready|running|healthy))\b",
    re.IGNORECASE,
)

BUSY_TIMEOUT = re.compile(r"\.timeout\b|\bbusy_timeout\b|^\.read\b", re.IGNORECASE)
"""A file that is read may set it too."""


def _address(command: Command) -> str:
    return next(
        (text for text in command.texts if "://" in text or text.startswith(("localhost", "127.0.0.1", "$"))),
        "",
    )


def _asks_health(command: Command) -> bool:
    path = _address(command).partition("://")[2] or _address(command)
    last = path.split("?")[0].rstrip("/").rsplit("/", 1)[-1].lower().strip("\"'")
    return "/" in path and last.lstrip("-_") in HEALTH_WORDS


def _saves(command: Command) -> bool:
    return (
        command.has("-o", "--output", "-O", "--remote-name")
        or any(command.has_short(letter) for letter in "oO")
        or bool([word for word in command.writes_to() if word.text != "/dev/null"])
    )


def _changes(command: Command) -> bool:
    methods = {"POST", "PUT", "PATCH", "DELETE", "-XPOST", "-XPUT", "-XPATCH", "-XDELETE"}
    return bool(methods & set(command.texts))


def _fails_on_error(command: Command) -> bool:
    if command.has("--fail", "--fail-with-body"):
        return True
    return any(
        text.startswith("-") and not text.startswith("--") and "f" in text[1:] and text[1:2] not in "HXdou"
        for text in command.texts
    )


@rule(
    "D301",
    "curl ends with 0 for an error",
    why="""Without --fail, curl takes 503 for an answer and ends with 0: the check passes, the error page is
    saved as the file, the refused change looks done.""",
    bad="if curl -s https://novel-engine.com/health >/dev/null; then echo up; fi",
    good="if curl -s --fail https://novel-engine.com/health >/dev/null; then echo up; fi",
    fixes=True,
)
def curl_without_fail(subject: Subject) -> Iterator[Finding]:
    """curl as a check, as a download, as a change, or silent before grep."""
    for command in subject.commands:
        if command.name != "curl" or _fails_on_error(command) or not _address(command):
            continue
        if command.has("--help", "--version", "telnet") or "ftp://" in _address(command):
            continue
        harm = _harm_of_curl(command)
        if harm:
            option = "--fail-with-body" if _changes(command) else "--fail"
            name = command.words[0].span
            behind = Span(name.end_line, name.end_column, name.end_line, name.end_column)
            edit = Edit(behind, f" {option}") if command.words[0].raw == "curl" else None
            yield subject.finding("D301", command, f"ends with 0 for 404 and 503: {harm}", option, edit)


def _harm_of_curl(command: Command) -> str:
    """What goes wrong when this curl takes an error for an answer; empty where somebody looks."""
    if _shows_status(command):
        return ""
    readers = {reader.name for reader in command.after}
    silent = command.has("--silent") or command.has_short("s")
    looked_at = command.is_captured or command.outer.captured_in in {"test", "case"}
    compared = any(reader.has_short("x") for reader in command.after)
    harms = (
        (command.is_judged, "the check passes while the service is out"),
        (command.is_silenced, "nobody learns that it failed"),
        (bool(readers & TAKES_A_FILE), "the error page is taken for the file"),
        (_saves(command), "the error page is saved as the file"),
        (_changes(command), "a change that was refused looks done"),
        (
            silent and bool(readers & {"grep", "egrep"}) and not looked_at and not compared,
            "an error page has no such line, which looks as if there were nothing to see",
        ),
        (_asks_health(command) and not readers and not looked_at, "an unhealthy answer passes"),
    )
    return next((harm for applies, harm in harms if applies), "")


def _shows_status(command: Command) -> bool:
    return command.has(*SHOWS_STATUS) or any(
        text.startswith("-") and not text.startswith("--") and set(text[1:]) & set("iIvwD")
        for text in command.texts
    )


@rule(
    "D302",
    "sqlite3 ends with 0 whatever the check finds",
    why="""PRAGMA integrity_check prints what is damaged and ends with 0. A verdict taken from the status
    calls every backup sound.""",
    bad="""sqlite3 /backups/app.sqlite "PRAGMA integrity_check;" && echo verified""",
    good="""[ "$(sqlite3 /backups/app.sqlite "PRAGMA integrity_check;")" = ok ] && echo verified""",
)
def integrity(subject: Subject) -> Iterator[Finding]:
    """integrity_check and quick_check whose output is not compared."""
    for command in subject.commands:
        if command.name != "sqlite3" or not any(
            word in text.lower() for text in command.texts for word in ("integrity_check", "quick_check")
        ):
            continue
        if command.outer.is_captured or any(reader.name in LOOKS_AT_TEXT for reader in command.after):
            continue
        yield subject.finding(
            "D302",
            command,
            "ends with 0 for a damaged database too: only what it prints tells",
            "compare the output with ok",
        )


@rule(
    "D303",
    "redis-cli ends with 0 whatever Redis answers",
    why="NOAUTH, LOADING and MISCONF are answers: redis-cli prints them and ends with 0, and the check "
    "passes.",
    bad="kubectl exec deployment/redis -n novel-engine-production -- redis-cli ping",
    good="kubectl exec deployment/redis -n novel-engine-production -- redis-cli ping | grep -x PONG",
)
def redis_ping(subject: Subject) -> Iterator[Finding]:
    """redis-cli ping whose answer nothing compares, and any redis-cli whose status is read."""
    for command in subject.commands:
        if command.name != "redis-cli" or command.has("-e"):
            continue
        pings = any(text.lower() == "ping" for text in command.texts)
        compared = command.outer.is_captured or any(reader.name in LOOKS_AT_TEXT for reader in command.after)
        if (pings or command.is_judged) and not compared:
            yield subject.finding(
                "D303",
                command,
                "ends with 0 for NOAUTH and LOADING too: a Redis that refuses its clients passes",
                "| grep -x PONG" if pings else "compare what it prints",
            )


@rule(
    "D304",
    "the pipeline's status is that of its last command",
    why="""tail, awk, sort and the like end with 0 whatever reaches them, so a condition on the pipeline
    always holds. With `grep -v` it is the wrong way round: no bad line is a failure.""",
    bad="if kubectl get nodes | tail -1; then echo fine; fi",
    good="if kubectl get nodes | grep -q NotReady; then echo bad; fi",
)
def pipeline_status(subject: Subject) -> Iterator[Finding]:
    """A pipeline in a condition that ends in a command that always ends well."""
    for command in subject.commands:
        if not command.is_judged or command.position == 0 or command.status_decides == "while":
            continue
        if command.status_decides == "||" and command.or_true:
            continue
        if _has_pipefail(subject, command) and not _inverts(command):
            continue
        if command.name in ALWAYS_WELL and not (
            command.name == "awk" and any("exit" in text for text in command.texts)
        ):
            first = command.outer.pipeline[0].name or "the first command"
            yield subject.finding(
                "D304",
                command,
                f"ends with 0 whatever {first} does: the condition always holds",
                "set -o pipefail, or compare the output",
            )
        elif _inverts(command) and command.status_decides == "&&":
            yield subject.finding(
                "D304",
                command,
                "grep -v ends with 1 when there is nothing bad: the check is the wrong way round",
                "! ... | grep -q BAD",
            )


def _inverts(command: Command) -> bool:
    return command.name == "grep" and command.has_short("v")


def _has_pipefail(subject: Subject, command: Command) -> bool:
    return any("pipefail" in other.texts for other in subject.earlier(command) if other.name == "set")


CHANGES_OR_CHECKS = frozenset(
    {
        "kubectl",
        "oc",
        "helm",
        "terraform",
        "curl",
        "psql",
        "mysql",
        "aws",
        "gcloud",
        "etcdctl",
        "sqlite3",
        "tar",
        "rsync",
    }
)


@rule(
    "D305",
    "|| true hides the failure",
    why="""What a check or a change says is thrown away, and the lines below go on as if it had worked.
    (Deleting what may be gone already, and grep that may find nothing, are left alone.)""",
    bad="kubectl rollout status deployment/novel-engine -n novel-engine-production --timeout=180s || true",
    good="kubectl rollout status deployment/novel-engine -n novel-engine-production --timeout=180s || exit 1",
)
def or_true(subject: Subject) -> Iterator[Finding]:
    """`|| true` behind a check or a change."""
    for command in subject.commands:
        if command.carrier is not None or not command.or_true or command.is_captured or not command.name:
            continue
        call = subject.call_of(command)
        if call is not None and (
            call.verb in {"delete", "logs", "describe", "get", "uncordon", "create"}
            or call.has("ignore-not-found")
        ):
            continue
        if command.name not in CHANGES_OR_CHECKS or command.after:
            continue
        yield subject.finding(
            "D305", command, "its failure is thrown away: what follows goes on as if it had worked"
        )


@rule(
    "D306",
    "a number is counted and compared with nothing",
    why="A script that prints a count and goes on has checked nothing: 0 reads like any other number.",
    bad="""#!/bin/bash
kubectl get endpoints novel-engine -n novel-engine-production -o name | wc -l""",
    good="""#!/bin/bash
[ "$(kubectl get endpoints novel-engine -n novel-engine-production -o name | wc -l)" -gt 0 ] || exit 1""",
)
def idle_count(subject: Subject) -> Iterator[Finding]:
    """`| wc` at the end of a script's pipeline, printed and no more."""
    for command in subject.commands:
        counts = command.name == "wc" or (command.name == "grep" and command.has("-c", "--count"))
        if not counts or command.position == 0 or not command.is_last:
            continue
        if command.is_captured or command.is_judged or command.writes_to() or not command.fence.is_script:
            continue
        yield subject.finding(
            "D306",
            command,
            "prints a number and goes on: 0 passes like any other",
            "compare it, and end with 1",
        )


@rule(
    "D307",
    "the check cannot fail",
    why="""sqlite3.connect opens nothing until something is read: it is content with a damaged file, and makes
    one that is missing. A check that cannot fail is worse than none.""",
    bad="""python3 -c "import sqlite3; sqlite3.connect('/app/data/engine.sqlite'); print('DB OK')\"""",
    good="""python3 -c "import sqlite3; sqlite3.connect('/data/a.sqlite').execute('SELECT 1 FROM jobs')\"""",
)
def cannot_fail(subject: Subject) -> Iterator[Finding]:
    """A program in python -c that opens a database and reads nothing; a test of a constant."""
    for command in subject.commands:
        if command.name.startswith("python"):
            for text in command.texts:
                harm = _harm_of_connecting(text)
                if harm:
                    yield subject.finding(
                        "D307", command, harm, ".execute('SELECT 1 FROM a table') and a look at what it says"
                    )
        elif command.name == "[" and _is_constant_test(subject, command):
            yield subject.finding("D307", command, "looks at the status of a command that always ends with 0")


def _harm_of_connecting(text: str) -> str:
    """What a Python text that opens a database and asks it nothing lets pass; empty for one that asks."""
    asking = (".execute", ".cursor", "query", ".connect()", ".begin()", ".scalar", ".backup(", ".iterdump(")
    if any(asks in text for asks in asking):
        return ""
    if "sqlite3.connect(" in text:
        return "connects and reads nothing: passes for a damaged database, and makes one that is missing"
    makes_engine = "create_engine(" in text or re.search(r"import (?:\w+, )*engine\b", text) is not None
    if makes_engine and "print(" in text:
        return "an engine connects when it is first asked, and is not: passes while the database is out"
    return ""


def _is_constant_test(subject: Subject, command: Command) -> bool:
    if "$?" not in command.raw:
        return False
    before = next((other for other in reversed(subject.earlier(command)) if other.outer is other), None)
    return before is not None and before.is_last and before.name in {"echo", "printf", ":", "true"}


@rule(
    "D308",
    "kubectl get ends with 0 when it finds nothing",
    why="""With a selector or a whole kind, `No resources found` is a success. A condition on it holds for a
    service that has no pods at all.""",
    bad="if kubectl get pods -l app=novel-engine -n novel-engine-production; then echo running; fi",
    good="""kubectl wait pod -l app=novel-engine \\
    -n novel-engine-production --for=condition=Ready --timeout=60s""",
)
def get_as_condition(subject: Subject) -> Iterator[Finding]:
    """kubectl get without a name in a condition."""
    for call in subject.calls:
        command = call.command
        if call.verb != "get" or not command.is_judged or command.position > 0 or command.or_true:
            continue
        if (
            command.status_decides in {"if", "&&", "||", "!", "$?", "while"}
            and not call.targets
            and call.positionals
        ):
            names = call.positionals[1:] or ("/" in call.positionals[0].text)
            bare = command.status_decides == "&&" and not call.has("selector")
            if not names and not bare and not call.has("raw") and not call.has("filename"):
                yield subject.finding(
                    "D308",
                    command,
                    "ends with 0 and `No resources found`: holds when there is nothing",
                    "a name, kubectl wait, or a look at what -o name prints",
                )


@rule(
    "D309",
    "the script says that it failed, and ends with 0",
    why="""Who reads the screen sees it; cron, CI and the next line of a runbook see 0. A branch that finds
    the backup corrupt must end with something else.""",
    bad="""#!/bin/bash
if [ ! -f /backups/today.tar ]; then
    echo "Backup missing"
fi""",
    good="""#!/bin/bash
if [ ! -f /backups/today.tar ]; then
    echo "Backup missing"
    exit 1
fi""",
)
def quiet_failure(subject: Subject) -> Iterator[Finding]:
    """In a script: an echo of a failure, in a branch, and no exit, return or note of it behind."""
    for fence in subject.script.fences:
        if not fence.is_script:
            continue
        commands = subject.commands_of(fence)
        if any(command.name in {"exit", "return", "false"} for command in commands):
            continue
        notes = [entry for entry in subject.script.assignments if entry.fence is fence]
        for command in commands:
            if command.name != "echo" or not command.conditional or command.is_in_loop:
                continue
            if not any(FAILURE_WORD.search(word.text) for word in command.arguments):
                continue
            if any(note.start > command.end and note.start - command.end < 200 for note in notes):
                continue
            if any(
                other.start > command.end and other.name in {"mail", "curl", "logger"} for other in commands
            ):
                continue
            yield subject.finding(
                "D309",
                command,
                "says that something is wrong, and the script ends with 0: nobody but a reader learns it",
                "exit 1 behind it",
            )


@rule(
    "D311",
    "it fails when somebody else has the database for a moment",
    why="""sqlite3 waits for no lock unless told to. Of a database that a service uses it says `database is
    locked` every now and then, and the next try works. Who looks meanwhile takes that for the fault.""",
    bad="""kubectl exec deployment/novel-engine -n novel-engine-production -- \\
    sqlite3 /app/data/engine.db "SELECT count(*) FROM campaigns;\"""",
    good="""kubectl exec deployment/novel-engine -n novel-engine-production -- \\
    sqlite3 -cmd ".timeout 30000" /app/data/engine.db "SELECT count(*) FROM campaigns;\"""",
)
def waits_for_no_lock(subject: Subject) -> Iterator[Finding]:
    """sqlite3 with a database and a statement, in a container that runs, and no time to wait for a lock."""
    for command in subject.commands:
        session = session_of(command)
        if session is None or not session.statements or not _is_in_a_container(subject, command):
            continue
        if any(BUSY_TIMEOUT.search(text) for text in session.first + session.statements):
            continue
        yield subject.finding(
            "D311",
            command.outer,
            "fails with `database is locked` when the service has it at that moment",
            'sqlite3 -cmd ".timeout 30000"',
        )


def _is_in_a_container(subject: Subject, command: Command) -> bool:
    call = subject.call_of(command.outer)
    return call is not None and call.verb == "exec" and command is not command.outer
