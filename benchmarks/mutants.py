"""Whether the tests of the judge notice when the judge is wrong. Flows in: drill/statistics, drill/baselines,
drill/judge, and their tests. Flows out: of each package how many mutants there are, and how many were killed;
every mutant that lives, and why where that is known; exit status 1 where it is too many.

    python -m benchmarks.mutants [--only drill.statistics] [--listed]

A mutant is one small fault in one function (`<` for `<=`, an argument less, None for a value), made by
mutmut. It is killed when a test fails. One that no test can kill, since nothing that the code promises is
different, is equivalent: it stands in mutants-equivalent.yaml with the reason, and is no mutant for the
share. An entry of that list whose mutant is killed, or not there any more, is an error: the list is stale.

A mutant that is out of time is run once more, alone, for the run may have been stopped meanwhile.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Literal

import msgspec

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = Path(__file__).with_name("mutants-equivalent.yaml")
LEAST_SHARE = 0.95
PACKAGES = ("drill.statistics", "drill.baselines", "drill.judge")
Fate = Literal["killed", "survived", "untested", "unclear"]
FATES: dict[str, Fate] = {"killed": "killed", "survived": "survived", "no tests": "untested"}
"""What mutmut calls each fate; all others (timeout, segfault, interrupted) are unclear."""


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mutant that no test can kill. `function`: with its module; `was`, `becomes`: the lines that the mutant
    changes, each without its indentation; `reason`: why nothing that the code promises is different."""

    function: str
    was: str
    becomes: str
    reason: str


@dataclass(frozen=True)
class Mutant:
    """One mutant that was not killed, as an entry of the list names it."""

    name: str
    function: str
    was: str
    becomes: str

    def shown(self) -> str:
        """Its place and what it changes, for people."""
        return f"{self.name}\n    - {self.was}\n    + {self.becomes}".replace(" ⏎ ", "\n      ")


@dataclass(frozen=True)
class Sorted:
    """Mutants that live: `known` with their reasons, `survivors` without; `stale`: entries that name none."""

    known: list[tuple[Mutant, str]]
    survivors: list[Mutant]
    stale: list[Equivalent]


def sort_out(living: Sequence[Mutant], listed: Sequence[Equivalent]) -> Sorted:
    """Hold the mutants that live against the list of those that are equivalent."""
    reasons = {(each.function, each.was, each.becomes): each.reason for each in listed}
    keys = [(each.function, each.was, each.becomes) for each in living]
    return Sorted(
        [(mutant, reasons[key]) for mutant, key in zip(living, keys, strict=True) if key in reasons],
        [mutant for mutant, key in zip(living, keys, strict=True) if key not in reasons],
        [each for each in listed if (each.function, each.was, each.becomes) not in set(keys)],
    )


def share(mutants: int, equivalent: int, survivors: int) -> float:
    """Of the mutants that are not equivalent, how many are killed; 1 where there are none."""
    real = mutants - equivalent
    return (real - survivors) / real if real else 1.0


def changed(diff: str) -> tuple[str, str]:
    """The lines that a unified diff takes out, and those that it puts in."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    was, becomes = (
        " ⏎ ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in ("-", "+")
    )
    return was, becomes


def function_of(name: str) -> str:
    """`drill.judge.case.xǁCaseǁfirst__mutmut_3` is a mutant of drill.judge.case.Case.first."""
    module, _, mangled = name.rpartition(".")
    function = mangled.rpartition("__mutmut_")[0]
    return f"{module}.{function.removeprefix('x_').removeprefix('xǁ').replace('ǁ', '.')}"


def fates(patterns: Sequence[str]) -> dict[str, Fate]:
    """What became of every mutant that a pattern names."""
    shown = _mutmut("results", "--all", "true")
    lines = [line.strip().rpartition(": ") for line in shown.splitlines() if "__mutmut_" in line]
    return {
        name: FATES.get(status, "unclear")
        for name, _, status in lines
        if any(fnmatch(name, pattern) for pattern in patterns)
    }


def run(patterns: Sequence[str]) -> dict[str, Fate]:
    """Run the tests on every mutant; twice on those that did not end by themselves. What does not end twice,
    or takes the tests' process with it, is noticed by whoever runs them: killed."""
    _mutmut("run", "--max-children", "1", *patterns)
    found = fates(patterns)
    unclear = [name for name, fate in found.items() if fate == "unclear"]
    if unclear:
        _mutmut("run", "--max-children", "1", *unclear)
        again = fates(unclear)
        found |= {name: "killed" if fate == "unclear" else fate for name, fate in again.items()}
    return found


