"""What must be true across the fields of drill.toml, and of the files that it names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import NamedTuple, get_args

from drill.settings.gate import GateCriterion
from drill.settings.load import PlannedRequest
from drill.settings.parts import Backup, Sqlite
from drill.settings.place import Place
from drill.settings.settings import Settings
from drill.settings.target import Image

GIVEN = ("unique", "sequence")
"""Placeholders that drill fills in itself."""
BRACES = re.compile(r"\{([^{}]*)\}")
IN_JSON = re.compile(r"\{([^{}\s\"':,]+)\}")
"""The same in a body, where most braces are JSON's own."""
FIELD = re.compile(r"\w+")
DATABASE_ENDINGS = ("", "-wal", "-shm", "-journal")
"""What SQLite adds to the name of a database for the files that belong to it."""
PART_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class Misfit(NamedTuple):
    """One thing that does not fit."""

    place: Place
    value: object
    expected: str


def troubles(settings: Settings) -> Iterator[Misfit]:
    """All that does not fit, in the order of the file's sections."""
    yield from _files(settings)
    yield from _workloads_and_parts(settings)
    yield from _requests(settings)
    yield from _metrics(settings)
    yield from _windows(settings)
    yield from _gate(settings)
    yield from _monitoring(settings)


def _files(settings: Settings) -> Iterator[Misfit]:
    target = settings.target
    for name in ("runbook", "runbook_as_written", "errata"):
        path = getattr(target, name)
        if path is not None:
            yield from _missing(settings.root / path, ("target", name), path, Path.is_file)
    if target.manifests is not None:
        yield from _missing(
            settings.root / target.manifests, ("target", "manifests"), target.manifests, Path.is_dir
        )
    yield from _images(settings, target.images, ("target", "images"))


def _images(settings: Settings, images: Sequence[Image], where: Place) -> Iterator[Misfit]:
    for number, image in enumerate(images):
        place: Place = (*where, number)
        yield from _missing(settings.root / image.context, (*place, "context"), image.context, Path.is_dir)
        yield from _missing(
            settings.root / image.dockerfile, (*place, "dockerfile"), image.dockerfile, Path.is_file
        )
    yield from _twice([image.name for image in images], where, "name")


def _missing(path: Path, place: Place, written: Path, exists: Callable[[Path], bool]) -> Iterator[Misfit]:
    what = "folder" if exists is Path.is_dir else "file"
    try:
        found = exists(path)
    except OSError:
        found = False
    if not found:
        yield Misfit(
            place, str(written), f"the path of a {what}, from {path.parent}; {path.name}: no such {what}"
        )


def _workloads_and_parts(settings: Settings) -> Iterator[Misfit]:
    names = [workload.name for workload in settings.target.workloads]
    yield from _twice(names, ("target", "workloads"), "name")
    for name, part in settings.parts.items():
        if not PART_NAME.fullmatch(name):
            yield Misfit(("parts", name), name, "a name of lower-case letters, digits, '-' and '_'")
        workload = None if isinstance(part, Backup) else part.workload
        if workload is not None and workload not in names:
            yield Misfit(
                ("parts", name, "workload"), workload, f"one of [[target.workloads]]: {', '.join(names)}"
            )
        if isinstance(part, Sqlite):
            yield from _beside_the_database(part, ("parts", name, "forget_beside"))
    for number, request in enumerate(settings.load.requests):
        for needed in request.needs:
            if needed not in settings.parts:
                known = ", ".join(settings.parts) or "there are none"
                yield Misfit(("load", "requests", number, "needs"), needed, f"a name of [parts]: {known}")


def _beside_the_database(part: Sqlite, place: Place) -> Iterator[Misfit]:
    """Patterns that would remove the database itself."""
    files = [PurePosixPath(part.path).name + ending for ending in DATABASE_ENDINGS]
    for pattern in part.forget_beside:
        for file in files:
            if fnmatchcase(file, pattern):
                yield Misfit(
                    place, pattern, f"a pattern that {file}, a file of the database itself, does not match"
                )
                break


def _requests(settings: Settings) -> Iterator[Misfit]:
    requests = settings.load.requests
    yield from _twice([request.name for request in requests], ("load", "requests"), "name")
    for number, request in enumerate(requests):
        place: Place = ("load", "requests", number)
        yield from _placeholders(request.path, (*place, "path"), GIVEN)
        if request.body is not None:
            yield from _body(request.body, (*place, "body"))
        if request.write is not None:
            yield from _write(request, place)


def _body(body: str, place: Place) -> Iterator[Misfit]:
    yield from _placeholders(body, place, GIVEN)
    filled = body.replace("{unique}", "drill-1").replace("{sequence}", "1")
    try:
        json.loads(filled)
    except (ValueError, RecursionError) as error:
        yield Misfit(place, body, f"JSON ({str(error)[:120]})")


