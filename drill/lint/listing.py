"""The rules as a page. Flows in: the rules. Flows out: Markdown, which docs/lint.md carries and a test holds
it to.

python -m drill.lint.listing
"""

from __future__ import annotations

import sys

import drill.lint.run  # noqa: F401 - enters the rules
from drill.lint.rule import KINDS, NEEDS, RULES, Rule


def rules_as_markdown() -> str:
    """Every rule by kind, with why, the bad and the good example, and what it needs."""
    parts: list[str] = []
    for prefix, kind in KINDS.items():
        parts.append(f"### {prefix}: {kind}\n")
        parts += [_one(entry) for identifier, entry in sorted(RULES.items()) if identifier.startswith(prefix)]
    return "\n".join(parts).rstrip() + "\n"


def _one(entry: Rule) -> str:
    notes = [f"needs {NEEDS[need]}" for need in entry.needs] + (
        ["corrected by `--fix`"] if entry.fixes else []
    )
    said = f"\n{entry.why}{_in_brackets(notes)}\n"
    return (
        f"#### {entry.id} {entry.title}\n{said}\n"
        f"bad:\n{_fenced(entry, entry.bad)}\ngood:\n{_fenced(entry, entry.good)}"
    )


def _in_brackets(notes: list[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""


def _fenced(entry: Rule, example: str) -> str:
    # four backticks, since a markdown example has blocks of its own
    return f"````{entry.language}\n{example}\n````\n"


if __name__ == "__main__":
    sys.stdout.write(rules_as_markdown())
