"""docs/lint.md and the README hold what the code says."""

from __future__ import annotations

from pathlib import Path

from drill.lint.listing import rules_as_markdown
from drill.lint.rule import RULES

ROOT = Path(__file__).parents[3]


def test_the_page_has_every_rule_as_the_code_has_it() -> None:
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("<!-- rules: python -m drill.lint.listing -->\n")
    listed, end, _ = rest.partition("<!-- end of rules -->")
    assert end, "docs/lint.md has no list of rules"
    assert listed == rules_as_markdown(), "write it anew: python -m drill.lint.listing"


def test_the_page_names_the_number_of_rules() -> None:
    assert f"{len(RULES)} rules" in (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")


def test_the_hook_runs_what_the_command_line_has() -> None:
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert "entry: drill lint" in hooks
