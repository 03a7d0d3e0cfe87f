"""`python -m benchmarks.change_points`: how well changes of level are found in made series, beside Apache
Otava.

Made series are 24 to 90 runs long, with 0, 1 or 2 shifts of 1.5 to 5 standard deviations, at least 6 runs
apart; a quarter each with normal, log-normal and heavy-tailed (Student's t, 3 degrees of freedom) noise, and
with normal noise and one to three single spikes of 6 to 15 standard deviations. A change is found within two
runs of where it is. F1 = 2 found / (2 found + invented + missed).

`--otava PYTHON`: the Python of an environment of its own that has apache-otava (it pins other versions of
numpy and pytz): it is then given the same series, at its own default and at two other limits of significance.
Exit status: 0 unless Otava's best F1 is higher, then 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks.row import machine
from drill.statistics import change_points

NOISES = ("normal", "log-normal", "heavy tails", "spikes")
WITHIN_RUNS = 2
LEAST_APART = 6
OTAVA_LIMITS = (0.0001, 0.001, 0.01)
OTAVA = """
import json, sys
from otava.analysis import compute_change_points
limit, series = json.load(sys.stdin)
json.dump([[int(c.index) for c in compute_change_points(s, max_pvalue=limit)[0]] for s in series], sys.stdout)
"""


class Made(NamedTuple):
    """A series and the indexes at which its level changes."""

    values: list[float]
    changes: list[int]


class Counts(NamedTuple):
    found: int
    invented: int
    missed: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.found / (2 * self.found + self.invented + self.missed)


def made(count: int, seed: int) -> list[Made]:
    """`count` series, their noises in turn."""
    random = np.random.default_rng(seed)
    return [_one(random, NOISES[number % len(NOISES)]) for number in range(count)]


def _one(random: np.random.Generator, noise: str) -> Made:
    length = int(random.integers(24, 91))
    changes: list[int] = []
    while True:
        changes = sorted(
            int(each) for each in random.integers(LEAST_APART, length - 5, random.integers(0, 3))
        )
        edges = [0, *changes, length]
        if all(end - start >= LEAST_APART for start, end in pairwise(edges)):
            break
    values = 20 + _noise(random, noise, length)
    for change in changes:
        values[change:] += random.choice([-1, 1]) * random.uniform(1.5, 5)
    return Made(values.tolist(), changes)


def _noise(random: np.random.Generator, noise: str, length: int) -> np.ndarray:
    """With a standard deviation of about 1."""
    if noise == "log-normal":
        return (random.lognormal(0, 0.5, length) - np.exp(0.125)) / 0.6
    if noise == "heavy tails":
        return random.standard_t(3, length) / np.sqrt(3)
    values = random.normal(0, 1, length)
    if noise == "spikes":
        where = random.choice(length, int(random.integers(1, 4)), replace=False)
        values[where] += random.uniform(6, 15, len(where))
    return values


def counted(series: Sequence[Made], answers: Sequence[Sequence[int]]) -> Counts:
    """What the answers found, invented and missed."""
    found = invented = missed = 0
    for one, answer in zip(series, answers, strict=True):
        left = list(answer)
        for change in one.changes:
            near = min(left, key=lambda each: abs(each - change), default=None)
            if near is not None and abs(near - change) <= WITHIN_RUNS:
                left.remove(near)
                found += 1
            else:
                missed += 1
        invented += len(left)
    return Counts(found, invented, missed)


def drill_answers(series: Sequence[Made]) -> list[list[int]]:
    """What drill finds."""
    return [[each.index for each in change_points(one.values)] for one in series]


def otava_answers(python: str, limit: float) -> Callable[[Sequence[Made]], list[list[int]]]:
    """What Otava finds, in its own environment."""

    def answer(series: Sequence[Made]) -> list[list[int]]:
        done = subprocess.run(
            [python, "-c", OTAVA],
            input=json.dumps([limit, [one.values for one in series]]),
            capture_output=True,
            text=True,
            check=True,
        )
        found: list[list[int]] = json.loads(done.stdout)
        return found

    return answer


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.change_points")
    parser.add_argument("--series", type=int, default=400, metavar="N", help="made series (400)")
    parser.add_argument("--seed", type=int, default=20, metavar="N", help="they are made from (20)")
    parser.add_argument("--otava", metavar="PYTHON", help="the Python of an environment with apache-otava")
    given = parser.parse_args(arguments)
    series = made(given.series, given.seed)
    unchanged = [one for one in made(given.series * 2, given.seed + 1) if not one.changes]
    ways: dict[str, Callable[[Sequence[Made]], list[list[int]]]] = {"drill": drill_answers}
    if given.otava:
        ways |= {f"otava, p < {limit:g}": otava_answers(given.otava, limit) for limit in OTAVA_LIMITS}
    print(f"{machine()}\npython -m benchmarks.change_points {' '.join(arguments)}\n")
    print(f"{'':>16}  {'F1':>6}  {'found':>6} {'invented':>9} {'missed':>7}", end="")
    print("".join(f"  F1 {noise:<12}" for noise in NOISES) + "  said to change of those that never did")
    scores = {}
    for name, way in ways.items():
        start = time.monotonic()
        answers = way(series)
        seconds = time.monotonic() - start
        whole = counted(series, answers)
        parts = [
            counted(series[each :: len(NOISES)], answers[each :: len(NOISES)]) for each in range(len(NOISES))
        ]
        wrong = sum(1 for each in way(unchanged) if each) / len(unchanged)
        scores[name] = whole.f1
        print(f"{name:>16}  {whole.f1:>6.3f}  {whole.found:>6} {whole.invented:>9} {whole.missed:>7}", end="")
        print("".join(f"  {part.f1:<15.3f}" for part in parts), end="")
        print(f"  {wrong:.1%} of {len(unchanged)}; {seconds / len(series) * 1000:.0f} ms a series")
    return int(max(scores.values()) > scores["drill"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
