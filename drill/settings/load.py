"""[load]: what users do, and how often."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drill.settings.section import Seconds, Section, Text, UrlPath

HIGHEST_RATE = 5_000


class Write(Section):
    """How a write is found again. Both may hold {unique} and fields of the answer to it, such as {id}."""

    read_back: UrlPath
    contains: Text = "{unique}"


class PlannedRequest(Section):
    """One kind of request in the mix of the load."""

    name: Text
    path: UrlPath
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    body: str | None = None
    success_status: Annotated[int, Field(ge=100, le=599, strict=True)] = 200
    weight: Annotated[int, Field(gt=0, le=1_000, strict=True)] = 1
    write: Write | None = None
    needs: tuple[str, ...] = ()
    """Names of the parts that must be up for this request to succeed: its failures witness their faults."""


class Load(Section):
    requests_per_second: Annotated[float, Field(gt=0, le=HIGHEST_RATE, strict=True)]
    timeout_seconds: Seconds = 2.0
    requests: Annotated[tuple[PlannedRequest, ...], Field(min_length=1)]
