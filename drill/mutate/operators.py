"""How a runbook is spoilt. Flows in: a document, and the lines that scenarios follow. Flows out: its mutants.

Shell is read by the parser of drill lint: what is dropped is a statement, what is renamed is a word that
kubectl takes for a name, what is inverted is what decides. Words of an applied object are found by YAML's own
parser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

import yaml

from drill.lint.document import Document, Fence
from drill.lint.kubectl import Kubectl, named_containers
from drill.lint.rules.alerts import LINK_ANNOTATIONS
from drill.lint.shell import Command, Redirect, Statement, Word
from drill.lint.subject import Subject
from drill.mutate.mutant import Mutant, Spoiling, made_of

LOOKS = frozenset({"get", "describe", "logs", "top", "top pod", "top pods", "top nodes", "cluster-info"})
PRINTS = frozenset({"echo", "printf"})
WAITS = frozenset({"wait", "rollout status"})
APPLIES = frozenset({"apply", "create", "replace"})
HANDLES_FILES = frozenset({"cp", "mv", "rm", "cat", "sync", "sqlite3", "ln", "tar", "find", "touch"})
COMPARES = frozenset({"-gt", "-lt", "-ge", "-le", "-eq", "-ne"})
TAKES_A_LIMIT = frozenset(
    {"--retry", "--max-time", "--timeout", "--connect-timeout", "-m", "-mmin", "-mtime", "--since", "--tail"}
)
IS_NO_LIMIT = frozenset({"--replicas", "--port", "--revision"})
PATH = re.compile(r"(?<![\w./$}<-])/(?!/)(?:[\w.-]+/)*[\w.-]*[\w]")
URL_PATH = re.compile(r"(?<=://)[\w.:-]+(/[\w./-]*\w)")
FILE = re.compile(r"[\w.-]*\w\.[a-z]\w{0,7}(?:-\w+)?")
NUMBER = re.compile(r"(?P<sign>-?)(?P<digits>\d+)(?P<unit>ms|s|m|h|d|)")
NAME_KEYS = frozenset({"name", "claimName", "secretName", "serviceAccountName", "image"})
PATH_KEYS = frozenset({"mountPath", "subPath"})
SEVERITY = "severity"
BEHIND = re.compile(r"[ \t]*&(?!&)")
AFTER_IT = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|$)")


def mutants(document: Document, lines: Collection[int]) -> list[Mutant]:
    """All mutants of the shell on these lines of the text, in its order."""
    made = made_of(document, map(_Places(document).change, _found(Subject(document))))
    return [mutant for mutant in made if set(range(mutant.line, mutant.last_line + 1)) <= set(lines)]


def alert_mutants(document: Document) -> list[Mutant]:
    """All mutants of the labels and links of the text's alerts, whoever follows them: rules are loaded
    whole. Their expressions are spoilt by `drill alerts mutate`."""
    return made_of(document, map(_Places(document).change, _labels_of_alerts(document)))


_Found = tuple[Fence, int, int, str, str]
"""Offsets in the fence's text, what stands there instead, and the operator."""


class _Places:
    """From offsets in a fence to offsets in the file, whose lines may be indented."""

    def __init__(self, document: Document) -> None:
        self._starts = [0]
        for line in document.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def change(self, found: _Found) -> Spoiling:
        """The same in the file. Whole lines go with their indent."""
        fence, start, end, new, operator = found
        lines = fence.text[:start].endswith("\n") or start == 0
        if not new and lines and fence.text[:end].endswith("\n"):
            row, last_row = (self._row(fence, offset) for offset in (start, end - 1))
            return Spoiling(self._starts[row], self._starts[last_row + 1], "", operator)
        return Spoiling(self._offset(fence, start), self._offset(fence, end), new, operator)

    def _offset(self, fence: Fence, offset: int) -> int:
        return self._starts[self._row(fence, offset)] + fence.places.span(offset, offset).column - 1

    @staticmethod
    def _row(fence: Fence, offset: int) -> int:
        return fence.places.span(offset, offset).line - 1


