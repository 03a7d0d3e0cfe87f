"""A share of benchmarks/lint_fuzz.py: mutated texts end in findings, never in a traceback, and soon."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.lint_fuzz import LIMIT_SECONDS, mutated, seeds
from drill.lint.document import parse_document
from drill.lint.fixing import fixed
from drill.lint.formats import FORMATS
from drill.lint.run import Options, lint_documents, lint_text

TEXTS = 400


def test_mutated_texts_are_looked_at_in_time(beside: Options) -> None:
    chance, texts = random.Random(20), seeds()
    quick = replace(beside, ignore=("D310", "D901", "D010"))
    for _ in range(TEXTS):
        document = parse_document(Path("runbook.md"), mutated(texts, chance))
        start = time.process_time()
        outcome = lint_documents([document], quick)
        assert time.process_time() - start < LIMIT_SECONDS * 3, document.text
        for show in FORMATS.values():
            show(outcome)
        fixed(document.text, outcome.findings)


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_any_text_at_all(text: str) -> None:
    lint_text(text, Options(ignore=("D310", "D010")))
    lint_text(f"# T\n```bash\n{text}\n```\n", Options(ignore=("D310", "D010")))


@pytest.mark.parametrize("opening", ["$(", "${", "(", "[[", "if ", "{ ", '"$(', "`", "<<A\n", "case x in "])
def test_deep_nesting_is_given_up_in_time(opening: str) -> None:
    start = time.process_time()
    lint_text(f"# T\n```bash\n{opening * 3000}\n```\n", Options(ignore=("D310", "D010")))
    assert time.process_time() - start < LIMIT_SECONDS * 3


@pytest.mark.parametrize("end", ["\u2028", "\x0b", "\x0c", "\x1c", "\x85"])
def test_what_only_python_takes_for_a_line_end_moves_no_place(end: str) -> None:
    (finding,) = lint_text(f"# T\n```bash\n: a{end}b\nkubectl logs -l app=a\n```\n")
    assert finding.span.line == 4


def test_a_name_that_no_file_can_have_is_not_there() -> None:
    found = lint_text(
        f"# T\n```yaml\n- alert: A\n  expr: up\n  annotations: {{runbook_url: {'x' * 5000}}}\n```\n"
    )
    assert [finding.rule for finding in found] == ["D906"]
