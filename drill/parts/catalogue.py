"""The parts of a target, by what drill.toml says of them. Each kind is the module of its name in this
folder.
"""

from __future__ import annotations

import importlib

from drill.cluster.access import Cluster
from drill.errors import UsageError
from drill.parts.part import TargetPart
from drill.settings import Settings


def part_named(cluster: Cluster, settings: Settings, name: str) -> TargetPart:
    """The part of that name, else the first of that kind. Raises UsageError where the target has none."""
    found = settings.part_name(name)
    if not found:
        known = ", ".join(settings.parts) or "none"
        raise UsageError(f"{settings.file}: expected a part {name!r} under [parts]; there is: {known}")
    module = importlib.import_module(f"drill.parts.{settings.parts[found].kind}")
    kind: type[TargetPart] = module.Part
    return kind(cluster, settings, found)


def parts_of(cluster: Cluster, settings: Settings) -> list[TargetPart]:
    """All parts of the target, in the order of drill.toml."""
    return [part_named(cluster, settings, name) for name in settings.parts]


def searchable_part(cluster: Cluster, settings: Settings) -> TargetPart | None:
    """The first part that can itself be asked what it holds; None where there is none."""
    return next((part for part in parts_of(cluster, settings) if part.searchable), None)


def forgetting_parts(cluster: Cluster, settings: Settings) -> list[TargetPart]:
    """The parts of which it is known what drills leave in them."""
    return [part for part in parts_of(cluster, settings) if part.forgets]


def keeping_parts(cluster: Cluster, settings: Settings) -> list[TargetPart]:
    """The parts of which a copy can be kept."""
    return [part for part in parts_of(cluster, settings) if part.keeps]


def dated_part(cluster: Cluster, settings: Settings) -> TargetPart | None:
    """The first part that can say when its rows were written; None where there is none."""
    return next((part for part in parts_of(cluster, settings) if part.dated), None)