def _found(subject: Subject) -> Iterator[_Found]:
    unread = {id(fence) for fence, _ in subject.script.unread}
    for statement in subject.script.statements:
        if id(statement.fence) not in unread:
            yield from _dropped(subject, statement)
            yield from _inverted(statement)
    yield from _swapped(subject, unread)
    for command in subject.commands:
        if id(command.fence) in unread:
            continue
        yield from _paths(command)
        yield from _limits(subject, command)
        yield from _filtered(command)
        yield from _backups(command)
    names = _names(subject)
    for call in subject.calls:
        if id(call.command.fence) not in unread:
            yield from _called(subject, call, names)
            yield from _applied(call)


# --- statements


def _dropped(subject: Subject, statement: Statement) -> Iterator[_Found]:
    if statement.is_condition or _only_prints(subject, statement):
        return
    operator = "wait" if _waits(subject, statement) else "drop"
    text, end = statement.fence.text, _end(statement)
    first = text.rfind("\n", 0, statement.start) + 1
    rest = AFTER_IT.match(text, end)
    others = [
        other
        for other in subject.script.statements
        if other.fence is statement.fence and other is not statement
    ]
    is_alone = not any(other.body == statement.body and not other.is_condition for other in others)
    if rest and not text[first : statement.start].strip() and not is_alone:
        yield statement.fence, first, rest.end(), "", operator
    else:
        # nothing in its place would be no shell
        yield statement.fence, statement.start, end, ":", operator


def _end(statement: Statement) -> int:
    """Where a statement ends, with the & that puts it into the background."""
    behind = BEHIND.match(statement.fence.text, statement.end)
    return behind.end() if behind and not statement.text.rstrip().endswith("&") else statement.end


def _inside(subject: Subject, statement: Statement) -> list[Command]:
    return [
        command
        for command in subject.commands_of(statement.fence)
        if statement.start <= command.start and command.end <= statement.end
    ]


def _only_prints(subject: Subject, statement: Statement) -> bool:
    """True for a line that is the same whatever happens: no reader learns from it, and no machine."""
    inside = _inside(subject, statement)
    return bool(inside) and all(
        command.name in PRINTS and not command.writes_to() and all(word.is_literal for word in command.words)
        for command in inside
    )


def _waits(subject: Subject, statement: Statement) -> bool:
    if statement.kind != "command":
        return False
    command = next(iter(_inside(subject, statement)), None)
    call = subject.call_of(command)
    if call is not None:
        return call.verb in WAITS
    return command is not None and command.name in {"sleep", "wait"}


def _looks(subject: Subject, statement: Statement) -> bool:
    """True for a statement that changes nothing, so that its place among others is nobody's concern."""
    inside = _inside(subject, statement)
    if statement.kind not in {"command", "pipeline"} or not inside:
        return False
    for command in inside:
        call = subject.call_of(command)
        is_filter = command.name in {"grep", "tail", "head", "sort", "uniq", "awk", "wc"}
        is_question = command.name == "aws" and any(text.startswith("describe") for text in command.texts)
        is_look = call is not None and call.verb in LOOKS
        if not (is_look or is_filter or is_question or command.name in PRINTS):
            return False
    return True


def _swapped(subject: Subject, unread: set[int]) -> Iterator[_Found]:
    lists: dict[tuple[int, tuple[int, int]], list[Statement]] = {}
    for statement in subject.script.statements:
        if not statement.is_condition and id(statement.fence) not in unread:
            lists.setdefault((id(statement.fence), statement.body), []).append(statement)
    for statements in lists.values():
        for first, second in pairwise(sorted(statements, key=lambda each: each.start)):
            if _looks(subject, first) and _looks(subject, second):
                continue
            text, between = first.fence.text, first.fence.text[_end(first) : second.start]
            has_heredoc = "<<" in first.text or "<<" in second.text
            is_elsewhere = ";;" in between or any(word in between.split() for word in ("else", "elif"))
            if is_elsewhere or (has_heredoc and "\n" not in between):
                continue
            new = text[second.start : _end(second)] + between + text[first.start : _end(first)]
            yield first.fence, first.start, _end(second), new, "swap"


def _inverted(statement: Statement) -> Iterator[_Found]:
    fence = statement.fence
    if statement.is_condition:
        if statement.text.startswith("! "):
            yield fence, statement.start, statement.start + 2, "", "guard"
        else:
            yield fence, statement.start, statement.start, "! ", "guard"
    for joint in statement.joints:
        written = fence.text[joint : joint + 2]
        yield fence, joint, joint + 2, "||" if written == "&&" else "&&", "guard"


# --- words of any command


