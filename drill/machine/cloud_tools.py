"""The AWS command line and an emulator of AWS, in a Python environment of their own. Flows in: the lock of
cluster/cloud. Flows out: where they are, installed now if need be.

Only drills whose runbook calls `aws` need them, so they come when they are first used. Another lock is
another environment.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from drill.errors import SetupError, ToolMissingError, filling_disk
from drill.machine.stage import output, stage
from drill.programs import cache_folder

LOCK = Path(__file__).resolve().parents[2] / "cluster" / "cloud" / "requirements.lock"
CLIENT, EMULATOR = "awscli", "moto"
DIGEST_LENGTH = 16


@dataclass(frozen=True)
class CloudTools:
    """`folder`: of the environment; `client`, `emulator`: with their versions, "awscli 1.46.3", "moto
    5.2.5"."""

    folder: Path
    client: str
    emulator: str

    @property
    def path(self) -> Path:
        """A folder with `aws` and nothing else, for the operator's PATH."""
        return self.folder / "tools"

    @property
    def server(self) -> Path:
        """The program that starts the emulator."""
        return self.folder / "bin" / "moto_server"


def cloud_tools(lock: Path = LOCK) -> CloudTools:
    """Where they are, or would be. Raises SetupError where the lock cannot be read, or lacks one."""
    try:
        text = lock.read_bytes()
    except OSError as error:
        raise SetupError(
            f"{lock}: cannot be read ({error.strerror}); it is part of the repository: run drill from a "
            "checkout"
        ) from error
    digest = hashlib.sha256(text).hexdigest()[:DIGEST_LENGTH]
    return CloudTools(
        cache_folder() / "cloud" / digest, _locked(lock, text, CLIENT), _locked(lock, text, EMULATOR)
    )


def _locked(lock: Path, text: bytes, name: str) -> str:
    found = re.search(rf"^{name}==(\S+)", text.decode(), re.MULTILINE)
    if found is None:
        raise SetupError(f"{lock}: expected a line {name}==VERSION, found none; `make lock` writes one")
    return f"{name} {found[1]}"


def ensure_cloud_tools(lock: Path = LOCK) -> CloudTools:
    """Both, installed now if need be (240 MB on disk). Raises ToolMissingError where they are not to be had,
    with what was tried."""
    tools = cloud_tools(lock)
    if not tools.folder.exists():
        with filling_disk(f"keep {tools.client} and {tools.emulator} in {tools.folder.parent}"):
            tools.folder.parent.mkdir(parents=True, exist_ok=True)
            with stage(f"{tools.client} and {tools.emulator}, for the operator's `aws`"):
                _install(tools, lock)
    return tools


def _install(tools: CloudTools, lock: Path) -> None:
    """Make the environment, all at once: two that install it at the same time both can."""
    own = Path(sys.executable).parent
    uv = shutil.which("uv", path=f"{own}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        raise ToolMissingError(
            f"`aws` is not in {tools.path}, and without uv it cannot be installed: `make lint` brings uv to "
            f"{own}"
        )
    with tempfile.TemporaryDirectory(dir=tools.folder.parent, prefix="cloud-") as name:
        made = Path(name) / "environment"
        python = ["--python", str(made / "bin" / "python")]
        try:
            output(
                [uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(made)], why="make it"
            )
            output(
                [uv, "pip", "install", "--quiet", *python, "--require-hashes", "-r", str(lock)],
                why=f"install {lock.name}",
            )
        except SetupError as error:
            raise ToolMissingError(
                f"`aws` is not in {tools.path}, and cannot be installed: {error}"
            ) from error
        (made / "tools").mkdir()
        (made / "tools" / "aws").symlink_to("../bin/aws")
        try:
            os.replace(made, tools.folder)
        except OSError:
            if not tools.folder.exists():  # another one may have been quicker
                raise
