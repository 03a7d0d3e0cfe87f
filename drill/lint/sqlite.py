"""The arguments of sqlite3. Flows in: a command. Flows out: what it is told, and what before that."""

from __future__ import annotations

from dataclasses import dataclass

from drill.lint.shell import Command

TAKE_ONE = frozenset({"cmd", "init", "maxsize", "mmap", "newline", "nonce", "nullvalue", "separator", "vfs"})
TAKE_TWO = frozenset({"lookaside", "pagecache"})


@dataclass(frozen=True)
class Session:
    """`first`: what it is told before anything else, by -cmd, and by -init as `.read FILE`; `statements`:
    what it is told behind the name of the database."""

    first: tuple[str, ...]
    statements: tuple[str, ...]


def session_of(command: Command) -> Session | None:
    """None where the command is another one."""
    if command.name != "sqlite3":
        return None
    first: list[str] = []
    bare: list[str] = []
    left = iter(command.texts)
    for text in left:
        option = text.lstrip("-")
        if not text.startswith("-"):
            bare.append(text)
        elif option in TAKE_ONE:
            value = next(left, "")
            if option == "cmd":
                first.append(value)
            elif option == "init":
                first.append(f".read {value}")
        elif option in TAKE_TWO:
            next(left, None)
            next(left, None)
    return Session(tuple(first), tuple(bare[1:]))
