"""Makes the mutants of one package and runs its tests on each. Flows in: the package, its tests, what a run
before found. Flows out: mutants/PACKAGE/fates.json, written while it runs.

    python -m benchmarks.mutants_run drill.judge [--workers 2] [--sample 1] [PATTERN ...]

mutmut makes the mutants; here is how they are run. One process collects the package's own tests and runs them
once to see which function each of them reaches. It forks for every mutant: the child switches the mutant on,
runs the tests that reach its function, and ends at the first that fails. So nothing is imported or collected
twice, and a mutant costs as long as its tests.

Each module's mutants are run in a random order that is always the same, all modules side by side: `--sample
0.25` runs the first quarter of each, and what a run has found when it is stopped is a sample, too. A run goes
on where it was stopped: a fate is kept as long as neither drill nor the package's tests
are different. Otherwise the test that killed a mutant last time is asked first.

Time is the processor's, not the clock's, so that a busy machine kills no mutant. One that takes its share is
run again alone with three times as much; if it does not end then either, whoever runs the tests notices:
killed, and `by` says so.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import math
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any

import libcst
import msgspec
import pytest

ROOT = Path(__file__).resolve().parents[1]
SEED = 6
WRITE_EVERY_SECONDS = 10
LEAST_CPU_SECONDS = 6.0
CPU_FACTOR = 10.0
WALL_SECONDS = 1200.0
MEMORY_BYTES = 6 * 2**30
ENDLESS = "(does not end)"
DIED = "(takes the tests' process with it)"


class Fate(msgspec.Struct, frozen=True):
    """What became of a mutant: `is_killed` or not by the tests of `tests` (a digest of drill and them);
    `by`: the test that failed, "" where none did; `reached`: whether any test reaches its function."""

    is_killed: bool
    by: str
    reached: bool
    tests: str


class Found(msgspec.Struct):
    """All that is known of a package's mutants; `made`: all that there are."""

    fates: dict[str, Fate] = {}
    made: list[str] = []


def folder_of(package: str) -> Path:
    """Where a package is mutated."""
    return ROOT / "mutants" / package


def read(package: str) -> Found:
    """What the last run found, or nothing."""
    path = folder_of(package) / "fates.json"
    return msgspec.json.decode(path.read_bytes(), type=Found) if path.is_file() else Found()


# making


class _Undecorated(libcst.CSTTransformer):
    """`@property def f` is `def f` and `f = property(f)`: mutmut mutates no function with a decorator."""

    def leave_FunctionDef(
        self, original_node: libcst.FunctionDef, updated_node: libcst.FunctionDef
    ) -> libcst.FunctionDef | libcst.FlattenSentinel[libcst.BaseStatement]:
        names = [each.decorator for each in updated_node.decorators]
        if len(names) != 1 or not isinstance(names[0], libcst.Name):
            return updated_node
        if names[0].value not in ("property", "cached_property"):
            return updated_node
        name = updated_node.name.value
        wrapped = libcst.parse_statement(f"{name} = {names[0].value}({name})\n")
        assert isinstance(wrapped, libcst.SimpleStatementLine)
        return libcst.FlattenSentinel([updated_node.with_changes(decorators=[]), wrapped])


def undecorated(source: str) -> str:
    """The same module, its properties made of functions that mutmut mutates."""
    return libcst.parse_module(source).visit(_Undecorated()).code


def make(package: str) -> list[str]:
    """Write a copy of drill in which the package holds all of its mutants; their names."""
    mutate = import_module("mutmut.mutation.file_mutation").mutate_file_contents
    spans = import_module("mutmut.mutation.data").MutantLineSpans
    name_of = import_module("mutmut.utils.format_utils").get_mutant_name
    copy = folder_of(package) / "mutants" / "drill"
    shutil.rmtree(copy, ignore_errors=True)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "drill", copy, ignore=shutil.ignore_patterns("__pycache__"))
    names = []
    os.chdir(folder_of(package))  # spans are written in ./mutants
    for source in sorted((copy / package.rpartition(".")[2]).rglob("*.py")):
        path = source.relative_to(copy.parent)
        mutated = mutate(str(path), undecorated(source.read_text(encoding="utf-8")))
        source.write_text(mutated.code, encoding="utf-8")
        spans(path=path, span_by_function_name=mutated.line_span_by_function_name).save()
        names += [name_of(path, each) for each in mutated.mutant_names]
    return names


def digest(package: str) -> str:
    """Of all that decides whether a mutant is killed: drill and the tests of the package."""
    folders = [ROOT / "drill", ROOT / "tests" / "unit" / package.rpartition(".")[2]]
    files = sorted(path for folder in folders for path in folder.rglob("*.py"))
    whole = hashlib.sha256()
    for path in files:
        whole.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()[:16]


