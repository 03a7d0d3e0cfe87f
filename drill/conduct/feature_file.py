"""What is wrong with a feature file as such, before pytest-bdd reads it. Flows in: files and the markers that
are registered. Flows out: one line for each trouble, "file:line: what, and what would be right".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gherkin.errors import CompositeParserException
from gherkin.parser import Parser
from pytest_bdd.exceptions import GherkinParseError
from pytest_bdd.parser import FeatureParser

from drill.baselines.severities import severity_of
from drill.errors import DrillError, InputError
from drill.reading import line_longer_than, read_text, shown

DEFECT_TAG = re.compile(r"RB-?[0-9]+", re.IGNORECASE)
LONGEST_LINE = 1000
Node = Mapping[str, Any]


def feature_troubles(file: Path, known_tags: Collection[str]) -> list[str]:
    """What is wrong with one feature file: it cannot be read, is empty, has no scenario, two of one title, or
    a tag that is a known one misspelt. `known_tags`: the names of all registered markers.
    """
    try:
        feature = _parsed(file, read_text(file, "a feature file"))
    except DrillError as error:
        return [str(error)]
    found = list(_scenarios(feature))
    if not found:
        return [f"{_at(file, feature)}{feature['name']!r} has no Scenario: expected at least one"]
    return [
        *_without_steps(file, found),
        *_same_titles(file, found),
        *_misspelt_tags(file, feature, known_tags),
        *_refused_by_pytest_bdd(file),
    ]


def _parsed(file: Path, text: str) -> Node:
    """The feature of a file. Raises InputError for what is not Gherkin, or holds none."""
    lines = text.split("\n")
    if longer := line_longer_than(text, LONGEST_LINE):
        line, written = longer
        raise InputError(file, line, shown(written), f"a line of at most {LONGEST_LINE} characters")
    try:
        feature: Node | None = Parser().parse(text).get("feature")
    except CompositeParserException as error:
        first = error.errors[0]
        line = min(int(first.location["line"]), len(lines))
        what = re.sub(r"^\(\d+:\d+\): ", "", str(first))
        raise InputError(file, line, shown(lines[line - 1].strip()), f"Gherkin ({shown(what)})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(file, 1, shown(text), f"Gherkin ({error})") from error
    if feature is None:
        raise InputError(file, 1, "(empty)", "a Feature with at least one Scenario")
    return feature


def misspelt(tag: str, known: Collection[str]) -> str:
    """What a tag that is not known was probably meant to be, in words; empty where it is known, or like
    none.
    """
    if tag in known:
        return ""
    if severity_of(tag):
        severities = sorted(name for name in known if severity_of(name))
        same = [name for name in severities if severity_of(name) == severity_of(tag)]
        return f"a severity: {', '.join('@' + name for name in same or severities)}"
    if DEFECT_TAG.fullmatch(tag):
        defects = sorted("@" + name for name in known if DEFECT_TAG.fullmatch(name))
        return f"the id of a defect in the errata: {', '.join(defects) or 'there is none'}"
    by_plain = {_plain(name): name for name in known if not severity_of(name)}
    near = difflib.get_close_matches(_plain(tag), list(by_plain), n=1, cutoff=0.75)
    return f"@{by_plain[near[0]]}, as near to it; a tag of your own is registered as a marker" if near else ""


def _refused_by_pytest_bdd(file: Path) -> Iterator[str]:
    """What Gherkin allows and pytest-bdd does not, such as a first step that begins with And."""
    try:
        FeatureParser(str(file.parent), file.name).parse()
    except GherkinParseError as error:
        value = shown(error.line_content.strip())
        yield f"{file}:{error.line}: {value!r} is not right here: {error.message}"


def _without_steps(file: Path, scenarios: Sequence[Node]) -> Iterator[str]:
    for scenario in scenarios:
        if not scenario["steps"]:
            yield f"{_at(file, scenario)}{scenario['name']!r} has no step: expected a fault and who acts"


def _same_titles(file: Path, scenarios: Sequence[Node]) -> Iterator[str]:
    lines: dict[str, int] = {}
    for scenario in scenarios:
        first = lines.setdefault(scenario["name"], scenario["location"]["line"])
        if first != scenario["location"]["line"]:
            yield (
                f"{_at(file, scenario)}{scenario['name']!r} is not right here: expected a title of its own; "
                f"line {first} has it too, and only one of them would run"
            )


def _misspelt_tags(file: Path, feature: Node, known_tags: Collection[str]) -> Iterator[str]:
    for tag in _tags(feature):
        meant = misspelt(tag["name"].removeprefix("@"), known_tags)
        if meant:
            yield f"{_at(file, tag)}{tag['name']!r} is not right here: expected {meant}"


def _scenarios(node: Node) -> Iterator[Node]:
    for child in node["children"]:
        if "scenario" in child:
            yield child["scenario"]
        if "rule" in child:
            yield from _scenarios(child["rule"])


def _tags(node: Node) -> Iterator[Node]:
    """The tags of a feature, its rules, scenarios and examples."""
    yield from node.get("tags", ())
    for child in node.get("children", ()):
        for inner in child.values():
            yield from _tags(inner)
    for examples in node.get("examples", ()):
        yield from examples["tags"]


def _at(file: Path, node: Node) -> str:
    return f"{file}:{node['location']['line']}: "


def _plain(tag: str) -> str:
    return re.sub(r"[-_ ]", "", tag.lower())
