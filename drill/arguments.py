"""What several commands of `drill` take: the target, where runs lie, a stored run, text or JSON. Flows in: a
command line. Flows out: values by name, and settings.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from drill.settings import Settings, load

FILE = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
"""One that is there, such as a stored run."""
BESIDE_HISTORY = "Where runs lie; the history is beside them unless drill.toml places it."
FORMAT = click.option(
    "--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True
)
RUNBOOK = click.option("--runbook", type=FILE, help="Whose rules; drill.toml names one unless given.")


class Number(click.FloatRange):
    """A number within bounds; nan, which is below and above nothing, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found: float = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is no number.", param, ctx)
        return found


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def settings_of(context: click.Context) -> Settings:
    """The target that --target names. Raises InputError for what is wrong with its file."""
    return load(context.obj["target"])


def allowing(context: click.Context) -> list[str]:
    """--allow-context once more, for a run of drill or pytest that a command starts."""
    allowed = context.obj["allow_context"]
    return [f"--allow-context={allowed}"] if allowed else []


def named_by_time(what: str) -> str:
    """A folder's name where the command line gives none: `what` it is, and this machine's time."""
    return f"{what}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"


def reports_option(meaning: str) -> Decorator:
    """--reports, a folder; `meaning`: of it to this command."""
    return click.option("--reports", type=FILE, default=Path("reports"), show_default=True, help=meaning)
