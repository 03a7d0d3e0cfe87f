"""The shell of a document, as rules look at it: commands in order, each with its words, what reads its status
and its output, and where it runs. drill.lint.shell_reader makes it out of fenced blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drill.lint.document import Fence
from drill.lint.place import Span

INNER_SHELLS = frozenset({"sh", "bash", "ash", "zsh", "/bin/sh", "/bin/bash"})


@dataclass(frozen=True, eq=False)
class Word:
    """One word of a command. `text`: what the shell would pass on, as far as the text tells; `raw`: as
    written; `is_literal`: False where an expansion or a placeholder stands in it whose value is not in the
    text."""

    text: str
    raw: str
    is_literal: bool
    is_placeholder: bool
    start: int
    end: int
    span: Span
    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Redirect:
    """`operator`: > >> < >& ...; `target`: the file's name as far as known; `text`: of a heredoc or
    herestring."""

    operator: str
    target: Word | None
    text: str = ""
    start: int = 0
    descriptor: str = ""


@dataclass(eq=False)
class Command:
    """One simple command. Its fields tell who looks at what it leaves behind.

    `wrappers`: sudo, timeout and the like, which stood before it; `runs_in`: the words that name the pod or
    host it runs in, empty for this machine; `pipeline`: all commands of its pipeline, itself included.
    """

    fence: Fence
    words: tuple[Word, ...]
    wrappers: tuple[str, ...]
    start: int
    end: int
    span: Span
    raw: str
    order: int = 0
    status_is_read: bool = False
    status_decides: str = ""
    is_captured: bool = False
    captured_in: str = ""
    is_in_background: bool = False
    is_in_loop: bool = False
    is_in_function: bool = False
    loop_word: str = ""
    or_true: bool = False
    guarded: bool = False
    conditional: bool = False
    pipeline: list[Command] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    assignments: tuple[str, ...] = ()
    runs_in: Command | None = None
    carrier: Command | None = None

    @property
    def outer(self) -> Command:
        """The command that stands in the text: itself, or the one that carries it elsewhere."""
        return self.carrier or self

    @property
    def is_judged(self) -> bool:
        """True where something reads its exit status."""
        return self.outer.status_is_read and self.outer.is_last

    @property
    def name(self) -> str:
        """The program, without its folder; empty where an expansion names it."""
        return self.words[0].text.rsplit("/", 1)[-1] if self.words and self.words[0].is_literal else ""

    @property
    def arguments(self) -> tuple[Word, ...]:
        """The words after the program's name."""
        return self.words[1:]

    @property
    def texts(self) -> list[str]:
        """The arguments' texts."""
        return [word.text for word in self.arguments]

    def has(self, *options: str) -> bool:
        """True where one of the arguments is one of these, or `--option=...` of one of these."""
        return any(
            text in options
            or any(text.startswith(f"{option}=") for option in options if option.startswith("--"))
            for text in self.texts
        )

    def has_short(self, letter: str) -> bool:
        """True where a group of short options, such as -rf, has this letter."""
        return any(
            text.startswith("-") and not text.startswith("--") and letter in text[1:] for text in self.texts
        )

    @property
    def position(self) -> int:
        """Its place in its pipeline, from 0."""
        pipeline = self.outer.pipeline
        return pipeline.index(self.outer) if self.outer in pipeline else 0

    @property
    def after(self) -> list[Command]:
        """The commands of its pipeline that read what it prints."""
        return self.outer.pipeline[self.position + 1 :]

    @property
    def is_last(self) -> bool:
        """True where it ends its pipeline."""
        return not self.after

    def writes_to(self) -> list[Word]:
        """The files into which its standard output is redirected."""
        return [
            redirect.target
            for redirect in self.redirects
            if redirect.operator in {">", ">>", "&>", "&>>", ">|"}
            and redirect.target is not None
            and redirect.descriptor in {"", "1"}
        ]

    @property
    def is_silenced(self) -> bool:
        """True where nobody sees what it prints."""
        return any(word.text == "/dev/null" for word in self.writes_to())


@dataclass(frozen=True, eq=False)
class Assignment:
    """A variable that the text sets. `value`: None where it is not known from the text."""

    name: str
    value: str | None
    order: int
    start: int
    fence: Fence


@dataclass(frozen=True, eq=False)
class Use:
    """A variable that the text reads. `has_default`: of the form ${NAME:-...}, ${NAME:?...} and the like."""

    name: str
    has_default: bool
    demands: bool
    span: Span
    fence: Fence
    order: int


@dataclass(frozen=True)
class Comment:
    """A comment with its place; `text`: without the #."""

    text: str
    span: Span
    fence: Fence
    is_alone: bool


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement in a list of statements: a block, a body of a loop or a condition, a script inside.

    `kind`: the grammar's own name of it; `body`: the same for those that stand in one list, in their order;
    `is_condition`: what an if or a while asks; `joints`: the && and || of a list, as offsets."""

    fence: Fence
    kind: str
    start: int
    end: int
    body: tuple[int, int]
    is_condition: bool = False
    joints: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """As written."""
        return self.fence.text[self.start : self.end]


@dataclass(eq=False)
class Script:
    """All shell of a document, in its order. `unread`: fences that the parser did not understand."""

    commands: list[Command] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    unread: list[tuple[Fence, Span]] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    values: dict[str, str | None] = field(default_factory=dict)
