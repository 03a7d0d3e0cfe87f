"""Every benchmark can be started: a module whose imports are gone would only be noticed by who runs it."""

from __future__ import annotations

import pytest

from tests.unit.commands import ROOT, python

MODULES = sorted(f"benchmarks.{path.stem}" for path in (ROOT / "benchmarks").glob("[a-z]*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_a_benchmark_can_be_imported(module: str) -> None:
    done = python(ROOT, "-c", f"import {module}")
    assert done.returncode == 0, done.stderr
