"""[target]: the service under test, and what of it runs in the cluster."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from drill.settings.section import File, Name, Section, Text, UrlPath


class Image(Section):
    """A container image that `drill up` builds and loads into the cluster."""

    name: Text
    context: File
    dockerfile: File


class Workload(Section):
    """Pods that are kept up by a Deployment or a StatefulSet."""

    name: Name
    container: Name
    """The one of its containers that does the work."""
    kind: Literal["Deployment", "StatefulSet"] = "Deployment"


class Target(Section):
    name: Text
    context: Text
    """The kubeconfig context. Only kind-* unless the command line allows another by name."""
    namespace: Name
    service: Name
    address: str
    """http://HOST:PORT at which users enter."""
    health_path: UrlPath = "/health"
    runbook: File
    """The runbook under test; limits and response times are read from its text."""
    runbook_as_written: File | None = None
    """The runbook before its defects were corrected, for the scenarios that prove them."""
    errata: File | None = None
    """What is known to be wrong in runbook_as_written."""
    manifests: File | None = None
    images: tuple[Image, ...] = ()
    workloads: Annotated[tuple[Workload, ...], Field(min_length=1)]
    """What runs, the application first: its pods serve users."""

    @field_validator("address")
    @classmethod
    def _http(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/?#@\s]+", value):
            raise ValueError("http://HOST:PORT without a path")
        try:
            host, port = urlsplit(value).hostname, urlsplit(value).port
        except ValueError as error:
            raise ValueError("http://HOST:PORT with a port from 1 to 65535") from error
        if not host or port == 0:
            raise ValueError("http://HOST:PORT with a port from 1 to 65535")
        return value

    @property
    def application(self) -> Workload:
        """What serves users."""
        return self.workloads[0]

    @property
    def deployment(self) -> str:
        """The application's name."""
        return self.application.name

    @property
    def container(self) -> str:
        """The application's container."""
        return self.application.container
