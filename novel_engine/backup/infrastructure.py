"""Terraform's state. Flows in: the state that the Secret terraform-state holds, mounted as a file. Flows out:
the same, for terraform/terraform.tfstate.
"""

from __future__ import annotations

import json
from pathlib import Path

from novel_engine.backup.store import BackupError, Contents

FORMAT = 4


def write(source: Path, partial: Path) -> Contents:
    """Keep the state in `source`; its lineage, serial and resources."""
    try:
        state = source.read_bytes()
    except FileNotFoundError as error:
        raise BackupError(
            f"no state at {source}: expected the Secret terraform-state, made after `terraform apply`"
        ) from error
    partial.write_bytes(state)
    return _contents(state)


def inspect(path: Path) -> Contents:
    """Lineage, serial, Terraform's version and the names of the resources; without any it is no backup."""
    return _contents(path.read_bytes())


def _contents(text: bytes) -> Contents:
    try:
        state = json.loads(text)
        resources = [f"{each['type']}.{each['name']}" for each in state["resources"]]
        contents = {key: state[key] for key in ("version", "lineage", "serial", "terraform_version")}
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"not a Terraform state: {error!r}") from error
    if contents["version"] != FORMAT:
        raise BackupError(f"expected a state of version {FORMAT}, found {contents['version']!r}")
    if not resources:
        raise BackupError("the state names no resource: nothing was applied")
    return contents | {"resources": sorted(resources)}
