"""docs/adopting.md lists every section and key of drill.toml with its default, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from drill import settings as target_settings
from drill.settings import Settings
from drill.statistics import rate_bounds, trials_needed

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "adopting.md").read_text(encoding="utf-8")
SET_BY_LOAD = ("root", "file")


def models_in(annotation: object) -> list[tuple[type[BaseModel], str]]:
    """The sections that a field's type is made of, and how several are told apart: "many" in a list, "named"
    by name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(annotation, "")]
    how = {tuple: "many", dict: "named"}.get(get_origin(annotation), "")
    return [(model, how or inner) for part in get_args(annotation) for model, inner in models_in(part)]


def sections(model: type[BaseModel], name: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Each section's heading as TOML writes it, and its keys with their defaults."""
    for key, field in model.model_fields.items():
        if not name and key in SET_BY_LOAD:
            continue
        for section, how in models_in(field.annotation):
            heading = f"{name}.{key}" if name else key
            keys = {each: default_of(found) for each, found in section.model_fields.items()}
            named = f"`[{heading}.NAME]` of kind `{section.__name__.lower()}`"
            yield {"many": f"`[[{heading}]]`", "named": named}.get(how, f"`[{heading}]`"), keys
            yield from sections(section, heading)


def default_of(field: Any) -> str:
    """As the page writes it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    value = list(value) if isinstance(value, tuple) else value
    return "none" if value is None else f"`{json.dumps(value)}`"


def listed() -> dict[str, dict[str, str]]:
    """The page's tables by heading: key to default."""
    found: dict[str, dict[str, str]] = {}
    for part in PAGE.split("\n### ")[1:]:
        heading, _, rest = part.partition("\n")
        found[heading] = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", rest, re.MULTILINE))
    return found


def test_the_page_lists_every_section_and_key_with_its_default() -> None:
    assert listed() == dict(sections(Settings))


def test_the_examples_of_the_page_are_files_that_can_be_read() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []
    notebook = target_settings.load(ROOT / "tests" / "second_service" / "drill.toml")
    assert notebook.missing_parts() == ["database", "metrics", "backup"]


def test_the_requests_that_a_limit_needs_are_as_many_as_the_page_says() -> None:
    for limit, said in ((0.001, "for 0.1 %"), (0.01, "for 1 %")):
        least = trials_needed(limit)
        assert rate_bounds(0, least)[1] < limit <= rate_bounds(0, least - 1)[1]
        assert f"{least:,} {said}" in " ".join(PAGE.split())
