"""Commands that never return, that wait for somebody, or that race what follows them."""

from __future__ import annotations

from collections.abc import Iterator

from drill.lint.finding import Edit, Finding
from drill.lint.kubectl import Kubectl
from drill.lint.place import Span
from drill.lint.rule import rule
from drill.lint.rules.waiting import is_retrying, waits
from drill.lint.shell import INNER_SHELLS, Command, Word
from drill.lint.sqlite import session_of
from drill.lint.subject import Subject

EDITORS = frozenset({"vi", "vim", "nano", "emacs", "visudo", "vipw"})
SCREENS = frozenset({"top", "htop", "k9s", "stern", "iotop", "iftop", "nethogs", "atop"})
PROMPTS_OF_PROGRAMS = {
    "psql": ("-c", "--command", "-f", "--file", "-l", "--list"),
    "mysql": ("-e", "--execute"),
    "mongosh": ("--eval", "-f"),
    "mongo": ("--eval",),
    "sqlite3": (),
    "redis-cli": (),
    "python": ("-c", "-m"),
    "python3": ("-c", "-m"),
}
INTERPRETERS = frozenset({"python", "python3"})
TELLS_OF_ITSELF = ("--version", "-version", "-V", "--help", "-help")


def _ending(subject: Subject, command: Command) -> str:
    """What does not happen because the command goes on; empty where it ends its block, and is there to be
    watched."""
    own = command.outer.pipeline
    following = [other for other in subject.later(command) if other.carrier is None and other not in own]
    if following:
        return f"line {following[0].span.line} below it is not reached"
    return "the script never ends" if command.fence.is_script else ""


def _is_bounded(command: Command) -> bool:
    """True where something ends it: timeout, a background job, a reader that has had enough."""
    outer = command.outer
    return (
        "timeout" in outer.wrappers
        or outer.is_in_background
        or any(
            reader.name == "head" or (reader.name == "grep" and reader.has("-m")) for reader in outer.after
        )
        or (command.runs_in is not None and "timeout" in command.wrappers)
    )


@rule(
    "D201",
    "it watches and never returns",
    why="""--watch, watch and the like go on until somebody presses Ctrl-C. What stands below them in the
    block is not reached, by a person who waits for an end or by a script. As the last command, they are there
    to be watched.""",
    bad="""kubectl get pods -n novel-engine-production --watch
kubectl get events -n novel-engine-production""",
    good="""kubectl get pods -n novel-engine-production
kubectl get events -n novel-engine-production --watch""",
)
def watching(subject: Subject) -> Iterator[Finding]:
    """kubectl get -w, events --watch, watch itself."""
    for command in subject.commands:
        call = subject.call_of(command)
        watches = (
            call is not None
            and (call.has("watch") or call.has("watch-only"))
            and call.verb in {"get", "events"}
        )
        watches = watches or (command.name == "watch" and bool(command.arguments))
        ending = _ending(subject, command)
        if watches and ending and not _is_bounded(command):
            yield subject.finding(
                "D201",
                command,
                f"never returns: {ending}",
                "without it; to wait for a state: kubectl wait --timeout=...",
            )


@rule(
    "D202",
    "it follows a log and never returns",
    why="logs -f, tail -f and journalctl -f end when somebody interrupts them.",
    bad="""kubectl logs deployment/redis -n novel-engine-production -f
kubectl rollout restart deployment/redis -n novel-engine-production""",
    good="""kubectl logs deployment/redis -n novel-engine-production --tail=100
kubectl rollout restart deployment/redis -n novel-engine-production""",
)
def following(subject: Subject) -> Iterator[Finding]:
    """-f of kubectl logs, docker logs, tail, journalctl."""
    for command in subject.commands:
        call = subject.call_of(command)
        follows = call is not None and call.verb == "logs" and call.has("follow")
        if command.name == "tail":
            follows = command.has("--follow") or command.has_short("f") or command.has_short("F")
        elif command.name == "journalctl":
            follows = command.has("--follow") or command.has_short("f")
        elif command.name in {"docker", "podman", "docker-compose"} and "logs" in command.texts[:2]:
            follows = command.has("--follow", "-f", "-ft", "-tf")
        ending = _ending(subject, command)
        if follows and ending and not _is_bounded(command):
            yield subject.finding(
                "D202",
                command,
                f"never returns: {ending}",
                "--tail=100, or timeout 60 before it",
            )


