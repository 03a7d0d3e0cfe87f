"""Prometheus' own tool for rules. Flows in: nothing. Flows out: the path of a promtool.

The one that drill installed, else the one on PATH; where there is neither, it is taken out of Debian's
package `prometheus`, of which nothing is installed and nothing started. Only what tests alerts needs it, so
it comes when it is first used.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from drill.errors import SetupError, ToolMissingError, filling_disk
from drill.machine.debian_package import download
from drill.machine.stage import output, stage, succeeds
from drill.programs import installed, program

PACKAGE = "prometheus"
WITHIN = "./usr/bin/promtool"
OTHERWISE = "put a promtool of Prometheus 2.42 or later on PATH"


def ensure_promtool() -> Path:
    """A promtool that runs, installed now if need be (20 MB from Debian's mirror). Raises ToolMissingError
    where it is not to be had, with what was tried.
    """
    found = program("promtool")
    if found is None:
        found = installed("promtool")
        with filling_disk(f"keep promtool in {found.parent}"):
            found.parent.mkdir(parents=True, exist_ok=True)
            with stage(f"promtool, out of Debian's package {PACKAGE}"):
                _take_out(found)
    if not succeeds([str(found), "--version"]):
        raise SetupError(
            f"{found}: `promtool --version` does not end with exit status 0, so it is no promtool of this "
            "machine: remove it and run this again"
        )
    return found


def _take_out(target: Path) -> None:
    """Put the package's promtool at `target`, all at once: two that install it at the same time both can."""
    for needed in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(needed) is None:
            raise ToolMissingError(
                f"promtool is neither at {target} nor on PATH, and without {needed} it cannot be taken out "
                f"of Debian's package {PACKAGE}: {OTHERWISE}"
            )
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="promtool-") as name:
        folder = Path(name)
        package = _package(folder, target)
        output(["dpkg-deb", "--extract", str(package), str(folder / "root")], why="unpack promtool")
        made = folder / "root" / WITHIN
        if not made.exists():
            raise ToolMissingError(f"Debian's package {package.name} has no {WITHIN}: {OTHERWISE}")
        os.replace(made, target)


def _package(folder: Path, target: Path) -> Path:
    """Debian's package. Raises ToolMissingError where it cannot be had."""
    try:
        return download(PACKAGE, folder)
    except SetupError as error:
        raise ToolMissingError(
            f"promtool is neither at {target} nor on PATH, and Debian's package {PACKAGE} cannot be had: "
            f"{error}; {OTHERWISE}"
        ) from error
