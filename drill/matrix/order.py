"""Which pairs of a fault and a procedure are drilled, and which first, so that a table that is broken off
says most. Flows in: pairs. Flows out: fewer of them, in an order.

A cell of the table is a fault and a section. First each cell of the emergency sections (their heading states
a severity), chapter by chapter, then of the others, then second procedures of a cell. Within these each fault
gets one section more in every round, another one than its neighbours get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from drill.matrix.crossing import CrossedFault, Crossing

_Tier = tuple[int, bool, int]


def emergencies_once(crossings: Sequence[Crossing]) -> list[Crossing]:
    """Of each fault nobody, and one procedure of each emergency section; of each section where the runbook
    has no emergency section."""
    emergency = any(each.procedure is not None and each.procedure.emergency for each in crossings)
    return [
        each
        for each in crossings
        if each.procedure is None or (each.rank == 0 and (each.procedure.emergency or not emergency))
    ]


def in_order(
    crossings: Sequence[Crossing], waiting: Iterable[Crossing], known: Callable[[CrossedFault], bool]
) -> list[Crossing]:
    """Those that are `waiting`, nobody right before the first pair of the same fault. `known`: what happens
    alone is known of that fault already; of such a pair is decided at once, so in each round they come
    first."""
    left = set(waiting)
    found: list[Crossing] = []
    for pair in _pairs(crossings, known):
        if pair not in left:
            continue
        alone = Crossing(pair.fault, None)
        if alone in left and alone not in found:
            found.append(alone)
        found.append(pair)
    return found


def _pairs(crossings: Sequence[Crossing], known: Callable[[CrossedFault], bool]) -> Iterator[Crossing]:
    faults = list(dict.fromkeys(each.fault for each in crossings))
    pairs = [each for each in crossings if each.procedure is not None]
    for tier in sorted({_tier(each) for each in pairs}):
        of_fault = {
            fault: [each for each in pairs if each.fault == fault and _tier(each) == tier] for fault in faults
        }
        for turn in range(max(map(len, of_fault.values()))):
            once = [
                (fault, cells[(number + turn) % len(cells)])
                for number, (fault, cells) in enumerate(of_fault.items())
                if turn < len(cells)
            ]
            yield from (pair for fault, pair in once if known(fault))
            yield from (pair for fault, pair in once if not known(fault))


def _tier(crossing: Crossing) -> _Tier:
    assert crossing.procedure is not None
    emergency = crossing.procedure.emergency
    return crossing.rank, not emergency, crossing.procedure.chapter_line if emergency else 0
