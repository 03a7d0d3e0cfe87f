"""Programs of this machine: which one is taken, and what doctor says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.machine.cloud_tools import cloud_tools
from drill.machine.doctor import Finding, diagnose
from drill.programs import installed, program
from drill.settings import load

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing: no program on PATH, none that drill installed. Returns the folder on PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("DRILL_KUBECONFIG", raising=False)
    return tmp_path / "bin"


def put(path: Path, says: str, *, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "{says}"\n', encoding="utf-8")
    path.chmod(mode)
    return path


def seen() -> dict[str, Finding]:
    return {finding.part: finding for finding in diagnose(load(ROOT / "drill.toml"))}


def test_the_program_that_drill_installed_comes_before_the_one_on_path(bare: Path) -> None:
    assert program("promtool") is None
    other = put(bare / "promtool", "another")
    assert program("promtool") == other
    own = put(installed("promtool"), "drill's own", mode=0o644)
    assert program("promtool") == other
    own.chmod(0o755)
    assert program("promtool") == own


def test_doctor_tells_promtool_and_what_is_not_done_without_it(bare: Path) -> None:
    assert (
        seen()["promtool"].line().startswith("  absent  promtool: FileNotFoundError; without it `drill lint`")
    )
    put(installed("promtool"), "promtool, version 2.42.0+ds (branch: debian/sid)")
    assert seen()["promtool"].line() == "      ok  promtool: promtool, version 2.42.0+ds (branch: debian/sid)"


def test_doctor_finds_the_operator_s_tools_as_the_operator_does(bare: Path) -> None:
    assert not seen()["operator's kubectl"].present
    put(bare / "kubectl", "another")
    own = put(installed("kubectl"), "drill's own")
    assert seen()["operator's kubectl"].seen == str(own)


def test_doctor_tells_whether_aws_is_installed_already(bare: Path) -> None:
    put(bare / "aws", "of the machine, which no drill takes")
    assert seen()["operator's aws"].line() == (
        "  absent  operator's aws: drills install it when they first need it; without it steps of the "
        "runbook that call aws are inconclusive"
    )
    cloud_tools().folder.mkdir(parents=True)
    found = seen()["operator's aws"]
    assert found.present
    assert found.seen == f"{cloud_tools().client}, answered by {cloud_tools().emulator}"