def _mutmut(*arguments: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).with_name("mutmut"), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"mutmut {arguments[0]} ended with status {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def living(names: Iterable[str]) -> list[Mutant]:
    """The mutants of these names, with what each changes."""
    os.chdir(ROOT)  # where mutmut looks for its settings, when it is imported
    diff_of = import_module("mutmut.mutation.diff_apply").get_diff_for_mutant
    return [
        Mutant(name, function_of(name), *changed(diff_of(name, path=_path_of(name)))) for name in sorted(names)
    ]


def _path_of(name: str) -> Path:
    return Path(*name.rpartition(".")[0].split(".")).with_suffix(".py")


def main(arguments: Sequence[str] | None = None) -> int:
    """0: enough is killed in every package, and the list is not stale."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="a package, module or pattern")
    parser.add_argument("--listed", action="store_true", help="tell of the last run, run nothing")
    options = parser.parse_args(arguments)
    patterns = [f"{name.removesuffix('*')}*" for name in options.only or PACKAGES]
    if not options.listed:
        shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    found = fates(patterns) if options.listed else run(patterns)
    known = msgspec.yaml.decode(EQUIVALENT.read_bytes(), type=list[Equivalent])
    asked = [each for each in known if any(fnmatch(each.function, pattern) for pattern in patterns)]
    sorted_out = sort_out(living(name for name, fate in found.items() if fate != "killed"), asked)
    print(report(found, sorted_out))
    return 1 if sorted_out.stale or any(row[-1] < LEAST_SHARE for row in rows(found, sorted_out)) else 0


def rows(
    found: dict[str, Fate], sorted_out: Sorted
) -> list[tuple[str, int, int, int, int, float]]:
    """Of each package: mutants, killed, equivalent, survivors, share."""
    made = []
    for package in PACKAGES:
        of = f"{package}."
        mutants = sum(name.startswith(of) for name in found)
        equivalent = sum(mutant.name.startswith(of) for mutant, _ in sorted_out.known)
        survivors = sum(mutant.name.startswith(of) for mutant in sorted_out.survivors)
        killed = mutants - equivalent - survivors
        if mutants:
            made.append((package, mutants, killed, equivalent, survivors, share(mutants, equivalent, survivors)))
    return made


def report(found: dict[str, Fate], sorted_out: Sorted) -> str:
    """All of it as text: what is known, what survives, what is stale, and the table."""
    by_reason: dict[str, list[Mutant]] = defaultdict(list)
    for mutant, reason in sorted_out.known:
        by_reason[reason].append(mutant)
    text = []
    for reason, mutants in by_reason.items():
        text += [f"equivalent: {reason.strip()}", *(f"  {each.shown()}" for each in mutants), ""]
    for mutant in sorted_out.survivors:
        what = "no test reaches" if found[mutant.name] == "untested" else "survives"
        text += [f"{what}: {mutant.shown()}", ""]
    for entry in sorted_out.stale:
        text += [
            f"stale: no living mutant of {entry.function} changes\n    - {entry.was}\n    + {entry.becomes}",
            "",
        ]
    text.append(f"{'package':<18}{'mutants':>9}{'killed':>9}{'equivalent':>12}{'survivors':>11}{'share':>9}")
    for package, mutants, killed, equivalent, survivors, part in rows(found, sorted_out):
        text.append(f"{package:<18}{mutants:>9}{killed:>9}{equivalent:>12}{survivors:>11}{part:>9.1%}")
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
