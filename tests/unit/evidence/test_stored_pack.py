"""The pack that is stored here, of two real drills under a plan that was stated before: it holds, and altered
in any of five places it does not."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.unit.commands import drill

STORED = Path(__file__).with_name("stored")
PACK, PUBLIC_KEY = STORED / "smoke.drillpack.tar", STORED / "evidence.pub"


def verified(pack: Path) -> subprocess.CompletedProcess[str]:
    return drill(pack.parent, "evidence", "verify", str(pack), "--key", str(PUBLIC_KEY))


def test_the_stored_pack_holds() -> None:
    done = verified(PACK)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "within",
    ["statement.dsse.json", "run.json", "recording.jsonl", "requests.jsonl", "after-action.md"],
)
def test_with_one_flipped_bit_it_does_not(tmp_path: Path, within: str) -> None:
    altered = tmp_path / "altered.tar"
    shutil.copy(PACK, altered)
    with tarfile.open(PACK) as archive:
        member = next(each for each in archive if each.isfile() and each.name.endswith(within))
    with altered.open("r+b") as file:
        at = member.offset_data + member.size // 2
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    done = verified(altered)
    assert done.returncode == 1, done.stdout + done.stderr
    assert Path(within).name in done.stdout + done.stderr