def _write(request: PlannedRequest, place: Place) -> Iterator[Misfit]:
    write = request.write
    if write is None:
        return
    if request.method == "GET":
        yield Misfit((*place, "write"), request.method, "a method that writes: POST, PUT, PATCH or DELETE")
    for name in ("read_back", "contains"):
        yield from _placeholders(getattr(write, name), (*place, "write", name), None)
    if not BRACES.search(write.contains):
        yield Misfit(
            (*place, "write", "contains"),
            write.contains,
            "what tells this write from all others: {unique}, or a field of the answer such as {id}",
        )
    if "{unique}" in write.contains and "{unique}" not in request.path + (request.body or ""):
        shown = request.body if request.body is not None else request.path
        yield Misfit(
            (*place, "body" if request.body is not None else "path"),
            shown,
            "{unique} in a write's body or path, since it is looked for by that afterwards",
        )


def _placeholders(text: str, place: Place, known: Iterable[str] | None) -> Iterator[Misfit]:
    """Placeholders that nobody fills in. `known` of None: {unique}, and any field of the answer."""
    for name in (IN_JSON if place[-1] == "body" else BRACES).findall(text):
        if known is not None and name not in known:
            names = " or ".join(f"{{{each}}}" for each in known)
            yield Misfit(place, f"{{{name}}}", f"{names}, the placeholders that drill fills in here")
        elif known is None and not FIELD.fullmatch(name):
            expected = "{unique}, or the name of a field of the answer in braces, such as {id}"
            yield Misfit(place, f"{{{name}}}", expected)
    if place[-1] != "body" and text.count("{") != text.count("}"):
        yield Misfit(place, text, "a closing brace for every opening one")


def _metrics(settings: Settings) -> Iterator[Misfit]:
    metrics = settings.metrics
    if metrics is None or metrics.cache is not None:
        return
    for name, other in (("cache_hits", "cache_misses"), ("cache_misses", "cache_hits")):
        value = getattr(metrics, name)
        if value is not None:
            yield Misfit(("metrics", name), value, f"{other} beside it, for a hit rate is told of both")


def _windows(settings: Settings) -> Iterator[Misfit]:
    judge, rate = settings.judge, settings.load.requests_per_second
    timeout = settings.load.timeout_seconds
    if judge.hold_seconds > judge.after_seconds:
        yield Misfit(
            ("judge", "hold_seconds"), judge.hold_seconds, f"at most after_seconds ({judge.after_seconds:g})"
        )
    if timeout > judge.after_seconds:
        yield Misfit(
            ("load", "timeout_seconds"),
            timeout,
            f"at most judge.after_seconds ({judge.after_seconds:g}), since requests must end in that window",
        )
    if judge.after_seconds > judge.after_at_most_seconds:
        yield Misfit(
            ("judge", "after_at_most_seconds"),
            judge.after_at_most_seconds,
            f"at least after_seconds ({judge.after_seconds:g})",
        )
    if judge.minimum_requests > rate * judge.after_seconds:
        yield Misfit(
            ("judge", "minimum_requests"),
            judge.minimum_requests,
            f"at most the {int(rate * judge.after_seconds)} requests that {rate:g} a second are in "
            f"after_seconds ({judge.after_seconds:g})",
        )
    for name in ("before_seconds", "hold_seconds"):
        if rate * getattr(judge, name) < 1:
            yield Misfit(
                ("judge", name), getattr(judge, name), f"long enough for one request at {rate:g} a second"
            )


def _gate(settings: Settings) -> Iterator[Misfit]:
    gate = settings.gate
    known = get_args(GateCriterion)
    for number, name in enumerate(gate.warn):
        if name in gate.block:
            yield Misfit(("gate", "warn", number), name, "a criterion that is not in gate.block as well")
    for number, waiver in enumerate(gate.waivers):
        if waiver.criterion.split(" ")[0] not in known:
            expected = f"one of {', '.join(known)}, and after a space what of it"
            yield Misfit(("gate", "waivers", number, "criterion"), waiver.criterion, expected)
    yield from _twice([waiver.criterion for waiver in gate.waivers], ("gate", "waivers"), "criterion")


def _monitoring(settings: Settings) -> Iterator[Misfit]:
    monitoring = settings.monitoring
    if monitoring is None:
        return
    place: Place = ("monitoring",)
    yield from _missing(
        settings.root / monitoring.manifests, (*place, "manifests"), monitoring.manifests, Path.is_dir
    )
    yield from _images(settings, monitoring.images, (*place, "images"))
    if monitoring.namespace == settings.target.namespace:
        yield Misfit(
            (*place, "namespace"),
            monitoring.namespace,
            "a namespace of its own: drills break the target's, and `drill monitoring down` removes this one",
        )
    for name in monitoring.missing:
        if name in monitoring.metrics:
            yield Misfit((*place, "missing", name), name, "a metric without a query in [monitoring.metrics]")


def _twice(names: list[str], place: Place, key: str) -> Iterator[Misfit]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield Misfit((*place, number, key), name, "a name that no other has")
