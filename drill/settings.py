"""The target, as drill.toml describes it. Flows in: that one file. Flows out: typed settings, or an
InputError with file, line, value.

Every field's own text says what it is; docs/adopting.md is made of the same words.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from drill.errors import InputError, UsageError

Positive = Annotated[float, Field(gt=0)]
DEFAULT_FILE = "drill.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Image(_Section):
    """A container image that `drill up` builds and loads into the cluster."""

    name: str
    context: Path
    dockerfile: Path


class Target(_Section):
    name: str
    context: str
    """The kubeconfig context. Only kind-* unless the command line allows another by name."""
    namespace: str
    deployment: str
    container: str
    service: str
    address: str
    """http://HOST:PORT at which users enter."""
    health_path: str = "/health"
    runbook: Path
    """The runbook under test; limits and response times are read from its text."""
    runbook_as_written: Path | None = None
    """The runbook before its defects were corrected, for the scenarios that prove them."""
    errata: Path | None = None
    """What is known to be wrong in runbook_as_written."""
    manifests: Path | None = None
    images: tuple[Image, ...] = ()

    @field_validator("address")
    @classmethod
    def _http(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/\s]+", value):
            raise ValueError("http://HOST:PORT without a path")
        return value


class Write(_Section):
    """How a write is found again: a path with fields of the response in braces, and what the answer must
    contain.
    """

    read_back: str
    contains: str = "{unique}"


class PlannedRequest(_Section):
    """One kind of request in the mix of the load."""

    name: str
    path: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    body: str | None = None
    success_status: int = 200
    weight: Annotated[int, Field(gt=0)] = 1
    write: Write | None = None
    needs: tuple[Literal["database", "redis"], ...] = ()
    """What must be up for this request to succeed: its failures witness that part's faults."""


class Load(_Section):
    requests_per_second: Positive
    timeout_seconds: Positive = 2.0
    requests: Annotated[tuple[PlannedRequest, ...], Field(min_length=1)]


class Database(_Section):
    engine: Literal["sqlite"]
    path: str
    volume_claim: str


class Redis(_Section):
    deployment: str
    container: str


class Metrics(_Section):
    path: str = "/metrics"
    port: int
    database_seconds: str | None = None


class Backup(_Section):
    cronjob: str
    newest: str
    """Shell pattern of the backups as the job's own container sees them; the last by name is the newest."""


class Operator(_Section):
    """What the runbook's commands need outside the cluster."""

    names: dict[str, str] = {}
    """Where names in them lead on this machine, HOST:PORT each."""
    tools: tuple[str, ...] = ("bash", "kubectl")
    """Programs that they start; `drill doctor` looks for them."""


class Limits(_Section):
    """Titles of the runbook's sections whose lists state what drills are judged by."""

    response_times: str = "Response Times"
    baselines: str = "Performance Baselines"
    backup_schedule: str = "Automated Backup Schedule"


class ClusterPorts(_Section):
    """How users enter the cluster that `drill up` makes."""

    ports: dict[int, int] = {}
    """This machine's port on 127.0.0.1 to the node's port, which a Service of type NodePort has."""


class Judge(_Section):
    """How long to look and how much to see before saying pass or fail. Limits themselves come from the
    runbook's text.
    """

    minimum_requests: Annotated[int, Field(gt=0)] = 500
    before_seconds: Positive = 3
    hold_seconds: Positive = 5
    after_seconds: Positive = 22
    after_at_most_seconds: Positive = 66
    patience_seconds: Positive = 20
    witness_seconds: Positive = 15
    command_seconds: Positive = 8


class Settings(_Section):
    target: Target
    load: Load
    database: Database | None = None
    redis: Redis | None = None
    metrics: Metrics | None = None
    backup: Backup | None = None
    operator: Operator = Operator()
    judge: Judge = Judge()
    limits: Limits = Limits()
    cluster: ClusterPorts = ClusterPorts()

    root: Path = Path()
    """The folder that drill.toml lies in: relative paths in it start here. Set by `load`."""
    file: Path = Path(DEFAULT_FILE)
    """drill.toml itself, for processes that read it again. Set by `load`."""

    @model_validator(mode="after")
    def _needs_exist(self) -> Settings:
        for request in self.load.requests:
            for part in request.needs:
                if getattr(self, part) is None:
                    raise ValueError(f"[{part}] to be described, since {request.name!r} needs it")
        return self

    def lacks(self, part: Literal["database", "redis", "metrics", "backup"]) -> bool:
        """True where this target has no such part: what needs it is not applicable."""
        return getattr(self, part) is None

    def missing_parts(self) -> list[str]:
        """Names of the parts that this target does not have."""
        missing = [part for part in ("database", "redis", "metrics", "backup") if getattr(self, part) is None]
        return missing + ([] if any(request.write for request in self.load.requests) else ["writes"])


def load(path: Path | str = DEFAULT_FILE) -> Settings:
    """Read drill.toml. Raises InputError (file, line, value, what would be right) or UsageError when there is
    no such file.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(
            f"{file}: no such file. Name the target's file with --target, or run from the folder that "
            "holds drill.toml"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(file, None, str(error), "UTF-8 text") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        number = int(line.group(1)) if line else len(text.splitlines())
        raise InputError(file, number, _line(text, number), f"TOML ({error})") from error
    try:
        return Settings.model_validate({**data, "root": file.resolve().parent, "file": file.resolve()})
    except ValidationError as error:
        errors = error.errors()
        first = next(
            (each for each in errors if each["type"] == "extra_forbidden"), errors[0]
        )  # a name misspelt is missing as well
        place = first["loc"]
        raise InputError(
            file, _line_of(text, place), _shown(first), f"{_dotted(place)}: {_expectation(first)}"
        ) from error


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _dotted(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place) or "the file"


def _shown(error: Any) -> object:
    return (
        "(missing)"
        if error["type"] == "missing"
        else error["input"]
        if not isinstance(error["input"], dict)
        else "(table)"
    )


def _expectation(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "a name that drill knows; this one it does not"
    return str(error["msg"]).removeprefix("Value error, ")


def _line_of(text: str, place: tuple[int | str, ...]) -> int | None:
    """The line on which the value at `place` is set, or its table's heading; TOML's own parser keeps no
    lines.
    """
    names = [part for part in place if isinstance(part, str)]
    indexes = [part for part in place if isinstance(part, int)]
    lines = text.splitlines()
    start, found = 0, None
    for depth in range(len(names), 0, -1):
        heading = ".".join(names[:depth])
        matches = [
            n for n, line in enumerate(lines) if re.match(rf"\s*\[\[?\s*{re.escape(heading)}\s*\]\]?", line)
        ]
        if matches:
            start = matches[min(indexes[0], len(matches) - 1)] if indexes else matches[0]
            found = start + 1
            break
    if names:
        for number, line in enumerate(lines[start:], start=start + 1):
            if number > start + 1 and re.match(r"\s*\[", line):
                break
            if re.match(rf"\s*{re.escape(names[-1])}\s*=", line) or re.search(
                rf"[{{,]\s*{re.escape(names[-1])}\s*=", line
            ):
                return number
    return found
