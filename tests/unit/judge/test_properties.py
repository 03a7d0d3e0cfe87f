"""What holds for every drill: an outage never improves a verdict, records that are absent never make a pass,
and their order does not matter."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some
from recorded_drill import END, INJECTED, PER_SECOND, START, RecordedDrill, command, criterion

from drill.judge import DrillVerdict, judge

COUNT = int((END - START) * PER_SECOND)
EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
tenths = some.integers(0, 600).map(lambda tenth: START + tenth / 10)


@some.composite
def stretches(draw: some.DrawFn, most: int = 3) -> list[tuple[float, float]]:
    """Up to `most` stretches of a drill."""
    starts = draw(some.lists(tenths, max_size=most))
    return [(start, start + draw(some.integers(1, 150)) / 10) for start in starts]


@some.composite
def drills(draw: some.DrawFn) -> RecordedDrill:
    """Drills that pass, fail and leave in doubt, in all the ways that a recording of this length can."""
    begun = draw(some.integers(1005, 1040))
    return RecordedDrill(
        Path(tempfile.mkdtemp(prefix="drill-properties-")) / "drill",
        outages=draw(stretches()),
        slowness=draw(stretches(most=1)),
        failing=set(draw(some.lists(some.integers(0, COUNT - 1), max_size=6))),
        procedure=draw(some.sampled_from([None, (float(begun), begun + 4.0), (float(begun), None)])),
        commands=[command(52, "kubectl apply", draw(some.sampled_from([0, 0, 0, 1])))],
        changes=draw(some.sampled_from([None, [], [begun + 1.0]])),
        on_its_way=draw(some.sampled_from([None, [], ["rollout"]])),
        unnoticed=draw(some.sampled_from([None, None, 5.0])),
        closed=draw(some.booleans()),
        load_ended=draw(some.sampled_from([0, 0, 0, -9, None])),
    )


def _criteria(verdict: DrillVerdict) -> dict[str, str]:
    return {each.name: each.verdict for each in verdict.criteria}


@EXAMPLES
@given(drills(), some.data())
def test_records_that_are_absent_never_make_a_pass(drill: RecordedDrill, data: some.DataObject) -> None:
    before = drill.judged()
    first = data.draw(some.integers(0, COUNT - 1))
    count = data.draw(some.sampled_from([1, 10, 200, COUNT]))
    drill.absent = set(range(first, min(COUNT, first + count)))
    after = drill.judged()
    if before.verdict in ("fail", "inconclusive"):
        assert after.verdict not in ("pass", "not noticed")
    for name, outcome in _criteria(after).items():
        if _criteria(before).get(name) in ("fail", "inconclusive"):
            assert outcome != "pass", name
    assert (before.credit, after.credit) not in (("nobody", "platform"), ("not measured", "runbook"))


@EXAMPLES
@given(drills(), tenths, some.integers(1, 150))
def test_an_outage_never_improves_a_verdict(drill: RecordedDrill, start: float, tenths_long: int) -> None:
    before = drill.judged()
    assume(before.verdict != "setup")  # users who are out before the fault
    start = max(start, INJECTED)
    drill.outages = [*drill.outages, (start, start + tenths_long / 10)]
    after = drill.judged()
    if before.verdict in ("fail", "inconclusive"):
        assert after.verdict not in ("pass", "not noticed")
    if after.recovered_seconds is not None and before.recovered_seconds is not None:
        assert after.recovered_seconds >= before.recovered_seconds
    if before.outages and before.recovered_seconds is None:
        assert after.recovered_seconds is None or start + tenths_long / 10 >= END - 10
    assert after.out_seconds >= before.out_seconds - 1e-9
    if criterion(before, "error_rate").verdict != "pass" and before.outages:
        assert criterion(after, "error_rate").verdict != "pass" or after.recovered_seconds is not None


@EXAMPLES
@given(drills(), some.integers(0, 1000))
def test_the_order_of_records_does_not_matter(drill: RecordedDrill, seed: int) -> None:
    folder, random = drill.write(), Random(seed)
    before = msgspec.json.encode(judge(folder))
    for name in ("recording.jsonl", "requests.jsonl"):
        lines = (folder / name).read_bytes().splitlines()
        random.shuffle(lines)
        (folder / name).write_bytes(b"\n".join(lines) + b"\n")
    assert msgspec.json.encode(judge(folder)) == before


@EXAMPLES
@given(drills(), some.integers(0, COUNT - 1))
def test_a_record_that_is_there_twice_never_makes_a_pass(drill: RecordedDrill, index: int) -> None:
    before = drill.judged().verdict
    again = replace(drill, twice={index}).judged().verdict
    assert again not in ("pass", "not noticed") or before in ("pass", "not noticed")