@rule(
    "D203",
    "it holds the terminal",
    why="""A forward, a proxy or a screen such as top runs in the foreground until it is interrupted; what
    should use it stands below and is not reached.""",
    bad="""kubectl port-forward service/redis 6379:6379 -n novel-engine-production
nc -z localhost 6379""",
    good="""kubectl port-forward service/redis 6379:6379 -n novel-engine-production &
FORWARD=$!
until nc -z localhost 6379; do sleep 1; done
kill "$FORWARD\"""",
)
def holding(subject: Subject) -> Iterator[Finding]:
    """port-forward and proxy in the foreground; top without -b; ssh -N."""
    for command in subject.commands:
        call = subject.call_of(command)
        holds = call is not None and call.verb in {"port-forward", "proxy"}
        if command.name in SCREENS:
            batch = command.name in {"top", "iotop"} and (command.has_short("b") or command.has_short("l"))
            holds = not batch and not command.has("--help", "-h", "--version", "version")
            holds = holds and not command.outer.is_captured and command.is_last
        elif command.name == "ssh":
            holds = command.has_short("N") and not command.has_short("f")
        ending = _ending(subject, command)
        if holds and ending and not _is_bounded(command):
            yield subject.finding(
                "D203",
                command,
                f"stays in the foreground: {ending}",
                "& behind it, a wait until it answers, and kill at the end",
            )


def _terminal_options(call: Kubectl) -> list[Word]:
    options = [
        option for option in call.options if option.name in {"stdin", "tty"} and option.text != "false"
    ]
    names = {option.name for option in options}
    return [option.word for option in options] if "tty" in names else []


def _asks_nothing(command: Command) -> bool:
    """True for a command that runs without anybody typing: no shell, no prompt of a database."""
    if command.name in INNER_SHELLS or not command.name:
        return any(
            text.startswith("-") and text.endswith("c") and not text.startswith("--")
            for text in command.texts
        )
    if command.name in EDITORS | SCREENS | {"passwd", "less", "more"}:
        return False
    if command.name in PROMPTS_OF_PROGRAMS:
        return not _is_prompt(command)
    return command.name in QUIET_PROGRAMS


QUIET_PROGRAMS = frozenset(
    [
        "tar",
        "cat",
        "ls",
        "ps",
        "df",
        "du",
        "free",
        "env",
        "printenv",
        "id",
        "whoami",
        "hostname",
        "date",
        "curl",
        "wget",
        "nslookup",
        "dig",
        "ping",
        "nc",
        "stat",
        "find",
        "grep",
        "head",
        "tail",
        "wc",
        "echo",
        "touch",
        "rm",
        "mv",
        "cp",
        "mkdir",
        "chown",
        "chmod",
        "kill",
        "nginx",
        "redis-cli",
        "pg_dump",
        "pg_isready",
        "pg_dumpall",
        "mysqldump",
        "mongodump",
        "etcdctl",
        "rabbitmqctl",
        "kafka-topics.sh",
        "jstack",
        "jmap",
        "jcmd",
        "java",
        "node",
        "ip",
        "ss",
        "netstat",
        "uname",
        "mount",
        "sysctl",
        "test",
        "true",
        "ceph",
        "rados",
        "rbd",
        "radosgw-admin",
        "vault",
        "nodetool",
        "openssl",
        "getent",
    ]
)


def _is_prompt(command: Command) -> bool:
    """True where a database's program or an interpreter is started without anything to do."""
    outer = command.outer
    return (
        command.name in PROMPTS_OF_PROGRAMS
        and outer.position == 0
        and not any(redirect.operator in {"<", "<<", "<<<"} for redirect in outer.redirects)
        and not command.has(*TELLS_OF_ITSELF)
        and not _is_told_what_to_do(command)
    )


