"""Reading files that people write. Whatever is wrong with one, the error names it: file, line, value, what
would be right; nothing else is raised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from drill.errors import InputError, UsageError

METRIC_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
"""A name as Prometheus takes it for a metric, wherever one is read."""
MOST_BYTES = 1 << 20
"""A file that people write is smaller; a larger one is a mistake, and would take long to refuse."""
DEEPEST = 50
"""No mapping or list lies deeper within others than this."""
LONGEST_NUMBER = 40
"""Digits: what is longer is not a number that anybody meant."""
MOST_VALUES = 100_000
"""In one YAML file, with those that an alias repeats."""
MOST_SHOWN = 80
PLAINLY = {
    "extra_forbidden": "a name that drill knows",
    "model_type": "names with values",
    "tuple_type": "a list",
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
        "a day, such as 2026-11-30",
    ),
}
"""What would be right, by pydantic's kinds of errors, where its own words are about Python."""
PUNCTUATION = re.compile(r"[^\w\- ]", re.UNICODE)
KeyPath = tuple[int | str, ...]
Shape = TypeVar("Shape", bound=BaseModel)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
}


def read_text(path: Path, what: str) -> str:
    """The text of a file, its lines ended by "\\n" and without a byte order mark. `what` it is, in words, for
    the error: "a runbook". Raises UsageError where there is no such file, InputError where it is not UTF-8
    text."""
    try:
        if path.is_dir():
            raise UsageError(f"{path}: a folder: name the file that is {what}")
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file. Expected {what}") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({error}). Expected {what}") from error
    if data is None:
        raise InputError(
            path, None, f"more than {MOST_BYTES >> 10} KiB", f"{what}, as somebody would write it"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(path, line, data[error.start : error.end], f"UTF-8 text ({error.reason})") from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class YamlDocument:
    """YAML as data: dicts, lists, and plain values. `lines`: of each value by its path of keys and
    indexes.
    """

    data: Any
    lines: Mapping[KeyPath, int]

    def line_of(self, path: KeyPath) -> int:
        """The line of the value at a path, or of what is around it where there is none."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


def is_there(path: Path) -> bool:
    """True of an optional file that is to be read: also of a link that leads to none, or to itself, since
    somebody meant one; reading it says so."""
    return path.is_symlink() or path.exists()


def read_yaml(path: Path, what: str) -> YamlDocument:
    """The one document of a YAML file. Raises UsageError where there is no such file, InputError for what is
    not YAML, for a key given twice, and for tags, depths and numbers that nobody means."""
    text = read_text(path, what)
    try:
        _refuse_depth(path, text)
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            lines: dict[KeyPath, int] = {}
            data = _value(path, loader, node, (), lines) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        last = text.rstrip().count("\n") + 1  # what is missing at the end is missing on the last line
        line = min(mark.line + 1, last) if mark else last
        raise InputError(path, line, _line(text, line), f"YAML ({error.problem or error.context})") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise InputError(path, line, _line(text, line), f"YAML ({error.reason})") from error
    return YamlDocument(data, lines)


def expected_of(error: Any) -> str:
    """What would be right in the place of a value, from one of pydantic's errors."""
    return PLAINLY.get(error["type"], str(error["msg"]).removeprefix("Value error, "))


def checked(path: Path, document: YamlDocument, shape: type[Shape]) -> Shape:
    """A YAML document as a record. Raises InputError naming file, line, value and what would be right."""
    try:
        return shape.model_validate(document.data)
    except ValidationError as error:
        errors = error.errors()
        first: Any = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
        place = tuple(first["loc"])
        value = "(missing)" if first["type"] == "missing" else shown(first["input"])
        dotted = ".".join(str(part) for part in place) or "the file"
        expected = expected_of(first)
        if not place and first["type"] == "model_type":
            expected += f" ({', '.join(shape.model_fields)})"
        raise InputError(path, document.line_of(place), value, f"{dotted}: {expected}") from error


def line_longer_than(text: str, characters: int) -> tuple[int, str] | None:
    """The first line of more than so many characters, with its number; None where there is none. Parsers take
    long over such lines, and nobody writes them."""
    numbered = enumerate(text.split("\n"), start=1)
    return next(((number, line) for number, line in numbered if len(line) > characters), None)


def shown(value: object) -> str:
    """A value as an error shows it: its beginning, where it is long."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."


def _refuse_depth(path: Path, text: str) -> None:
    """The parser yields events without recursion: depth is known before anything recurses into it."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.events.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise InputError(path, line, _line(text, line), f"values within at most {DEEPEST} others")
        elif isinstance(event, yaml.events.CollectionEndEvent):
            depth -= 1


def _value(path: Path, loader: Any, node: yaml.Node, place: KeyPath, lines: dict[KeyPath, int]) -> Any:
    line = int(node.start_mark.line) + 1
    if node.tag not in _PLAIN_TAGS:
        raise InputError(path, line, shown(node.tag), "a mapping, a list or a plain value")
    if len(place) > DEEPEST or len(lines) > MOST_VALUES:
        raise InputError(
            path, line, shown(".".join(map(str, place))), "no alias that makes the file that large"
        )
    lines[place] = line
    if isinstance(node, yaml.SequenceNode):
        return [_value(path, loader, each, (*place, index), lines) for index, each in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        made: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(path, loader, key_node)
            if key in made:
                raise InputError(path, key_node.start_mark.line + 1, shown(key), "a key that is given once")
            made[key] = _value(path, loader, value_node, (*place, str(key)), lines)
        return made
    return _scalar(path, loader, node)


def _scalar(path: Path, loader: Any, node: yaml.Node) -> Any:
    line = int(node.start_mark.line) + 1
    if not isinstance(node, yaml.ScalarNode) or node.tag not in _PLAIN_TAGS:
        raise InputError(path, line, shown(str(node.tag)), "a plain value as key")
    number = node.tag.endswith((":int", ":float"))
    if number and len(node.value) > LONGEST_NUMBER:
        raise InputError(path, line, shown(node.value), f"a number of at most {LONGEST_NUMBER} digits")
    try:
        return loader.construct_object(node)
    except (ValueError, OverflowError, KeyError) as error:
        raise InputError(path, line, shown(node.value), f"a value that can be read ({error})") from error


def _line(text: str, line: int) -> str:
    lines = text.split("\n")
    return shown(lines[line - 1].strip()) if 0 < line <= len(lines) else ""


def anchor_of(title: str) -> str:
    """The anchor that GitHub makes of a title: lower case, without punctuation, blanks as dashes."""
    return PUNCTUATION.sub("", title.strip().lower()).replace(" ", "-")
