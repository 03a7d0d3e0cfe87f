"""What every section of drill.toml is made of: strict records, and the kinds of values that occur in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LONGEST_SECONDS = 86_400
KUBERNETES_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")


class Section(BaseModel):
    """A table of drill.toml: a key that is not here is an error, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _kubernetes_name(value: str) -> str:
    if not KUBERNETES_NAME.fullmatch(value):
        raise ValueError("the name of a Kubernetes object: lower-case letters, digits and '-', at most 253")
    return value


def _text(value: str) -> str:
    if not value.strip() or "\0" in value or not value.isprintable():
        raise ValueError("some text on one line, without control characters")
    return value


def _path(value: str) -> str:
    if not re.fullmatch(r"/[^\s\0]*", value) or not value.isprintable():
        raise ValueError("a path that begins with / and has no spaces")
    return value


def _file(value: Path) -> Path:
    if "\0" in str(value) or not str(value).isprintable():
        raise ValueError("a path without control characters")
    return value


Name = Annotated[str, AfterValidator(_kubernetes_name)]
"""Of an object in the cluster."""
Text = Annotated[str, AfterValidator(_text)]
UrlPath = Annotated[str, AfterValidator(_path)]
File = Annotated[Path, AfterValidator(_file)]
Seconds = Annotated[float, Field(gt=0, le=LONGEST_SECONDS, strict=True)]
Minutes = Annotated[float, Field(gt=0, le=LONGEST_SECONDS, strict=True)]
Days = Annotated[float, Field(gt=0, le=3_650, strict=True)]
Port = Annotated[int, Field(ge=1, le=65_535)]
