"""Programs of this machine: the one that drill installed comes before any other on PATH."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path


def cache_folder() -> Path:
    """Where drill keeps what it installs on this machine: ${XDG_CACHE_HOME:-~/.cache}/drill."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "drill"


def installed(name: str) -> Path:
    """Where a program is, or would be, that drill installs."""
    return cache_folder() / "bin" / name


def program(name: str) -> Path | None:
    """The program that drill installed, else the one on PATH; None where there is neither."""
    found = shutil.which(installed(name)) or shutil.which(name)
    return Path(found) if found else None


def calls(text: str, name: str) -> bool:
    """Whether a text of commands names a program outside of its comments; a path, an option or a longer word
    is not it.

    >>> calls("terraform -chdir=infra init", "terraform"), calls("cd terraform/", "terraform")
    (True, False)
    """
    named = re.compile(rf"(?<![\w./=-]){re.escape(name)}(?![\w./=-])")
    return any(named.search(re.sub(r"(^|\s)#.*", "", line)) for line in text.splitlines())
