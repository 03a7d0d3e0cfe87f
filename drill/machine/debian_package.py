"""Programs out of Debian's packages, of which nothing is installed and nothing started. Flows in: a package's
name. Flows out: the package, or a folder with what is in it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from drill.errors import filling_disk
from drill.machine.stage import output, stage, succeeds
from drill.programs import cache_folder


def taken_out(package: str) -> Path:
    """The folder with what is in the package, kept on this machine; its programs need the libraries of this
    Debian. Raises SetupError where the package cannot be had."""
    target = cache_folder() / "debian" / package
    if target.exists():
        return target
    with filling_disk(f"keep Debian's package {package} in {target.parent}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with stage(f"Debian's package {package}"), tempfile.TemporaryDirectory(dir=target.parent) as name:
            folder = Path(name)
            root = folder / "root"
            output(["dpkg-deb", "--extract", str(download(package, folder)), str(root)], why="unpack it")
            if not target.exists():  # another one may have been quicker
                os.replace(root, target)
    return target


def download(package: str, folder: Path) -> Path:
    """Debian's package, downloaded by apt into a folder; apt checks it by the signed lists. A machine without
    lists gets some of its own for this, so that nothing of the machine changes. Raises SetupError."""
    # apt-get writes into its working directory, as the user that runs it
    unsandboxed = ["-o", "APT::Sandbox::User=root"]
    get = ["env", "-C", str(folder), "apt-get", "-qq", *unsandboxed]
    own = [
        *("-o", f"Dir::State::lists={folder / 'lists'}"),
        *("-o", f"Dir::Cache={folder / 'cache'}"),
    ]
    if not succeeds([*get, "download", package], seconds=120):
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True)
        output([*get, *own, "update"], why="read Debian's package lists")
        output([*get, *own, "download", package], why=f"download Debian's package {package}")
    return next(folder.glob(f"{package}_*.deb"))