def _filtered(command: Command) -> Iterator[_Found]:
    """grep that ends a pipeline decides by its status, and by what it shows."""
    if command.name == "grep" and command.carrier is None and command.words[0].raw == "grep":
        word = command.words[0]
        inverts = any(text.startswith("-") and "v" in text and text[1:2] != "-" for text in command.texts)
        if not inverts:
            yield command.fence, word.start, word.end, "grep -v", "guard"


def _paths(command: Command) -> Iterator[_Found]:
    if command.carrier is None and any(word.text == "--" for word in command.words):
        # what stands behind -- is a command of its own
        words = command.words[: [word.text for word in command.words].index("--")]
    else:
        words = command.words
    for word in words[1:]:
        if word.raw.startswith(("jsonpath", "-o", "-p", "--patch")):
            continue
        for found in PATH.finditer(word.raw):
            if not found[0].startswith("/dev/"):
                yield _renamed(command.fence, word.start + found.start(), found[0], "path")
        for found in URL_PATH.finditer(word.raw):
            yield _renamed(command.fence, word.start + found.start(1), found[1], "path")
        is_file = command.name in HANDLES_FILES and word.is_literal and FILE.fullmatch(word.raw)
        if is_file:
            yield _renamed(command.fence, word.start, word.raw, "path")


def _limits(subject: Subject, command: Command) -> Iterator[_Found]:
    words = command.words
    for before, word in pairwise(words):
        option, equals, value = word.text.partition("=")
        if equals and option.startswith("--") and option not in IS_NO_LIMIT:
            yield from _shorter(subject, command, word, value)
        elif before.text in TAKES_A_LIMIT | COMPARES or (
            command.name in {"head", "tail"} and (before.text == "-n" or word.text[1:].isdigit())
        ):
            yield from _shorter(subject, command, word, word.text)


def _shorter(subject: Subject, command: Command, word: Word, value: str) -> Iterator[_Found]:
    match = NUMBER.fullmatch(value)
    if match is None:
        return
    number, sign, unit = int(match["digits"]), match["sign"], match["unit"]
    if number == 1 and sign:
        new = "10"  # -1 stands for all there is
    elif number == 0:
        new = f"{sign}1000{unit}"
    else:
        new = f"{sign}1{'s' if unit in {'m', 'h', 'd'} else unit}"
    if new != value:
        yield from _replaced(subject, command, word, (value, new), "limit")


def _backups(command: Command) -> Iterator[_Found]:
    """Which of several backups is taken is told by an order, and by an end of it."""
    texts = [text for each in command.outer.pipeline for text in each.texts]
    if not any("backup" in text.lower() for text in texts):
        return
    word = command.words[0]
    if command.name == "sort":
        reverse = next((each for each in command.arguments if each.raw == "-r"), None)
        if reverse is not None:
            yield command.fence, word.end, reverse.end, "", "backup"
        elif not command.has_short("r"):
            yield command.fence, word.end, word.end, " -r", "backup"
    elif command.name in {"head", "tail"}:
        yield command.fence, word.start, word.end, "tail" if command.name == "head" else "head", "backup"


# --- words of kubectl


def _names(subject: Subject) -> dict[str, list[str]]:
    """The names of objects that the text speaks of, by kind; of labels, by their key."""
    found: dict[str, set[str]] = {}
    for call in subject.calls:
        for target in call.targets:
            if target.word.is_literal and target.name:
                found.setdefault(target.kind, set()).add(target.name)
        for key, value in _labels(call):
            found.setdefault(f"label {key}", set()).add(value)
    return {kind: sorted(names) for kind, names in found.items()}


def _labels(call: Kubectl) -> Iterator[tuple[str, str]]:
    words = [call.value("selector") or ""]
    words += [word.text for word in call.positionals[1:]] if call.verb == "set selector" else []
    for text in words:
        key, equals, value = text.partition("=")
        if equals and value and "," not in value and "$" not in value:
            yield key, value


