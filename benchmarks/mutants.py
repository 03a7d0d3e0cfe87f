"""Whether the tests of the judge notice when the judge is wrong. Flows in: drill/statistics, drill/baselines,
drill/judge, and their tests. Flows out: of each module how many mutants there are, and how many were killed;
every mutant that lives, and why where that is known; exit status 1 where it is too many.

    python -m benchmarks.mutants [--only drill.statistics.noise] [--listed] [--sample 0.25]

A mutant is one small fault in one function (`<` for `<=`, an argument less, None for a value), made by
mutmut. It is killed when a test fails. One that no test can kill, since nothing that the code promises is
different, is equivalent: it stands in mutants-equivalent.yaml with the reason, and is no mutant for the
share. An entry of that list whose mutant is killed, or not there any more, is an error: the list is stale.

How mutants are run, and what of an earlier run is kept: mutants_run.py.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.mutants_run import digest, folder_of, read

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = Path(__file__).with_name("mutants-equivalent.yaml")
LEAST_SHARE = 0.95
NO_TESTS_RAN = 5
"""What pytest says where a plugin does its loop over the tests."""
PACKAGES = ("drill.statistics", "drill.baselines", "drill.judge")
Outcome = Literal["killed", "survived", "untested"]


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mutant that no test can kill. `function`: with its module; `was`, `becomes`: the lines that the
    mutant changes, each without its indentation; `reason`: why nothing that is promised is different."""

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


def run(package: str, pattern: str, workers: int, sample: float) -> None:
    """Run the tests on that share of the mutants that the pattern names, but those whose fate is known."""
    command = [sys.executable, "-m", "benchmarks.mutants_run", package, pattern]
    command += ["--workers", str(workers), "--sample", str(sample)]
    done = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
    if done.returncode not in (0, NO_TESTS_RAN):
        raise SystemExit(f"the mutants of {package} could not be run: status {done.returncode}")


def outcomes(package: str, pattern: str) -> dict[str, Outcome]:
    """What became of the mutants that the pattern names and that were run on drill and its tests as they
    are."""
    now = digest(package)
    return {
        name: "killed" if fate.is_killed else "survived" if fate.reached else "untested"
        for name, fate in read(package).fates.items()
        if fnmatch(name, pattern) and fate.tests == now
    }


def living(package: str, names: Iterable[str]) -> list[Mutant]:
    """The mutants of these names, with what each changes."""
    diff_of = import_module("mutmut.mutation.diff_apply").get_diff_for_mutant
    before = Path.cwd()
    os.chdir(folder_of(package))  # mutmut reads its files there
    try:
        return [
            Mutant(name, function_of(name), *changed(diff_of(name, path=_path_of(name))))
            for name in sorted(names)
        ]
    finally:
        os.chdir(before)


def _path_of(name: str) -> Path:
    return Path(*name.rpartition(".")[0].split(".")).with_suffix(".py")


def main(arguments: Sequence[str] | None = None) -> int:
    """0: enough is killed in every package, and the list is not stale."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="a package, module or pattern")
    parser.add_argument("--listed", action="store_true", help="tell of the last run, run nothing")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="mutants at the same time")
    parser.add_argument("--sample", type=float, default=1.0, help="the share of each module's mutants to run")
    options = parser.parse_args(arguments)
    wanted = options.only or PACKAGES
    found: dict[str, Outcome] = {}
    made: list[str] = []
    alive: list[Mutant] = []
    for package in PACKAGES:
        for pattern in (f"{name}*" for name in wanted if name.startswith(package)):
            if not options.listed:
                run(package, pattern, options.workers, options.sample)
            part = outcomes(package, pattern)
            alive += living(package, (name for name, outcome in part.items() if outcome != "killed"))
            found |= part
            made += [name for name in read(package).made if fnmatch(name, pattern)]
    known = msgspec.yaml.decode(EQUIVALENT.read_bytes(), type=list[Equivalent])
    asked = [each for each in known if any(fnmatch(each.function, f"{name}*") for name in wanted)]
    sorted_out = sort_out(alive, asked)
    is_sample = len(found) < len(made)
    if is_sample:  # an entry may be of a mutant that was not run
        sorted_out = replace(sorted_out, stale=[])
    print(report(found, sorted_out))
    if is_sample:
        print(f"Of {len(made)} mutants {len(found)} were run, the first of each module in a random order.")
    return 0 if held(found, sorted_out) else 1


def held(found: Mapping[str, Outcome], sorted_out: Sorted) -> bool:
    """Enough is killed in every package, and the list is not stale."""
    return not sorted_out.stale and all(row[-1] >= LEAST_SHARE for row in rows(found, sorted_out))


def modules(found: Iterable[str]) -> list[str]:
    """The modules that these mutants are of."""
    return sorted({name.rpartition(".")[0] for name in found})


def rows(
    found: Mapping[str, Outcome], sorted_out: Sorted, places: Sequence[str] = PACKAGES
) -> list[tuple[str, int, int, int, int, float]]:
    """Of each package or module: mutants, killed, equivalent, survivors, share."""
    made = []
    for place in places:
        of = f"{place}."
        mutants = sum(name.startswith(of) for name in found)
        equivalent = sum(mutant.name.startswith(of) for mutant, _ in sorted_out.known)
        survivors = sum(mutant.name.startswith(of) for mutant in sorted_out.survivors)
        killed = mutants - equivalent - survivors
        if mutants:
            made.append(
                (place, mutants, killed, equivalent, survivors, share(mutants, equivalent, survivors))
            )
    return made


def report(found: Mapping[str, Outcome], sorted_out: Sorted) -> str:
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
    for title, places in (("module", modules(found)), ("package", PACKAGES)):
        text.append(f"{title:<36}{'mutants':>9}{'killed':>9}{'equivalent':>12}{'survivors':>11}{'share':>9}")
        for place, total, killed, equivalent, survivors, part in rows(found, sorted_out, places):
            text.append(f"{place:<36}{total:>9}{killed:>9}{equivalent:>12}{survivors:>11}{part:>9.1%}")
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
