"""What shellcheck knows: the few of its warnings that are damage on the night, not style."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shutil import which

from drill.lint.finding import Finding
from drill.lint.rule import rule
from drill.lint.shell_reader import prepared
from drill.lint.subject import Subject

SHELLCHECK_SECONDS = 20.0
CODES: Mapping[int, str] = {
    2024: "sudo does not open the file: the shell does, and is refused",
    2069: "the order of redirections sends errors to the terminal, not to the file",
    2088: "a ~ in quotes is not the home folder",
    2094: "the file is read and written in one pipeline: it is emptied first",
    2144: "-e and -f take one file: a pattern that matches several is an error",
    2050: "the expression is constant: the test looks at no variable",
    2157: "the argument is constant: the test always holds, or never",
    2210: "> here writes a file called 1 or 2",
    2259: "the redirection takes away what the pipe brings",
    2260: "the redirection takes away what the pipe brings",
    2114: "it removes a folder of the system",
}
"""shellcheck's codes, and what will happen."""
SUDO_REDIRECT = 2024
OWNED_BY_ROOT = ("etc", "usr", "sys", "proc", "root", "opt", "var/lib")


def program() -> str | None:
    """Where shellcheck is: beside this Python, or on the PATH."""
    beside = Path(sys.executable).with_name("shellcheck")
    return str(beside) if beside.is_file() else which("shellcheck")


@rule(
    "D310",
    "the shell does something else than it looks like",
    why="""shellcheck's warnings about redirections, quoting and constant tests that change what is done. Its
    style is left to itself.""",
    bad="sudo echo nameserver 10.0.0.2 > /etc/resolv.conf",
    good="echo nameserver 10.0.0.2 | sudo tee /etc/resolv.conf",
    needs=("shellcheck",),
)
def shellcheck(subject: Subject) -> Iterator[Finding]:
    """One run of shellcheck over all fences that were read whole."""
    where = program()
    unread = {id(fence) for fence, _ in subject.script.unread}
    fences = [fence for fence in subject.script.fences if id(fence) not in unread and fence.text.strip()]
    if where is None or not fences:
        return
    texts = [prepared(fence) for fence in fences]
    said = _said(where, texts)
    for fence, (row, column, end_column, code) in (
        (fence, warning) for fence, text in zip(fences, texts, strict=True) for warning in said[text]
    ):
        starts = fence.text.split("\n")
        base = sum(len(line) + 1 for line in starts[: row - 1])
        if code == SUDO_REDIRECT and not any(f"> /{name}/" in starts[row - 1] for name in OWNED_BY_ROOT):
            continue
        span = fence.places.span(base + column - 1, base + max(column, end_column) - 1)
        yield subject.finding("D310", span, f"{CODES[code]} (SC{code})")


Told = tuple[int, int, int, int]
"""Row, column, end column and code."""
_KNOWN: dict[tuple[str, str], tuple[Told, ...]] = {}
MOST_KNOWN = 1024


def _said(where: str, texts: Sequence[str]) -> dict[str, tuple[Told, ...]]:
    """The warnings of each text, by one run over those that were not asked about before."""
    unknown = [text for text in dict.fromkeys(texts) if (where, text) not in _KNOWN]
    found = _asked(where, unknown) if unknown else {}
    known = {text: _KNOWN[where, text] for text in texts if text not in found}
    if len(_KNOWN) > MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN.update({(where, text): warnings for text, warnings in found.items()})
    return known | found


def _asked(where: str, texts: Sequence[str]) -> dict[str, tuple[Told, ...]]:
    with tempfile.TemporaryDirectory(prefix="drill-lint-") as folder:
        files = []
        for index, text in enumerate(texts):
            file = Path(folder) / str(index)
            file.write_text(text.replace("\t", " "), encoding="utf-8")
            files.append(str(file))
        try:
            done = subprocess.run(
                [
                    where,
                    "--norc",
                    "--shell=bash",
                    "--format=json1",
                    "--severity=warning",
                    f"--include={','.join(map(str, CODES))}",
                    *files,
                ],
                capture_output=True,
                text=True,
                timeout=SHELLCHECK_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return dict.fromkeys(texts, ())
    try:
        comments = json.loads(done.stdout)["comments"]
    except (json.JSONDecodeError, KeyError):
        # it has been killed, or is none: no warnings are known
        return dict.fromkeys(texts, ())
    found: dict[str, tuple[Told, ...]] = dict.fromkeys(texts, ())
    for entry in comments:
        if entry["code"] in CODES:
            end_column = entry["endColumn"] if entry["endLine"] == entry["line"] else entry["column"]
            found[texts[int(Path(entry["file"]).name)]] += (
                (entry["line"], entry["column"], end_column, entry["code"]),
            )
    return found
