"""The arguments of sqlite3. Flows in: a command. Flows out: file, what it is told, what before."""

from __future__ import annotations

from dataclasses import dataclass

from drill.lint.shell import Command

TAKE_ONE = frozenset({"cmd", "init", "maxsize", "mmap", "newline", "nonce", "nullvalue", "separator", "vfs"})
TAKE_TWO = frozenset({"lookaside", "pagecache"})


@dataclass(frozen=True)
class Session:
    """`first`: what it is told before anything else, by -cmd, and by -init as `.read FILE`; `file`: the
    database, empty for none; `statements`: what it is told behind that."""

    first: tuple[str, ...]
    file: str
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
    return Session(tuple(first), bare[0] if bare else "", tuple(bare[1:]))