def _called(subject: Subject, call: Kubectl, names: dict[str, list[str]]) -> Iterator[_Found]:
    command = call.command
    namespace = call.namespace
    if namespace is not None:
        value = call.value("namespace") or ""
        for new in (_misspelt(value), "default"):
            yield from _replaced(subject, command, namespace, (value, new), "namespace")
    for target in call.targets:
        if target.word.is_literal and target.name and "=" not in target.word.text:
            for new in _others(target.name, names.get(target.kind, [])):
                yield from _replaced(subject, command, target.word, (target.name, new), "name")
    for key, value in _labels(call):
        word = next((each for each in command.words if each.text.endswith(f"{key}={value}")), None)
        if word is None:
            continue
        for new in _others(value, names.get(f"label {key}", [])):
            yield from _replaced(subject, command, word, (value, new), "name")
    for word, value in named_containers(call):
        yield from _replaced(subject, command, word, (value, _misspelt(value)), "container")
    replicas = call.option("replicas")
    if replicas is not None and replicas.value is not None and replicas.text.isdigit():
        wrong = ["0", "1"] if int(replicas.text) > 1 else ["0"] if replicas.text == "1" else ["1"]
        for new in wrong:
            yield from _replaced(subject, command, replicas.value, (replicas.text, new), "replicas")


def _applied(call: Kubectl) -> Iterator[_Found]:
    """Names and paths in an object that stands in the text."""
    for redirect in call.command.redirects:
        if redirect.operator == "<<" and call.verb in APPLIES:
            yield from _of_object(call.command.fence, redirect)


def _of_object(fence: Fence, redirect: Redirect) -> Iterator[_Found]:
    try:
        nodes = list(yaml.compose_all(redirect.text, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        return
    for key, value in (pair for node in nodes for pair in _scalars(node)):
        start = redirect.start + value.start_mark.index
        written = fence.text[start : redirect.start + value.end_mark.index]
        if written != value.value or key not in NAME_KEYS | PATH_KEYS:
            continue
        yield _renamed(fence, start, written, "path" if key in PATH_KEYS else "name")


def _scalars(node: yaml.Node | None) -> Iterator[tuple[str, yaml.ScalarNode]]:
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _scalars(each)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(value, yaml.ScalarNode):
                yield str(key.value), value
            else:
                yield from _scalars(value)


# --- alerts


def _labels_of_alerts(document: Document) -> Iterator[_Found]:
    """A severity, and a link to what to do: misspelt, or another that the alerts of the text have."""
    found = [
        (fence, key, value)
        for fence in document.fences
        if fence.is_yaml and "alert:" in fence.text
        for key, value in _of_alerts(fence)
        if key in LINK_ANNOTATIONS or key == SEVERITY
    ]
    for fence, key, value in found:
        written = fence.text[value.start_mark.index : value.end_mark.index]
        at = written.find(value.value)
        known = sorted({other.value for _, name, other in found if name == key})
        for new in _others(value.value, known) if at >= 0 and value.value else ():
            start = value.start_mark.index + at
            yield fence, start, start + len(value.value), new, "alert"


def _of_alerts(fence: Fence) -> Iterator[tuple[str, yaml.ScalarNode]]:
    try:
        root = yaml.compose(fence.text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return
    yield from _scalars(root)


# --- replacing


def _replaced(
    subject: Subject, command: Command, word: Word, change: tuple[str, str], operator: str
) -> Iterator[_Found]:
    """A value in a word, or in the assignment that a variable of the word has it from, by another."""
    value, new = change
    at = word.raw.rfind(value)
    if at >= 0:
        yield command.fence, word.start + at, word.start + at + len(value), new, operator
        return
    for assignment in subject.script.assignments:
        if (
            assignment.name in word.variables
            and assignment.value == value
            and assignment.fence is command.fence
        ):
            at = command.fence.text.find(value, assignment.start)
            if at >= 0:
                yield command.fence, at, at + len(value), new, operator


def _renamed(fence: Fence, start: int, name: str, operator: str) -> _Found:
    return fence, start, start + len(name), _misspelt(name), operator


def _others(name: str, known: Iterable[str]) -> list[str]:
    """A misspelling, and the next of the names that exist."""
    names = list(known)
    another = names[(names.index(name) + 1) % len(names)] if name in names else name
    return [_misspelt(name), another]


def _misspelt(name: str) -> str:
    """The name with its last letter missing, before an extension or a tag where there is one; a short name
    with one too many."""
    folder, slash, last = name.rpartition("/")
    stem, mark, rest = last.partition(":") if ":" in last else last.partition(".")
    if len(stem) < 2:
        return f"{folder}{slash}{stem}x{mark}{rest}"
    return f"{folder}{slash}{stem[:-1]}{mark}{rest}"
