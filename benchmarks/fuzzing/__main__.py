"""`python -m benchmarks.fuzzing`: every reader against spoiled input. Exit status 1 where anything went
wrong.

Each failure is printed with the number of an input; `--only FAMILY --show NUMBER` prints that input.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.fuzzing.examine import examine, input_of
from benchmarks.fuzzing.families import FAMILIES


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; 0 where nothing went wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzzing", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="for each family (100000)")
    parser.add_argument("--seed", default="drill", help="other inputs (drill)")
    parser.add_argument("--only", action="append", choices=[family.name for family in FAMILIES])
    parser.add_argument("--first", type=int, default=0, help="number of the first input (0)")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="print the input of that number")
    options = parser.parse_args(arguments)
    chosen = [family for family in FAMILIES if not options.only or family.name in options.only]
    if options.show is not None:
        sys.stdout.buffer.write(input_of(chosen[0], options.seed, options.show))
        return 0
    failed = False
    with tempfile.TemporaryDirectory(prefix="drill-fuzz-") as folder:
        for family in chosen:
            found = examine(family, options.inputs, options.seed, Path(folder) / family.name, options.first)
            print(found.line(), flush=True)
            for failure, numbers in found.failures.items():
                print(f"    {len(numbers)} times, first input {numbers[0]}: {failure}", flush=True)
            failed = failed or bool(found.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