def _is_told_what_to_do(command: Command) -> bool:
    single, texts = PROMPTS_OF_PROGRAMS[command.name], command.texts
    if any(text in single or any(text.startswith(f"{name}=") for name in single) for text in texts):
        return True
    opened = session_of(command)
    if opened is not None:
        return bool(opened.statements)
    if command.name == "redis-cli":
        return bool(_bare_of_redis(texts))
    if command.name in INTERPRETERS and any(not text.startswith("-") for text in texts):
        return True
    return bool(single) and any(
        text.startswith("-") and not text.startswith("--") and text[-1:] in "ceflm" for text in texts
    )


def _bare_of_redis(texts: list[str]) -> list[str]:
    bare: list[str] = []
    skip = False
    for text in texts:
        if skip:
            skip = False
        elif text in {"-h", "-p", "-a", "-n", "-u", "-s", "--user", "--pass"}:
            skip = True
        elif (
            text.startswith("--") and text not in {"--tls", "--raw", "--no-auth-warning", "--insecure"}
        ) or not text.startswith("-"):
            bare.append(text)
    return bare


@rule(
    "D204",
    "a terminal is asked for, and nobody types",
    why="""-t makes kubectl complain and docker refuse where there is no terminal, and it mixes standard error
    and carriage returns into what is captured. -i takes the rest of a script that is read from standard
    input, and the lines of the loop around it. A command that asks nothing needs neither.""",
    bad="kubectl exec -it deployment/redis -n novel-engine-production -- redis-cli INFO memory",
    good="kubectl exec deployment/redis -n novel-engine-production -- redis-cli INFO memory",
    fixes=True,
)
def terminal(subject: Subject) -> Iterator[Finding]:
    """-it of kubectl exec and docker exec before a command that asks nothing."""
    for command in subject.commands:
        carrier = command.carrier
        if carrier is None or command.name == "" or not _asks_nothing(command):
            continue
        call = subject.call_of(carrier)
        if call is not None and call.verb == "exec":
            words = _terminal_options(call)
        elif carrier.name in {"docker", "podman"}:
            words = [word for word in carrier.arguments[:4] if word.text in {"-it", "-ti", "-t", "--tty"}]
        else:
            words = []
        if not words:
            continue
        piped = bool(carrier.after) or carrier.is_captured or carrier.writes_to()
        harm = "carriage returns get into what reads it" if piped else "a script has no terminal to give"
        yield subject.finding(
            "D204",
            carrier,
            f"-t asks for a terminal, and nobody types: {harm}",
            "without -i and -t",
            _without(subject, words) if len({id(word) for word in words}) == 1 else None,
        )


def _without(subject: Subject, words: list[Word]) -> Edit | None:
    word = words[0]
    if word.text not in {"-it", "-ti"}:
        return None
    # with the blank behind it, which is there because a command follows
    end = Span(word.span.line, word.span.column, word.span.end_line, word.span.end_column + 1)
    line = subject.document.lines[word.span.end_line - 1]
    is_blank_behind = line[word.span.end_column - 1 : word.span.end_column] == " "
    return Edit(end, "") if is_blank_behind else None


@rule(
    "D205",
    "an editor opens",
    why="""An editor waits for a person who knows what to change. The change is written nowhere, and nobody
    can carry it out a second time.""",
    bad="kubectl edit deployment novel-engine -n novel-engine-production",
    good="kubectl get deployment novel-engine -n novel-engine-production -o yaml",
)
def editor(subject: Subject) -> Iterator[Finding]:
    """kubectl edit, vi, nano, crontab -e, systemctl edit."""
    for command in subject.commands:
        call = subject.call_of(command)
        opens = (
            call is not None
            and call.verb in {"edit", "edit-last-applied"}
            and not _shows_change(subject, command)
        )
        opens = opens or (command.name in EDITORS and not command.has("--version", "-c"))
        opens = opens or (command.name == "crontab" and command.has("-e"))
        opens = opens or (command.name == "systemctl" and command.texts[:1] == ["edit"])
        if opens:
            yield subject.finding(
                "D205",
                command,
                "opens an editor and waits for a person: no script can do it, and each does it differently",
                "the change as a command: kubectl patch, kubectl set, sed -i",
            )


