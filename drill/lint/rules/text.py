"""What is wrong in the text itself: limits nobody can read, sections nobody wrote, characters that were
damaged, shell that no bash takes.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from shutil import which

from drill.lint.document import TERMINALS, Fence, Heading, ListItem
from drill.lint.finding import Edit, Finding
from drill.lint.place import Span
from drill.lint.programs import is_program
from drill.lint.rule import rule
from drill.lint.shell_reader import prepared
from drill.lint.subject import Subject

QUANTITY = re.compile(
    r"(?P<comparison>[<>]=?)?\s*(?<![\w.+-])(?P<value>\d+(?:\.\d+)?)\s?"
    r"(?P<unit>%|ms\b|seconds?\b|minutes?\b|hours?\b|days?\b)?(?![\w-])"
)
LIMIT_TITLES = re.compile(
    r"\b(?:baselines?|thresholds?|response times?|service levels?|slos?|slas?|limits|targets)\b",
    re.IGNORECASE,
)
SEVERITY_ITEM = re.compile(r"^\**(?P<level>P\d|SEV[- ]?\d)\b", re.IGNORECASE)
SEVERITY_IN_TITLE = re.compile(r"\((?P<level>P\d|SEV[- ]?\d)\)", re.IGNORECASE)
NAMES_A_SECTION = re.compile(
    r"(?:^|[.:;,(–-]\s*|\*\s)[Ss]ee (?:section |chapter )?[\"“](?P<quoted>[^\"”\n]{3,60})[\"”]"
    r"|\b[Ss]ee the [\"“](?P<named>[^\"”\n]{3,60})[\"”] (?:section|chapter)"
)
MOJIBAKE = re.compile(
    r"[ÃÂâðï][\u0080-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122]+"
)
OPERATION = re.compile(
    r"\b(?:rotat\w+|renew\w*|restor\w+|backups?|certificates?|ssl|tls|failover|fail over|upgrad\w+|secrets?|"
    r"credentials|"
    r"disaster recovery|dependenc\w+)\b",
    re.IGNORECASE,
)
RECURRING = re.compile(
    r"\b(?:daily|weekly|monthly|quarterly|yearly|annual|regular|maintenance)\b", re.IGNORECASE
)
WORD = re.compile(r"[a-z]{4,}")
BASH_SECONDS = 5.0
LABELLED = re.compile(r"^\*\*(?P<label>[^*\n]{2,50}?)(?::\*\*|\*\*:)\s*(?P<rest>[^\n]*)")


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ions", "ing", "ies", "es", "s", "ed", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


@rule(
    "D001",
    "a limit that cannot be read",
    why="""In a list of limits, an entry without a number and a unit cannot be held or broken: everybody has a
    limit of their own in mind.""",
    bad="""# Example
## Performance Baselines
- **Response Time**: 95th percentile < 500ms
- **Error Rate**: low""",
    good="""# Example
## Performance Baselines
- **Response Time**: 95th percentile < 500ms
- **Error Rate**: < 0.1%""",
    language="markdown",
)
def unreadable_limit(subject: Subject) -> Iterator[Finding]:
    """Entries without a number, in a list under a title of limits whose other entries have one."""
    lists: dict[int, list[ListItem]] = {}
    for item in subject.document.items:
        if item.heading is not None and LIMIT_TITLES.search(item.heading.title):
            lists.setdefault(item.heading.line, []).append(item)
    for items in lists.values():
        labelled = [item for item in items if LABELLED.match(item.text)]
        numbered = [item for item in labelled if _has_number(item)]
        if len(numbered) * 2 < len(labelled) or not numbered:
            continue
        for item in labelled:
            if not _has_number(item):
                yield subject.finding(
                    "D001",
                    subject.document.line_span(item.line),
                    "is no limit: there is no number in it",
                    "a comparison, a number and a unit: < 0.1%",
                )


def _has_number(item: ListItem) -> bool:
    match = LABELLED.match(item.text)
    rest = match["rest"] if match is not None else item.text
    return (
        QUANTITY.search(rest) is not None
        or re.search(r"\d|\b(?:daily|weekly|hourly|monthly|immediate|none|never|zero)\b", rest, re.IGNORECASE)
        is not None
    )


@rule(
    "D002",
    "a severity without a response time",
    why="""A scenario that is a P4, in a text whose response times know P0 and P1 only, is answered when
    somebody finds the time.""",
    bad="""# Example
