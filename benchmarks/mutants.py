"""Whether the tests of the judge notice when the judge is wrong. Flows in: drill/statistics, drill/baselines,
drill/judge, and their tests. Flows out: of each package how many mutants there are, and how many were killed;
every mutant that lives, and why where that is known; exit status 1 where it is too many.

    python -m benchmarks.mutants [--only drill.statistics] [--listed]

A mutant is one small fault in one function (`<` for `<=`, an argument less, None for a value), made by
mutmut. It is killed when a test fails. One that no test can kill, since nothing that the code promises is
different, is equivalent: it stands in mutants-equivalent.yaml with the reason, and is no mutant for the
share. An entry of that list whose mutant is killed, or not there any more, is an error: the list is stale.

Each package is mutated in a folder of its own (mutants/NAME), where `mutmut browse` shows what came out, and
only its own tests are asked. The options are [tool.mutmut] of pyproject.toml. A mutant that is out of time is
run once more, for the run may have been stopped meanwhile.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from configparser import ConfigParser
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


def workshop(package: str) -> Path:
    """The folder in which a package is mutated, with the settings of pyproject.toml for it alone."""
    folder, name = ROOT / "mutants" / package, package.rpartition(".")[2]
    folder.mkdir(parents=True, exist_ok=True)
    for each in ("drill", "tests"):
        if not (folder / each).is_symlink():
            (folder / each).symlink_to(ROOT / each)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    tests = [f"tests/unit/{name}"]
    settings |= {"only_mutate": [f"drill/{name}/*"], "pytest_add_cli_args_test_selection": tests}
    written = ConfigParser(interpolation=None)
    written["mutmut"] = {
        option: "\n".join(["", *value]) if isinstance(value, list) else str(value)
        for option, value in settings.items()
    }
    with (folder / "setup.cfg").open("w", encoding="utf-8") as file:
        written.write(file)
    return folder


def fates(package: str, pattern: str) -> dict[str, Fate]:
    """What became of every mutant that the pattern names."""
    shown = _mutmut(package, "results", "--all", "true")
    lines = [line.strip().rpartition(": ") for line in shown.splitlines() if "__mutmut_" in line]
    return {name: FATES.get(status, "unclear") for name, _, status in lines if fnmatch(name, pattern)}


def run(package: str, pattern: str) -> dict[str, Fate]:
    """Run the tests on every mutant; twice on those that did not end by themselves. What does not end twice,
    or takes the tests' process with it, is noticed by whoever runs them: killed."""
    _mutmut(package, "run", "--max-children", "1", pattern)
    found = fates(package, pattern)
    unclear = [name for name, fate in found.items() if fate == "unclear"]
    if unclear:
        _mutmut(package, "run", "--max-children", "1", *unclear)
        found = {
            name: "killed" if fate == "unclear" and name in unclear else fate
            for name, fate in fates(package, pattern).items()
        }
    return found


def _mutmut(package: str, *arguments: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).with_name("mutmut"), *arguments],
        cwd=workshop(package),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"mutmut {arguments[0]} ended with status {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def living(package: str, names: Iterable[str]) -> list[Mutant]:
    """The mutants of these names, with what each changes."""
    os.chdir(workshop(package))  # mutmut reads its settings where it is imported, and its files there
    diff_of = import_module("mutmut.mutation.diff_apply").get_diff_for_mutant
    return [
        Mutant(name, function_of(name), *changed(diff_of(name, path=_path_of(name))))
        for name in sorted(names)
    ]


def _path_of(name: str) -> Path:
    return Path(*name.rpartition(".")[0].split(".")).with_suffix(".py")


def main(arguments: Sequence[str] | None = None) -> int:
    """0: enough is killed in every package, and the list is not stale."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="a package, module or pattern")
    parser.add_argument("--listed", action="store_true", help="tell of the last run, run nothing")
    options = parser.parse_args(arguments)
    wanted = options.only or PACKAGES
    found: dict[str, Fate] = {}
    alive: list[Mutant] = []
    for package in PACKAGES:
        for pattern in (f"{name}*" for name in wanted if name.startswith(package)):
            if not options.listed and pattern == f"{package}*":
                shutil.rmtree(ROOT / "mutants" / package, ignore_errors=True)
            part = fates(package, pattern) if options.listed else run(package, pattern)
            alive += living(package, (name for name, fate in part.items() if fate != "killed"))
            found |= part
    known = msgspec.yaml.decode(EQUIVALENT.read_bytes(), type=list[Equivalent])
    asked = [each for each in known if any(fnmatch(each.function, f"{name}*") for name in wanted)]
    sorted_out = sort_out(alive, asked)
    print(report(found, sorted_out))
    return 0 if held(found, sorted_out) else 1


def held(found: Mapping[str, Fate], sorted_out: Sorted) -> bool:
    """Enough is killed in every package, and the list is not stale."""
    return not sorted_out.stale and all(row[-1] >= LEAST_SHARE for row in rows(found, sorted_out))


def rows(found: Mapping[str, Fate], sorted_out: Sorted) -> list[tuple[str, int, int, int, int, float]]:
    """Of each package: mutants, killed, equivalent, survivors, share."""
    made = []
    for package in PACKAGES:
        of = f"{package}."
        mutants = sum(name.startswith(of) for name in found)
        equivalent = sum(mutant.name.startswith(of) for mutant, _ in sorted_out.known)
        survivors = sum(mutant.name.startswith(of) for mutant in sorted_out.survivors)
        killed = mutants - equivalent - survivors
        if mutants:
            made.append(
                (package, mutants, killed, equivalent, survivors, share(mutants, equivalent, survivors))
            )
    return made


def report(found: Mapping[str, Fate], sorted_out: Sorted) -> str:
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
