"""Terraform's state. Flows in: the state as its kubernetes backend keeps it in a Secret, mounted as a file. Flows
out: the same, unpacked, as `terraform state push` takes it.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

from novel_engine.backup.store import BackupError, Contents

FORMAT = 4
GZIP = b"\x1f\x8b"


def write(source: Path, partial: Path) -> Contents:
    """Keep the state in `source`, packed or not; its lineage, serial and resources."""
    try:
        state = source.read_bytes()
    except FileNotFoundError as error:
        raise BackupError(
            f"no state at {source}: expected what `terraform apply` leaves in the Secret "
            "tfstate-default-novel-engine"
        ) from error
    try:
        partial.write_bytes(gzip.decompress(state) if state.startswith(GZIP) else state)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BackupError(f"the state at {source} cannot be unpacked: {error}") from error
    return inspect(partial)


def inspect(path: Path) -> Contents:
    """Lineage, serial, Terraform's version and the names of the resources. Without resources it is no backup."""
    try:
        state = json.loads(path.read_bytes())
        resources = [f"{each['type']}.{each['name']}" for each in state["resources"]]
        contents = {key: state[key] for key in ("version", "lineage", "serial", "terraform_version")}
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"not a Terraform state: {error!r}") from error
    if contents["version"] != FORMAT:
        raise BackupError(f"expected a state of version {FORMAT}, found {contents['version']!r}")
    if not resources:
        raise BackupError("the state names no resource: nothing was applied")
    return contents | {"resources": sorted(resources)}