## Response Times
- **P0**: 15 minutes
- **P1**: 1 hour
## Slow answers (P4)
Look at the database.""",
    good="""# Example
## Response Times
- **P0**: 15 minutes
- **P1**: 1 hour
- **P4**: 4 days
## Slow answers (P4)
Look at the database.""",
    language="markdown",
)
def no_response_time(subject: Subject) -> Iterator[Finding]:
    """Levels used in titles and lists, against the list of response times."""
    times = [
        item
        for item in subject.document.items
        if item.heading is not None
        and "response time" in item.heading.title.lower()
        and SEVERITY_ITEM.match(item.text)
    ]
    known = {_level(SEVERITY_ITEM.match(item.text)) for item in times}
    if len(known) < 2:
        return
    told: set[str] = set()
    used = [(heading.line, SEVERITY_IN_TITLE.search(heading.title)) for heading in subject.document.headings]
    used += [
        (item.line, SEVERITY_ITEM.match(item.text)) for item in subject.document.items if item not in times
    ]
    for line, match in used:
        level = _level(match)
        if level and level not in known and level not in told:
            told.add(level)
            yield subject.finding(
                "D002",
                subject.document.line_span(line),
                f"{level} has no response time: the list has {', '.join(sorted(known))}",
            )


def _level(match: re.Match[str] | None) -> str:
    return match["level"].upper() if match is not None else ""


@rule(
    "D003",
    "a section that nobody wrote",
    why="The text sends its reader to a place that does not exist.",
    bad="""# Example
If it is damaged, [restore it](#database-restoration).""",
    good="""# Example
If it is damaged, [restore it](#database-recovery).

## Database Recovery
Copy the newest backup.""",
    language="markdown",
)
def missing_section(subject: Subject) -> Iterator[Finding]:
    """Links to anchors of this file, to files beside it, and sections named in quotes behind `see`."""
    document = subject.document
    anchors = {heading.anchor for heading in document.headings}
    ids = set(re.findall(r"(?:id|name)=[\"']([\w.:-]+)[\"']", document.text)) | set(
        re.findall(r"\{#([\w.:-]+)\}", document.text)
    )
    for link in document.links:
        file, hash_sign, anchor = link.target.partition("#")
        if hash_sign and not file and anchor and not _is_anchor(anchor, anchors, ids):
            yield subject.finding(
                "D003",
                document.line_span(link.line, f"#{anchor}"),
                f"no section of this file has the anchor #{anchor}",
            )
    titles = {_plain(heading.title) for heading in document.headings}
    for line, text in _prose_and_comments(subject):
        for match in NAMES_A_SECTION.finditer(text):
            name = match["quoted"] or match["named"]
            # a link in quotes leads wherever its reference says
            if titles and not name.startswith("[") and not any(_plain(name) in title for title in titles):
                yield subject.finding(
                    "D003", document.line_span(line, name), f"no section is called {name!r}"
                )


def _is_anchor(anchor: str, anchors: set[str], ids: set[str]) -> bool:
    wanted = anchor.lower()
    if anchor in ids or wanted in anchors or anchor.startswith(("fn", "fnref", "L", ":~:")):
        return True
    # documentation generators make anchors in ways of their own: dashes joined, or dropped at the ends
    loose = re.sub(r"[\W_]+", "", wanted)
    return any(re.sub(r"[\W_]+", "", known) == loose for known in anchors)


def _plain(title: str) -> str:
    return " ".join(re.sub(r"^\d+\.\s+|\s*\(P\d\)$", "", title.strip()).lower().split())


def _prose_and_comments(subject: Subject) -> Iterator[tuple[int, str]]:
    yield from subject.document.prose.items()
    for comment in subject.script.comments:
        yield comment.span.line, comment.text


