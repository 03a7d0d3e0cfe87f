"""A terraform that is compiled when it is needed: a real Go compiler, and a small module in the place of
OpenTofu, which takes minutes (the quarterly drills of Full System Recovery compile that).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from drill.errors import SetupError
from drill.machine.node_image import with_go
from drill.machine.terraform import ensure_terraform
from drill.programs import installed

MODULE = "module small\n\ngo 1.26\n\ntool small/tofu\n"
SAYS = 'package main\n\nfunc main() { println("OpenTofu in small") }\n'


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, with Go and nothing else in it; what drill installs is the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    go = shutil.which("go", path=with_go()["PATH"])
    assert go is not None
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "go").symlink_to(Path(go).resolve())
    monkeypatch.setenv("PATH", str(folder))
    # Go's own cache stays where it is: with it this takes a second
    monkeypatch.setenv("GOCACHE", subprocess.check_output([go, "env", "GOCACHE"], text=True).strip())
    return folder


def sources(folder: Path, code: str) -> Path:
    (folder / "small" / "tofu").mkdir(parents=True)
    (folder / "small" / "go.mod").write_text(MODULE, encoding="utf-8")
    (folder / "small" / "tofu" / "main.go").write_text(code, encoding="utf-8")
    return folder / "small"


@pytest.mark.usefixtures("path")
def test_it_is_compiled_once(tmp_path: Path) -> None:
    told: list[str] = []
    found = ensure_terraform(told.append, sources=sources(tmp_path, SAYS))
    assert found == installed("terraform")
    done = subprocess.run([found], capture_output=True, text=True, check=True)
    assert done.stderr == "OpenTofu in small\n"
    assert told[0] == "compiling OpenTofu, as terraform (some minutes, once)"
    again: list[str] = []
    assert ensure_terraform(again.append, sources=tmp_path / "there is none") == found
    assert again == []
    assert [each.name for each in found.parent.iterdir()] == ["terraform"]


def test_one_that_the_machine_has_is_taken(path: Path, tmp_path: Path) -> None:
    other = path / "terraform"
    other.symlink_to("/bin/true")
    assert ensure_terraform(sources=tmp_path / "there is none") == other
    assert not installed("terraform").exists()


@pytest.mark.usefixtures("path")
def test_what_go_says_against_it_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"exit status 1: (?s:.*)undefined: nowhere") as caught:
        ensure_terraform(sources=sources(tmp_path, "package main\n\nfunc main() { nowhere() }\n"))
    assert "put a terraform, or OpenTofu under that name, on PATH" in str(caught.value)
    assert list(installed("terraform").parent.iterdir()) == []


@pytest.mark.usefixtures("path")
def test_one_that_takes_too_long_is_ended_and_it_is_told_what_it_was_doing(tmp_path: Path) -> None:
    with pytest.raises(
        SetupError, match=r"waited 0\.0 s for OpenTofu to be compiled; last seen: \w+.*; its log"
    ):
        ensure_terraform(sources=sources(tmp_path, SAYS), seconds=0.0)
    assert list(installed("terraform").parent.iterdir()) == []
