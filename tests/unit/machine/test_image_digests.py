"""What an image is made of: another one that begins with it, and what is no part of it."""

from __future__ import annotations

import shutil
from pathlib import Path

from drill import settings as target_settings
from drill.machine.target import digest_of
from drill.settings import Settings

ROOT = Path(__file__).parents[3]
BASE, ON_TOP = "novel-engine:drill", "novel-engine:drill-vulnerable"


def digests(settings: Settings) -> dict[str, str]:
    return {image.name: digest_of(settings, image) for image in settings.target.images}


def test_an_image_on_top_of_another_changes_with_it_and_not_the_other_way(tmp_path: Path) -> None:
    for name in ("novel_engine", "runbook"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "drill.toml", tmp_path)
    settings = target_settings.load(tmp_path / "drill.toml")
    before = digests(settings)
    (tmp_path / "novel_engine" / "vulnerable" / "more").write_text("more")
    changed = digests(settings)
    assert {name for name in before if changed[name] != before[name]} == {ON_TOP}
    (tmp_path / "novel_engine" / "app" / "more").write_text("more")
    assert digests(settings)[BASE] != changed[BASE]
    assert digests(settings)[ON_TOP] != changed[ON_TOP]
