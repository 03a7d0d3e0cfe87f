"""The templates of the report, and the one way to render them. Flows in: a template's name and its values.
Flows out: text.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

from drill.report import units


def environment_of(*packages: str) -> Environment:
    """The templates of these packages, the first that has one of a name. Everything that ends up in HTML or
    SVG is escaped; Markdown escapes by `markdown_cell`.
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates") for package in packages]),
        autoescape=select_autoescape(enabled_extensions=("html.j2", "svg.j2"), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _environment() -> Environment:
    environment = environment_of("drill.report")
    environment.filters.update(seconds=units.seconds_text, cell=markdown_cell)
    environment.globals.update(quantity=units.quantity, interval_text=units.interval_text)
    return environment


def markdown_cell(text: object) -> str:
    """`text` as one cell of a Markdown table: on one line, and nothing in it taken for markup."""
    line = " ".join(str(text).split())
    for character in "\\`*_[]|~":
        line = line.replace(character, "\\" + character)
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(name: str, **values: Any) -> str:
    """The template `name` with these values."""
    return _environment().get_template(name).render(**values)