def _shows_change(subject: Subject, command: Command) -> bool:
    """True where a YAML or JSON block in the same section shows what the editor is opened for."""
    heading = command.fence.heading
    return any(
        fence.heading is heading
        and fence.line > command.fence.line
        and fence.language in {"yaml", "yml", "json", "diff"}
        for fence in subject.document.fences
    )


@rule(
    "D206",
    "a session opens, and commands follow",
    why="""Pasted into a terminal, the lines below go into the session that has just opened; run as a script,
    they run on this machine once it has closed. A text that is two different procedures is none.""",
    bad="""kubectl exec -it deployment/redis -n novel-engine-production -- sh
rm -f /data/dump.rdb""",
    good="kubectl exec deployment/redis -n novel-engine-production -- rm -f /data/dump.rdb",
)
def session(subject: Subject) -> Iterator[Finding]:
    """A shell or a prompt in a pod, on a host or here, with commands below it in the block."""
    for command in subject.commands:
        if command.fence.has_prompts or not _opens_session(subject, command):
            continue
        below = [
            other
            for other in subject.later(command)
            if other.carrier is None and other.name not in {"exit", "kubectl"}
        ]
        if below:
            yield subject.finding(
                "D206",
                command.outer,
                f"opens a session: pasted, line {below[0].span.line} goes into it; as a script, it runs on "
                "this machine",
                "the commands behind `--`, or in a heredoc that the session reads",
            )


def _opens_session(subject: Subject, command: Command) -> bool:
    if (
        command.outer.is_in_background
        or command.outer.is_captured
        or command.outer.position > 0
        or command.outer.after
    ):
        return False
    if command.outer.redirects:
        return False
    if command.carrier is not None and command.carrier.name != "xargs":
        call = subject.call_of(command.carrier)
        asks = call is None or (call.verb == "exec" and (call.has("stdin") or call.has("tty")))
        shell = command.name in INNER_SHELLS and not any(
            not text.startswith("-") or "c" in text for text in command.texts
        )
        return asks and (shell or _is_prompt(command))
    return command.runs_in is None and command.name in {"psql", "mysql", "mongosh"} and _is_prompt(command)


@rule(
    "D207",
    "what follows races the job in the background",
    why="""The shell goes on at once; the forward listens a moment later. What asks in between is refused, and
    reads as if the service were out.""",
    bad="""kubectl port-forward service/novel-engine 9191:8000 -n novel-engine-production &
FORWARD=$!
curl --fail http://localhost:9191/health
kill "$FORWARD\"""",
    good="""kubectl port-forward service/novel-engine 9191:8000 -n novel-engine-production &
FORWARD=$!
curl --fail --retry 30 --retry-delay 1 --retry-all-errors http://localhost:9191/health
kill "$FORWARD\"""",
)
def race(subject: Subject) -> Iterator[Finding]:
    """A command that names localhost right after a forward in the background, with nothing that waits
    between."""
    for call in subject.calls:
        if not _is_forward(call):
            continue
        for other in subject.later(call.command):
            if waits(subject, other) or is_retrying(other) or other.is_in_loop:
                break
            if any("localhost" in text or "127.0.0.1" in text for text in other.texts):
                yield subject.finding(
                    "D207",
                    other,
                    f"asks before the forward of line {call.command.span.line} listens, and is refused",
                    "curl --retry 30 --retry-delay 1 --retry-all-errors, or a loop until the port answers",
                )
                break


def _is_forward(call: Kubectl) -> bool:
    return call.verb == "port-forward" and call.command.is_in_background


def _is_ended(subject: Subject, command: Command) -> bool:
    """True where the block ends this job: by the name that it was given, or with all that run."""
    kept_as = _name_of_job(command)
    for other in subject.later(command):
        if other.name in {"pkill", "killall", "wait", "trap", "fg"}:
            return True
        if other.name == "kill":
            words = " ".join(word.raw for word in other.arguments)
            if any(mark in words for mark in ("$!", "%", "jobs")) or (kept_as and kept_as in words):
                return True
    return any(other.name == "trap" for other in subject.earlier(command))


def _name_of_job(command: Command) -> str:
    """The variable that takes $! on the line behind the command; empty where none does."""
    behind = command.fence.text[command.end :].partition("\n")[2].split("\n", 1)[0].strip()
    name, equals, value = behind.partition("=")
    return name if equals and value.strip().strip("\"'") == "$!" else ""