@rule(
    "D004",
    "a checklist item without a procedure",
    why="""The list says to rotate the secrets, and no section says how. What is done rarely, and from memory,
    is done wrong or not at all.""",
    bad="""# Example
## Monthly checklist
- [ ] Rotate the secrets
- [ ] Look at the costs

## Database Recovery
```bash
tar -xf /backups/newest.tar
```""",
    good="""# Example
## Monthly checklist
- [ ] Rotate the secrets: see "Rotating secrets"
- [ ] Look at the costs

## Rotating secrets
```bash
kubectl rollout restart deployment/novel-engine
```""",
    language="markdown",
)
def no_procedure(subject: Subject) -> Iterator[Finding]:
    """Boxes to tick that name an operation which no section with commands has in its title."""
    document = subject.document
    with_commands = {
        id(fence.heading) for fence in document.fences if fence.heading is not None and fence.is_shell
    }
    if not with_commands:
        return
    titles = [
        {_stem(word) for word in WORD.findall(heading.title.lower())}
        for heading in document.headings
        if id(heading) in with_commands or _has_inner(subject, heading, with_commands)
    ]
    for item in document.items:
        recurs = item.heading is not None and RECURRING.search(item.heading.title) is not None
        if not recurs or not item.text.startswith(("[ ]", "[x]")):
            continue
        match = OPERATION.search(item.text)
        if match is None or "`" in item.text or "](" in item.text or NAMES_A_SECTION.search(item.text):
            continue
        stems = {_stem(word) for word in WORD.findall(item.text.lower())} - COMMON
        if not any(_alike(stem, other) for title in titles for stem in stems for other in title):
            yield subject.finding(
                "D004",
                document.line_span(item.line),
                f"asks for {match[0].lower()}, and no section says how",
                "a section, a link or the command",
            )


COMMON = {
    _stem(word)
    for word in (
        "check",
        "review",
        "update",
        "test",
        "verify",
        "procedure",
        "system",
        "status",
        "with",
        "that",
        "have",
        "this",
        "database",
    )
}


def _alike(stem: str, other: str) -> bool:
    """True for stems of one word, such as vulnerab-le and vulnerab-ility."""
    return stem == other or (min(len(stem), len(other)) >= 7 and stem[:7] == other[:7])


def _has_inner(subject: Subject, heading: Heading, with_commands: set[int]) -> bool:
    following = [other for other in subject.document.headings if other.line > heading.line]
    for other in following:
        if other.level <= heading.level:
            return False
        if id(other) in with_commands:
            return True
    return False


@rule(
    "D005",
    "two places contradict each other in a number",
    why="One of the two is wrong, and nobody knows which until it matters.",
    bad="""# Example
## Response Times
- **P0**: < 15 minutes
## Who comes
- **P0**: < 30 minutes""",
    good="""# Example
## Response Times
- **P0**: < 15 minutes
## Who comes
- **P0**: < 15 minutes""",
    language="markdown",
)
def contradiction(subject: Subject) -> Iterator[Finding]:
    """The same bold label with the same comparison and unit, and another number, in two sections."""
    seen: dict[tuple[str, str, str], tuple[str, int, int]] = {}
    for item in subject.document.items:
        match = LABELLED.match(item.text)
        if match is None or item.heading is None:
            continue
        found = [quantity for quantity in QUANTITY.finditer(match["rest"]) if quantity["comparison"]]
        if len(found) != 1:
            continue
        key = (match["label"].strip().lower(), found[0]["comparison"], (found[0]["unit"] or "").rstrip("s"))
        value = found[0]["value"]
        first = seen.setdefault(key, (value, item.line, item.heading.line))
        if first[0] != value and first[2] != item.heading.line:
            yield subject.finding(
                "D005",
                subject.document.line_span(item.line),
                f"{match['label'].strip()} is {key[1]} {value}{key[2]} here and {key[1]} {first[0]}{key[2]} "
                f"at line {first[1]}",
            )


@rule(
    "D006",
    "characters that were damaged on the way",
    why="""UTF-8 was read as Windows-1252 and written again: a tick is shown as three letters. What prints it
    prints garbage, and what looks for it finds nothing.""",
    bad='echo "âœ… Backup verified"',
    good='echo "✅ Backup verified"',
    fixes=True,
)
def damaged(subject: Subject) -> Iterator[Finding]:
    """Runs of characters that are UTF-8 taken for Windows-1252."""
    for number, line in enumerate(subject.document.lines, start=1):
        if line.isascii():
            continue
        for match in MOJIBAKE.finditer(line):
            repaired = _repaired(match[0])
            if repaired is None:
                continue
            span = Span(number, match.start() + 1, number, match.end() + 1)
            certain = "\ufffd" not in repaired
            yield subject.finding(
                "D006",
                span,
                f"{match[0]!r} is a damaged {repaired if certain else 'character'}",
                repaired if certain else "",
                Edit(span, repaired) if certain else None,
            )


