"""Whether the measure of the judge's own tests can be trusted: what it counts, and when it is red."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

import benchmarks.mutants
from benchmarks.mutants import (
    EQUIVALENT,
    ROOT,
    Equivalent,
    Mutant,
    Sorted,
    changed,
    function_of,
    held,
    outcomes,
    report,
    share,
    sort_out,
)
from benchmarks.mutants_run import Fate, Found, digest, drawn, undecorated

LISTED = msgspec.yaml.decode(EQUIVALENT.read_bytes(), type=list[Equivalent])
LESS = Mutant("drill.judge.a.x_f__mutmut_1", "drill.judge.a.f", "a < b", "a <= b")
MORE = Mutant("drill.judge.a.x_f__mutmut_2", "drill.judge.a.f", "a + b", "a - b")


def _entry(mutant: Mutant) -> Equivalent:
    return Equivalent(mutant.function, mutant.was, mutant.becomes, "both are the same")


def test_a_living_mutant_is_equivalent_by_what_it_changes_or_it_survives() -> None:
    found = sort_out([LESS, MORE], [_entry(LESS)])
    assert found == Sorted([(LESS, "both are the same")], [MORE], [])
    elsewhere = msgspec.structs.replace(_entry(LESS), function="drill.judge.a.g")
    assert sort_out([LESS], [elsewhere]) == Sorted([], [LESS], [elsewhere])


def test_an_entry_whose_mutant_is_killed_or_gone_is_stale_and_makes_it_red() -> None:
    found = {f"drill.judge.a.x_f__mutmut_{number}": "killed" for number in range(1, 101)}
    stale = sort_out([], [_entry(LESS)])
    assert stale.stale == [_entry(LESS)]
    assert not held(found, stale)
    assert held(found, sort_out([], []))
    assert "stale: no living mutant of drill.judge.a.f changes\n    - a < b\n    + a <= b" in report(
        found, stale
    )


@pytest.mark.parametrize(("survivors", "green"), [(5, True), (6, False)])
def test_it_is_green_from_95_percent_on_of_those_that_are_not_equivalent(survivors: int, green: bool) -> None:
    names = [f"drill.judge.a.x_f__mutmut_{number}" for number in range(1, 111)]
    living = [Mutant(name, "drill.judge.a.f", f"{name}", "None") for name in names[: survivors + 10]]
    found = dict.fromkeys(names, "killed") | {mutant.name: "survived" for mutant in living}
    sorted_out = sort_out(living, [_entry(mutant) for mutant in living[:10]])
    assert held(found, sorted_out) is green
    assert report(found, sorted_out).splitlines()[-1].split() == [
        "drill.judge",
        "110",
        str(100 - survivors),
        "10",
        str(survivors),
        f"{100 - survivors}.0%",
    ]


def test_one_package_below_95_percent_is_not_made_up_for_by_another() -> None:
    found = dict.fromkeys([f"drill.judge.a.x_f__mutmut_{number}" for number in range(1, 1000)], "killed")
    found["drill.baselines.a.x_f__mutmut_1"] = "survived"
    living = [Mutant("drill.baselines.a.x_f__mutmut_1", "drill.baselines.a.f", "1", "2")]
    assert not held(found, sort_out(living, []))


def test_without_a_mutant_nothing_is_missed() -> None:
    assert share(mutants=3, equivalent=3, survivors=0) == 1.0


def test_what_a_mutant_changes_is_read_from_its_diff() -> None:
    diff = (
        "--- a.py\n+++ a.py\n@@ -1,3 +1,2 @@\n def f():\n-    return f(\n-        a\n+    return None\n     b"
    )
    assert changed(diff) == ("return f( ⏎ a", "return None")


def test_a_mutant_names_its_function() -> None:
    assert function_of("drill.judge.case.xǁCaseǁfirst__mutmut_3") == "drill.judge.case.Case.first"
    assert function_of("drill.judge.case.x__readable__mutmut_12") == "drill.judge.case._readable"


# which mutants, and how they are run


def test_a_sample_is_the_same_share_of_every_module_and_the_same_each_time() -> None:
    names = [f"drill.judge.{module}.x_f__mutmut_{n}" for module in ("a", "b") for n in range(1, 41)]
    quarter = drawn(names, 0.25)
    assert Counter(name.split(".")[2] for name in quarter) == {"a": 10, "b": 10}
    assert quarter == drawn(list(reversed(names)), 0.25) == drawn(names, 0.5)[:20]
    assert sorted(drawn(names, 1.0)) == sorted(names)
    assert len(drawn(names[:3], 0.25)) == 1


def test_a_property_is_mutated_as_the_function_that_it_wraps() -> None:
    source = (
        "class A:\n    @cached_property\n    def f(self):\n        return 1\n"
        "    @other\n    def g(self):\n        return 2\n"
    )
    assert undecorated(source) == (
        "class A:\n    def f(self):\n        return 1\n    f = cached_property(f)\n"
        "    @other\n    def g(self):\n        return 2\n"
    )


def test_only_what_was_run_on_code_and_tests_as_they_are_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = digest("drill.judge")
    fates = {
        "drill.judge.a.x_f__mutmut_1": Fate(True, "a test", True, now),
        "drill.judge.a.x_f__mutmut_2": Fate(False, "", True, now),
        "drill.judge.a.x_f__mutmut_3": Fate(False, "", False, now),
        "drill.judge.a.x_f__mutmut_4": Fate(True, "a test", True, "of yesterday"),
        "drill.judge.b.x_f__mutmut_1": Fate(True, "a test", True, now),
    }
    monkeypatch.setattr(benchmarks.mutants, "read", lambda package: Found(fates, [*fates]))
    assert outcomes("drill.judge", "drill.judge.a*") == {
        "drill.judge.a.x_f__mutmut_1": "killed",
        "drill.judge.a.x_f__mutmut_2": "survived",
        "drill.judge.a.x_f__mutmut_3": "untested",
    }


# the list


def test_no_mutant_is_listed_twice() -> None:
    counted = Counter((each.function, each.was, each.becomes) for each in LISTED)
    assert [key for key, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: f"{entry.function}: {entry.becomes[:40]}")
def test_what_a_listed_mutant_changes_is_still_there(entry: Equivalent) -> None:
    """Whether it still lives only `make mutants` tells."""
    module = next(
        path
        for path in (ROOT.joinpath(*entry.function.split(".")[:parts]).with_suffix(".py") for parts in (4, 3))
        if path.is_file()
    )
    lines = {line.strip() for line in module.read_text(encoding="utf-8").splitlines()}
    assert set(entry.was.split(" ⏎ ")) <= lines
    assert entry.reason.strip()