@rule(
    "D208",
    "the job in the background is ended by nobody",
    why="""The forward goes on after the block, keeps its port, and takes the next one's place: a later check
    asks the wrong pod, or the next forward is refused.""",
    bad="""kubectl port-forward service/novel-engine 9191:8000 -n novel-engine-production &
until nc -z localhost 9191; do sleep 1; done""",
    good="""kubectl port-forward service/novel-engine 9191:8000 -n novel-engine-production &
FORWARD=$!
until nc -z localhost 9191; do sleep 1; done
kill "$FORWARD\"""",
)
def unended(subject: Subject) -> Iterator[Finding]:
    """A forward in the background without kill, wait or trap in its block."""
    for call in subject.calls:
        if _is_forward(call) and not _is_ended(subject, call.command):
            yield subject.finding(
                "D208",
                call.command,
                "goes on after this block and keeps its port: nothing ends it",
                'FORWARD=$! behind it, and kill "$FORWARD" at the end',
            )


@rule(
    "D209",
    "the port is taken by a forward above",
    why="The second forward on the same port says `address already in use`, and what follows asks the first "
    "one's pod.",
    bad="""kubectl port-forward service/novel-engine 9191:8000 -n novel-engine-production &
until nc -z localhost 9191; do sleep 1; done
kubectl port-forward service/edge 9191:443 -n novel-engine-production &
wait""",
    good="""kubectl port-forward service/novel-engine 9191:8000 -n novel-engine-production &
until nc -z localhost 9191; do sleep 1; done
kubectl port-forward service/edge 9443:443 -n novel-engine-production &
wait""",
)
def taken_port(subject: Subject) -> Iterator[Finding]:
    """A local port that an earlier forward took, of this block or of one that ended nothing."""
    taken: dict[str, Kubectl] = {}
    for call in subject.calls:
        if call.verb != "port-forward":
            continue
        ports = {
            word.text.split(":")[0]
            for word in call.positionals[1:]
            if word.is_literal and word.text[:1].isdigit()
        }
        for port in sorted(ports):
            first = taken.get(port)
            if first is not None and _still_runs(subject, first, call):
                yield subject.finding(
                    "D209",
                    call.command,
                    f"port {port} is still taken by the forward of line {first.command.span.line}: address "
                    "already in use",
                    "end the first one, or take another port",
                )
            elif _is_forward(call):
                taken[port] = call


def _still_runs(subject: Subject, first: Kubectl, second: Kubectl) -> bool:
    if first.command.fence is not second.command.fence:
        return not _is_ended(subject, first.command)
    between = [other for other in subject.later(first.command) if other.end <= second.command.start]
    return not any(other.name in {"kill", "pkill", "killall", "wait"} for other in between)


@rule(
    "D210",
    "it asks a question that nobody answers",
    why="""A package manager without -y waits for an answer, and takes the lines below it for one when the
    block is pasted; in a script, and for sudo in the background, there is nobody to give one.""",
    bad="""apt-get install sqlite3
sqlite3 -version""",
    good="""apt-get install -y sqlite3
sqlite3 -version""",
)
def question(subject: Subject) -> Iterator[Finding]:
    """apt, yum and dnf without -y; sudo in the background."""
    for command in subject.commands:
        if command.name in {"apt-get", "apt", "yum", "dnf"} and {"install", "upgrade", "remove"} & set(
            command.texts[:3]
        ):
            answered = command.has("-y", "--yes", "--assume-yes", "--assumeyes", "-qq") or command.has_short(
                "y"
            )
            piped = command.position > 0
            follows = bool(_ending(subject, command))
            if (
                follows
                and not answered
                and not piped
                and not command.has("--dry-run", "-s", "--downloadonly")
            ):
                yield subject.finding("D210", command, "asks whether to go on, and waits for an answer", "-y")
        if "sudo" in command.wrappers and "sudo -n" not in command.wrappers and command.is_in_background:
            yield subject.finding(
                "D210",
                command,
                "sudo asks for a password in the background, where nobody sees the question",
                "sudo -n",
            )