def drawn(names: Sequence[str], share: float) -> list[str]:
    """That share of each module's mutants, at random but the same each time; whatever comes first of them is
    a sample as well."""
    by_module = defaultdict(list)
    for name in names:
        by_module[name.rpartition(".")[0]].append(name)
    placed = []
    for of_module in by_module.values():
        of_module.sort(key=lambda name: hashlib.sha256(f"{SEED} {name}".encode()).digest())
        count = len(of_module)
        placed += [(place / count, name) for place, name in enumerate(of_module[: math.ceil(share * count)])]
    return [name for _, name in sorted(placed)]


# running


@dataclass
class _Child:
    """A fork that runs the tests on one mutant; `pipe`: what it says, until it ends."""

    mutant: str
    pid: int
    pipe: int
    started: float


@dataclass
class Run:
    """A plugin of pytest that does its loop over the tests once for every mutant."""

    package: str
    wanted: Sequence[str]
    workers: int
    found: Found
    digest: str
    left: list[str] = field(default_factory=list)
    killers: Counter[str] = field(default_factory=Counter)
    by_function: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    items: dict[str, pytest.Item] = field(default_factory=dict)
    written: float = 0.0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Learn, then run every mutant."""
        self.items = {item.nodeid: item for item in session.items}
        self.learn()
        gc.collect()
        gc.freeze()
        self.left = [name for name in self.wanted if not self._is_known(name)]
        for name in [name for name in self.left if not self._tests(name)]:
            self._note(name, Fate(False, "", False, self.digest))
        self.left = [name for name in self.left if self._tests(name)]
        print(f"{self.package}: {len(self.wanted)} mutants, {len(self.left)} to run", file=sys.stderr)
        endless = self._run_all(self.left, self.workers, 1.0)
        for name in self._run_all(endless, 1, 3.0):
            self._note(name, Fate(True, ENDLESS, True, self.digest))
        self._write()
        return True

    def _is_known(self, name: str) -> bool:
        return name in self.found.fates and self.found.fates[name].tests == self.digest

    def _tests(self, mutant: str) -> list[str]:
        """The tests that reach a mutant: those that are likely to fail first, then the quick ones."""
        reaching = self.by_function.get(mutant.rpartition("__mutmut_")[0], [])
        last = self.found.fates[mutant].by if mutant in self.found.fates else ""
        of = mutant.rpartition("__mutmut_")[0]
        return sorted(
            reaching,
            key=lambda test: (
                test != last,
                -self.killers[f"{of} {test}"],
                -self.killers[test],
                self.seconds[test],
                test,
            ),
        )

    def learn(self) -> None:
        """Which function is reached by which tests, and how long those take. What they read is remembered
        for the forks."""
        failed = []
        state = import_module("mutmut.state").state()
        with _own_folder(self.items):
            for nodeid, item, following in _in_order(list(self.items), self.items):
                _switch("stats")
                state._stats.clear()
                before = time.process_time()
                if not _passes(item, following):
                    failed.append(nodeid)
                self.seconds[nodeid] = time.process_time() - before
                for function in state._stats:
                    self.by_function.setdefault(function, []).append(nodeid)
            _switch("fail")
            is_noticed = not _passes(self.items[min(self.by_function[max(self.by_function)])], None)
        _switch("")
        if failed:
            raise pytest.UsageError(f"without a mutant these tests fail: {failed}")
        if not is_noticed:
            raise pytest.UsageError("a mutant that raises at once is not noticed")

    def _run_all(self, names: Sequence[str], workers: int, patience: float) -> list[str]:
        """Run these mutants; those that took all of their time."""
        waiting, running, endless = list(reversed(names)), dict[int, _Child](), []
        begun, done = time.monotonic(), 0
        while waiting or running:
            while waiting and len(running) < workers:
                child = self._fork(waiting.pop(), patience)
                running[child.pipe] = child
            ready, _, _ = select.select(list(running), [], [], 1.0)
            for child in running.values():
                if time.monotonic() - child.started > patience * WALL_SECONDS:
                    os.kill(child.pid, signal.SIGXCPU)
            for pipe in ready:
                child = running.pop(pipe)
                if not self._end(child):
                    endless.append(child.mutant)
                done += 1
                if time.monotonic() - self.written > WRITE_EVERY_SECONDS:
                    self._write()
                    rate = done / (time.monotonic() - begun) * 60
                    known = [self.found.fates[each] for each in names if self._is_known(each)]
                    live = sum(not fate.is_killed for fate in known)
                    print(f"  {done} of {len(names)}, {rate:.0f} a minute, {live} live", file=sys.stderr)
        return endless

    def _fork(self, mutant: str, patience: float) -> _Child:
        tests = self._tests(mutant)
        usual = sum(self.seconds[each] for each in tests)
        limit = int(patience * max(LEAST_CPU_SECONDS, CPU_FACTOR * usual)) + 1
        reading, writing = os.pipe()
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _quiet()
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            _switch(mutant)
            with _own_folder(self.items):
                for nodeid, item, following in _in_order(tests, self.items):
                    if not _passes(item, following):
                        os.write(writing, nodeid.encode())
                        break
            os._exit(0)
        os.close(writing)
        return _Child(mutant, pid, reading, started)

    def _end(self, child: _Child) -> bool:
        """Note what became of it; false where it took all of its time."""
        with os.fdopen(child.pipe, "rb") as pipe:
            by = pipe.read().decode()
        _, status = os.waitpid(child.pid, 0)
        shutil.rmtree(_folder(child.pid), ignore_errors=True)
        code = os.waitstatus_to_exitcode(status)
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return False
        if by:
            self.killers[f"{child.mutant.rpartition('__mutmut_')[0]} {by}"] += 1
            self.killers[by] += 1
        elif code != 0:
            by = DIED
        self._note(child.mutant, Fate(bool(by), by, True, self.digest))
        return True

    def _note(self, mutant: str, fate: Fate) -> None:
        self.found.fates[mutant] = fate

    def _write(self) -> None:
        path = folder_of(self.package) / "fates.json"
        partial = path.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(self.found))
        partial.replace(path)
        self.written = time.monotonic()


def _in_order(
    tests: Sequence[str], items: dict[str, pytest.Item]
) -> Iterator[tuple[str, pytest.Item, pytest.Item | None]]:
    """Each test with the one that follows it, which pytest wants to know."""
    for number, test in enumerate(tests):
        following = items[tests[number + 1]] if number + 1 < len(tests) else None
        yield test, items[test], following


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    reports = import_module("_pytest.runner").runtestprotocol(item, nextitem=following, log=False)
    return not any(report.failed for report in reports)


def remember_requests() -> None:
    """The judge reads each recording of its tests once, not once for every mutant: drill.recording, which
    reads it, holds no mutant."""
    case: Any = import_module("drill.judge.case")
    read_requests, known = case.read_requests, dict[bytes, Any]()

    def remembered(path: Path) -> Any:
        written = hashlib.sha256(path.read_bytes() if path.exists() else b"").digest()
        if written not in known:
            known[written] = read_requests(path)
        return known[written]

    case.read_requests = remembered


def _switch(mutant: str) -> None:
    import_module("mutmut.mutation.trampoline").set_mutant_under_test(mutant)


def _quiet() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _folder(pid: int) -> Path:
    return Path(tempfile.gettempdir()) / f"drill-mutant-{pid}"


@contextlib.contextmanager
def _own_folder(items: dict[str, pytest.Item]) -> Iterator[None]:
    """tmp_path of the tests that run in this process lies in a folder of it alone."""
    folder = _folder(os.getpid())
    folder.mkdir(exist_ok=True)
    factory: Any = next(iter(items.values())).config
    factory._tmp_path_factory._basetemp = folder
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every mutant that was asked for has its fate."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants_run", description=__doc__)
    parser.add_argument("package")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sample", type=float, default=1.0, help="the share of each module's mutants")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="names of mutants with *")
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    settings = import_module("mutmut.configuration").config()
    names = make(options.package)
    found = read(options.package)
    found.fates = {name: found.fates[name] for name in names if name in found.fates}
    found.made = names
    patterns = options.patterns or ["*"]
    sample = drawn(names, options.sample)
    wanted = [name for name in sample if any(fnmatch(name, pattern) for pattern in patterns)]
    for each in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[each] = "1"
    sys.path.insert(0, str(folder_of(options.package) / "mutants"))
    drill = import_module("drill")
    if not Path(str(drill.__file__)).is_relative_to(folder_of(options.package)):
        raise SystemExit(f"the tests would run without mutants, on {drill.__file__}")
    if options.package == "drill.judge":
        remember_requests()
    os.chdir(ROOT)
    run = Run(options.package, wanted, options.workers, found, digest(options.package))
    selection = f"tests/unit/{options.package.rpartition('.')[2]}"
    return int(pytest.main(["-q", "--tb=no", selection, *settings.pytest_add_cli_args], plugins=[run]))


if __name__ == "__main__":
    sys.exit(main())
