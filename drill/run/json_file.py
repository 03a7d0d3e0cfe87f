"""A JSON file of a run as a record. Flows in: a file and the kind of record. Flows out: the record, or an
InputError that names file, line, value and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from drill.errors import InputError
from drill.reading import DEEPEST, shown

Decoded = TypeVar("Decoded")
Place = tuple[int | str, ...]
"""Where in a document a value stands: ("drills", 0, "folder")."""

MOST_MEANT = 1e15
LATEST_WALL = 1e11
"""A moment later than this, or before 1970, is no moment of any clock: a date of it cannot be said."""
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
EXPECTED = re.compile(r"(.*?)(?: - at `(?:key in )?\$(.*)`)?", re.DOTALL)
WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def decode_file(path: Path, kind: type[Decoded], expected: str) -> Decoded:
    """What the file holds. `expected`: what that is, in words. Raises InputError where it is something else,
    FileNotFoundError or NotADirectoryError where there is no such file."""
    content = path.read_bytes()
    try:
        found = msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise _misfit(path, content, expected, str(error)) from error
    except msgspec.DecodeError as error:
        raise _malformed(path, content, expected, str(error)) from error
    except UnicodeDecodeError as error:
        raise _no_text(path, content, expected) from error
    except RecursionError as error:
        raise _too_deep(path, content, expected) from error
    for place, what in _not_meant(found, ()):
        raise refused(path, place, f"{what} ({expected})")
    return found


def refused(path: Path, place: Place, expected: str) -> InputError:
    """The error for a value that stands at that place of a file which is JSON."""
    content = path.read_bytes()
    value = msgspec.json.decode(_text(content))  # a field that the record does not have may be no UTF-8
    for key in place:
        value = value[key]
    return InputError(path, _line_of(_text(content), place), shown(value), f"{_named(place)}: {expected}")


def _misfit(path: Path, content: bytes, expected: str, said: str) -> InputError:
    """It is JSON, and not of this shape. `said`: by msgspec, which names the place."""
    match = EXPECTED.fullmatch(said)
    wanted, dotted = (match[1], match[2] or "") if match else (said, "")
    place = tuple(
        int(index) if index else key for key, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", dotted)
    )
    try:
        value: Any = msgspec.json.decode(content)
    except msgspec.DecodeError as error:  # what follows the misfit is worse: it is no JSON
        return _malformed(path, content, expected, str(error))
    except UnicodeDecodeError:
        return _no_text(path, content, expected)
    except RecursionError:
        return _too_deep(path, content, expected)
    reached: Place = ()
    for key in place:
        if not isinstance(value, list if isinstance(key, int) else dict) or (
            key not in value if isinstance(value, dict) else int(key) >= len(value)
        ):
            break  # [...] of a dictionary's values: which one is not said
        value, reached = value[key], (*reached, key)
    where = f"{_named(reached)}: " if reached else ""
    line = _line_of(_text(content), reached)
    return InputError(path, line, shown(value), f"{where}{_in_words(wanted)} ({expected})")


def _malformed(path: Path, content: bytes, expected: str, said: str) -> InputError:
    """It is no JSON. `said`: by msgspec, with the byte where it gave up."""
    at = re.search(r"\(byte (\d+)\)", said)
    offset = min(int(at[1]), len(content)) if at else len(content)
    line = content.count(b"\n", 0, offset) + 1
    around = _text(content[max(0, offset - 20) : offset + 60]).strip()
    return InputError(path, line, shown(around), f"{expected}, as JSON")


def _no_text(path: Path, content: bytes, expected: str) -> InputError:
    """msgspec says where in its value a byte is wrong, and not where in the file."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return InputError(path, line, content[error.start : error.end], f"{expected}, in UTF-8")
    return InputError(path, 1, shown(_text(content)), f"{expected}, in UTF-8")


def _too_deep(path: Path, content: bytes, expected: str) -> InputError:
    depth, line, text = 0, 1, _text(content)
    for match in TOKEN.finditer(text):
        depth += (match[0] in "{[") - (match[0] in "}]")
        if depth > DEEPEST:
            line = text.count("\n", 0, match.start()) + 1
            break
    around = text.split("\n")[line - 1].strip()
    return InputError(path, line, shown(around), f"{expected}, with values within at most {DEEPEST} others")


def _not_meant(value: object, place: Place) -> Iterator[tuple[Place, str]]:
    """Numbers that no clock shows and nothing measures."""
    if isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from _not_meant(getattr(value, field), (*place, field))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _not_meant(each, (*place, key))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _not_meant(each, (*place, index))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if str(place[-1]).endswith("_wall") and not 0 <= value <= LATEST_WALL:
            yield place, "seconds since 1970"
        elif not abs(value) <= MOST_MEANT:
            yield place, "a number of something that is measured"


def _in_words(said: str) -> str:
    """msgspec's message without its own notation."""
    said = re.sub(r", got `[^`]*`", "", said)
    return re.sub(
        r"`([^`]*)`", lambda match: " or ".join(WORDS.get(k, f"{k!r}") for k in match[1].split(" | ")), said
    )


def _named(place: Place) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).lstrip(".")


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


def _line_of(text: str, place: Place) -> int:
    """The line (1-based) on which the value at `place` of a JSON text begins; 1 for all of it."""
    around: list[int | str] = []
    key, after_colon = "", False
    for match in TOKEN.finditer(text):
        token = match[0]
        if around and isinstance(around[-1], str) and not after_colon and token[0] == '"':
            key = msgspec.json.decode(token)
        elif token == ":":
            after_colon, around[-1] = True, key
        elif token == ",":
            after_colon = False
            if isinstance(around[-1], int):
                around[-1] += 1
        elif token in "}]":
            around.pop()
            after_colon = True
        else:
            if tuple(around) == place:
                return text.count("\n", 0, match.start()) + 1
            if token in "{[":
                around.append("" if token == "{" else 0)
                after_colon = False
    return 1