def _repaired(text: str) -> str | None:
    """What the text was before; with U+FFFD where a byte was lost; None where it is no damage."""
    data = bytearray()
    for char in text:
        try:
            data += char.encode("cp1252")
        except UnicodeEncodeError:
            # the five bytes that Windows-1252 leaves out were passed on as they are
            if ord(char) > 0xFF:
                return None
            data.append(ord(char))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        is_lead = len(data) >= 2 and data[0] >= 0xE2 and all(byte >= 0x80 for byte in data[1:])
        return "\ufffd" if is_lead else None


@rule(
    "D007",
    "#! that is not in the first line",
    why="""Only the first two characters of a file name its interpreter. Below a comment, #!/bin/bash is a
    comment too, and cron starts the script with sh.""",
    bad="""# Daily verification
#!/bin/bash
ls -l /backups""",
    good="""#!/bin/bash
# Daily verification
ls -l /backups""",
)
def late_interpreter(subject: Subject) -> Iterator[Finding]:
    """A comment that begins with #!/, below the first line of a fence."""
    for comment in subject.script.comments:
        if (
            not comment.is_alone
            or not comment.text.startswith("!/")
            or comment.span.line == comment.fence.line
        ):
            continue
        above = comment.fence.text.split("\n")[: comment.span.line - comment.fence.line]
        # behind commands it may be the text of another file
        if all(not line.strip() or line.lstrip().startswith("#") for line in above):
            yield subject.finding(
                "D007",
                comment.span,
                "is a comment here: saved as a file, the script is started by whatever shell is at hand",
                "move it to the first line",
            )


@rule(
    "D010",
    "bash cannot read this",
    why="The block ends with a syntax error, and with it everything below the error.",
    bad="if kubectl get node node-1; then echo fine",
    good="if kubectl get node node-1; then echo fine; fi",
    needs=("bash",),
)
def unreadable(subject: Subject) -> Iterator[Finding]:
    """Fences that the parser does not understand, where bash -n does not either."""
    bash = which("bash")
    if bash is None:
        return
    for fence, span in subject.script.unread:
        if fence.language in TERMINALS or fence.has_prompts or not fence.language:
            continue
        said = _bash_says(bash, prepared(fence))
        if said is not None and _is_run(subject, fence, said[0]):
            row, message = said
            place = subject.document.line_span(min(fence.line + row - 1, fence.last_line)) if row else span
            yield subject.finding("D010", place, f"bash cannot read this: {message}")


def _is_run(subject: Subject, fence: Fence, row: int) -> bool:
    """True where the block is a script, or the line is one that is run: what was printed is often shown
    beside it."""
    if fence.is_script:
        return True
    rows = fence.text.split("\n")
    words = rows[row - 1].split() if 0 < row <= len(rows) else []
    is_whole = all(command.name and is_program(command.name) for command in subject.commands_of(fence))
    first = words[0].rsplit("/", 1)[-1] if words else ""
    return is_program(first) or (is_whole and first in {"", *KEYWORDS})


KEYWORDS = ("if", "for", "while", "case", "then", "else", "fi", "do", "done", "esac", "function", "until")


@lru_cache(maxsize=512)
def _bash_says(bash: str, text: str) -> tuple[int, str] | None:
    """Row, from 1, and message of the first error; None where bash takes the text."""
    try:
        done = subprocess.run(
            [bash, "--norc", "--noprofile", "-n"],
            input=text,
            capture_output=True,
            text=True,
            timeout=BASH_SECONDS,
            check=False,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        )
    except subprocess.TimeoutExpired:
        return None
    lines = [line for line in done.stderr.splitlines() if "line " in line]
    if done.returncode == 0 or not lines:
        return None
    match = re.search(r"line (\d+): (.*)", lines[0])
    return (int(match[1]), match[2]) if match is not None else (0, lines[0])
