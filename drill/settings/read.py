"""Reading drill.toml: `load` gives typed settings, or an InputError with file, line, value and what would be
right.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from drill.errors import InputError, UsageError
from drill.settings.checks import troubles
from drill.settings.place import Place, line_of
from drill.settings.settings import DEFAULT_FILE, Settings

LARGEST_FILE_BYTES = 1_000_000
SHOWN_CHARACTERS = 80


def load(path: Path | str = DEFAULT_FILE) -> Settings:
    """Read drill.toml and check it, also across its fields and the files that it names. Raises InputError, or
    UsageError when there is no such file.
    """
    file = Path(path)
    settings, text = _read(file)
    for trouble in troubles(settings):
        place = trouble.place
        raise InputError(
            file, line_of(text, place), _shown(trouble.value), f"{_dotted(place)}: {trouble.expected}"
        )
    return settings


def load_kept(path: Path) -> Settings:
    """The drill.toml that a run kept: the files that it names need not be there any more. Raises as
    `load`."""
    return _read(path)[0]


def _read(file: Path) -> tuple[Settings, str]:
    """The settings, and the text."""
    text = _text_of(file)
    data = _tables(file, text)
    for name in ("root", "file"):
        if name in data:
            raise InputError(file, line_of(text, (name,)), _shown(data[name]), f"no key {name!r} here")
    try:
        settings = Settings.model_validate({**data, "root": file.resolve().parent, "file": file.resolve()})
    except ValidationError as error:
        errors = error.errors()
        # a name misspelt is missing as well
        first: Any = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
        place = _written(first["loc"])
        if first["type"] == "union_tag_invalid":
            place = (*place, "kind")
        raise InputError(
            file, line_of(text, place), _value(first), f"{_dotted(place)}: {_expectation(first)}"
        ) from error
    return settings, text


def _text_of(file: Path) -> str:
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"{file}: no such file. Name the target's file with --target, or run from the folder that "
            "holds drill.toml"
        ) from error
    except IsADirectoryError as error:
        raise UsageError(f"{file}: a folder. Name the target's file itself: {file / DEFAULT_FILE}") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from error
    if len(data) > LARGEST_FILE_BYTES:
        raise InputError(file, None, f"{len(data)} bytes", f"at most {LARGEST_FILE_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(file, line, data[error.start : error.end], "UTF-8 text") from error


def _tables(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = said.rpartition("(at line ")[2].partition(",")[0]
        number = int(place) if place.isdigit() else max(1, len(text.splitlines()))
        raise InputError(file, number, _shown(_line(text, number)), f"TOML ({said})") from error
    except RecursionError as error:
        raise InputError(file, None, "brackets within brackets", "TOML that is less deeply nested") from error
    except ValueError as error:
        # Python reads no number of more than 4,300 digits
        number = _line_of_longest(text)
        raise InputError(
            file, number, _shown(_line(text, number)), f"a number that is not so long ({error})"
        ) from error


def _line(text: str, number: int) -> str:
    lines = text.split("\n")
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _line_of_longest(text: str) -> int:
    lines = text.split("\n")
    return max(range(len(lines)), key=lambda number: len(lines[number])) + 1


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place) or "the file"


def _written(place: Place) -> Place:
    """The place as the file has it: without the kind of a part and the mark of a key, which the reader
    adds.
    """
    if place[:1] == ("parts",) and len(place) > 3:
        place = (*place[:2], *place[3:])
    return tuple(part for part in place if part != "[key]")


def _value(error: Any) -> object:
    if error["type"] == "missing":
        return "(missing)"
    if error["type"] == "union_tag_invalid":
        return _shown(error["ctx"]["tag"])
    return "(table)" if isinstance(error["input"], dict) else _shown(error["input"])


def _shown(value: object) -> object:
    """The value, or its beginning when it is long."""
    if isinstance(value, (list, tuple, dict)):
        return "(table)" if isinstance(value, dict) else "(list)"
    shown = value if isinstance(value, str) else repr(value)
    return value if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]}…"


def _expectation(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "a name that drill knows; this one it does not"
    if error["type"] == "model_type":
        return "a table of names with values"
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return f"a kind of part: {error['ctx'].get('expected_tags', '') or 'kind = …'}"
    return str(error["msg"]).removeprefix("Value error, ")
