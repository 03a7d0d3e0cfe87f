"""The rows of the page: their order, their small pictures, the matrix, and room for transcripts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_struct
from recorded_runs import AS_CORRECTED, AS_WRITTEN, CONTROL, SURPRISE, Shape, make_run

from drill.judge.verdict import DrillVerdict, Gain, HitRate, Outage, Unmeasured
from drill.report import transcripts as transcripts_module
from drill.report import write_report
from drill.report.chapters import ChapterPlace, Contents, chapters, sections
from drill.report.matrix import MatrixEntry, matrix
from drill.report.strips import BEFORE_PERCENT, Axis, common_axis, strip
from drill.report.transcripts import room_for_each, transcripts
from drill.report.words import outcome
from drill.run.facts import Role, read_facts
from drill.run.stored import read_recordings

RUNBOOK = """# Operations

## 1. Service Completely Down (P0)
words

## High Error Rate (P1)
words

## Database Recovery
words
"""
TEXTS: dict[tuple[Role, str], str] = {("runbook", "runbook/operations-runbook.md"): RUNBOOK}


def _verdict(tmp_path: Path, shape: Shape) -> DrillVerdict:
    return make_run(tmp_path / shape.drill, [shape])[1][0]


def _headings(page: str) -> list[str]:
    found = re.findall(r"<h2>(.*?)</h2>", page[page.index('id="drills"') : page.index('id="line-by-line"')])
    return [re.sub(r"<[^>]*>", "", heading) for heading in found]


def test_what_deviates_is_first_then_the_chapters_in_the_runbooks_order(tmp_path: Path) -> None:
    shapes = [AS_WRITTEN, AS_CORRECTED, Shape(), SURPRISE, CONTROL]
    folder, verdicts = make_run(tmp_path, shapes, texts=TEXTS)
    write_report(folder, verdicts)
    assert _headings((folder / "index.html").read_text()) == [
        "Not as expected 1",
        "1. Service Completely Down (P0) 1",
        "Database Recovery 2",
    ]


def test_a_control_that_deviates_takes_its_drill_to_the_front(tmp_path: Path) -> None:
    folder, verdicts = make_run(
        tmp_path, [AS_CORRECTED, Shape(), replace(CONTROL, verdict="pass")], texts=TEXTS
    )
    write_report(folder, verdicts)
    assert _headings((folder / "index.html").read_text()) == ["Not as expected 1", "Database Recovery 1"]


def test_what_failed_stands_before_what_is_open(tmp_path: Path) -> None:
    shapes = [
        replace(Shape(), drill=verdict, scenario=f"ends {verdict}", verdict=verdict)
        for verdict in ("setup", "inconclusive", "fail")
    ]
    folder, verdicts = make_run(tmp_path, shapes, texts=TEXTS)
    write_report(folder, verdicts)
    rows = re.findall(r"<h3><a[^>]*>(ends \w+)<", (folder / "index.html").read_text())
    assert rows == ["ends fail", "ends inconclusive", "ends setup"]


def test_a_feature_of_another_name_stands_where_its_procedure_does(tmp_path: Path) -> None:
    other = replace(Shape(), drill="x", feature="Scaling", procedure="High Error Rate / block")
    nowhere = replace(Shape(), drill="y", feature="Elsewhere", procedure="Nothing / block")
    folder, verdicts = make_run(tmp_path, [other, nowhere, AS_WRITTEN], texts=TEXTS)
    recordings = read_recordings(folder, verdicts)
    contents = Contents(folder, read_facts(folder))
    found = chapters(contents, verdicts, recordings)
    assert found["x"] == ChapterPlace("Scaling", 6)
    assert found["y"].line is None
    assert found[AS_WRITTEN.drill] == ChapterPlace("Database Recovery", 9)
    assert sections(contents, recordings["x"]) == [ChapterPlace("High Error Rate (P1)", 6)]


def test_a_run_without_a_runbook_has_chapters_all_the_same(tmp_path: Path) -> None:
    folder, verdicts = make_run(tmp_path, [Shape()])
    found = chapters(Contents(folder, read_facts(folder)), verdicts, read_recordings(folder, verdicts))
    assert found["scaled-to-zero"] == ChapterPlace("Service Completely Down (P0)", None)


def test_the_axis_keeps_the_order_and_fits_the_longest(tmp_path: Path) -> None:
    axis = common_axis([_verdict(tmp_path, Shape()), _verdict(tmp_path, AS_WRITTEN)])
    assert axis.end == 60.0
    places = [axis.at(seconds) for seconds in (-1.0, 0.0, 1.0, 9.0, 30.0, 60.0, 90.0)]
    assert places == sorted(places)
    assert (places[1], places[-2], places[-1]) == (BEFORE_PERCENT, 100.0, 100.0)
    assert [text for _, text in Axis(7200.0).ticks][:2] == ["0", "30 s"]
    distances = [b - a for (a, _), (b, _) in zip(Axis(7200.0).ticks, Axis(7200.0).ticks[1:], strict=False)]
    assert min(distances) >= 11
    assert [text for _, text in Axis(127.0).ticks] == ["0", "10 s", "30 s", "60 s"], (
        "2 min would stand on 60 s"
    )


def test_a_strip_shows_out_and_back_and_says_so(tmp_path: Path) -> None:
    axis = Axis(60.0)
    shown = strip(_verdict(tmp_path, Shape()), axis)
    assert shown is not None
    assert [part.kind for part in shown.stretches] == ["served", "out", "back"]
    assert shown.stretches[1].left == axis.at(0.42)
    assert shown.stretches[1].left + shown.stretches[1].width == pytest.approx(axis.at(19.4))
    assert shown.words == "Users out from 420 ms to 19.4 s; recovered at 19.4 s; watched for 48 s"


def test_a_strip_of_users_who_stay_out_ends_out(tmp_path: Path) -> None:
    shown = strip(_verdict(tmp_path, AS_WRITTEN), Axis(60.0))
    assert shown is not None
    assert [part.kind for part in shown.stretches] == ["served", "out"]
    assert shown.stretches[1].left + shown.stretches[1].width == pytest.approx(100.0)
    assert shown.words == "Users out from 300 ms to the end; watched for 60 s"


def test_slow_and_unmeasured_are_told_apart_from_out(tmp_path: Path) -> None:
    verdict = replace_struct(
        _verdict(tmp_path, Shape()),
        outages=[Outage("slow", 1.0, 5.0)],
        unmeasured=[Unmeasured(6.0, 7.0, 10, "the load was late")],
    )
    shown = strip(verdict, Axis(60.0))
    assert shown is not None
    assert [part.kind for part in shown.stretches] == ["served", "slow", "unmeasured", "back"]
    assert "not measured from 6 s to 7 s" in shown.words


def test_nothing_watched_is_no_strip(tmp_path: Path) -> None:
    verdict = replace_struct(
        _verdict(tmp_path, Shape()), outages=[], recovered_seconds=None, watched_seconds=0.0
    )
    assert strip(verdict, Axis(60.0)) is None


@pytest.mark.parametrize(
    ("ratio", "changed"),
    [((0.6, 0.99), "shorter"), ((1.01, 1.4), "longer"), ((0.9, 1.1), "not told apart")],
)
def test_what_was_gained_is_one_line_of_the_page_and_of_the_summary(
    tmp_path: Path, ratio: tuple[float, float], changed: str
) -> None:
    folder, verdicts = make_run(tmp_path, [Shape(), AS_CORRECTED], texts=TEXTS)
    gain = Gain(0.95, 0.012, (0.0101, 0.014), 0.009, (0.008, 0.01), ratio)
    write_report(folder, [replace_struct(verdicts[0], gain=gain), verdicts[1]])
    line = f"p95 before 12 ms (10.1 ms – 14 ms), after 9 ms (8 ms – 10 ms): {changed}"
    assert (folder / "index.html").read_text().count(f'<p class="said">{line}</p>') == 1
    assert (folder / "summary.md").read_text().count("p95 before") == 1
    assert f"\n- {verdicts[0].scenario}: {line}\n" in (folder / "summary.md").read_text()


HIT_RATE = HitRate(0.982, (0.9751, 0.988), 0.99, (0.985, 0.994), (0.001, 0.015))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"hit_rate": HIT_RATE},
            "cache hit rate before 98.2 % (97.51 % – 98.8 %), after 99 % (98.5 % – 99.4 %): higher",
        ),
        ({"hit_rate": replace_struct(HIT_RATE, difference=(-0.02, -0.001))}, "): lower"),
        ({"hit_rate": replace_struct(HIT_RATE, difference=(-0.001, 0.015))}, "): not told apart"),
        (
            {"hit_rate_why": "40 lookups before, fewer than 100"},
            "cache hit rate not measured: 40 lookups before, fewer than 100",
        ),
    ],
)
def test_how_often_the_cache_answered_is_a_line_of_its_own(
    tmp_path: Path, changes: dict[str, object], line: str
) -> None:
    folder, verdicts = make_run(tmp_path, [Shape(), AS_CORRECTED], texts=TEXTS)
    gain = Gain(0.95, 0.012, (0.0101, 0.014), 0.009, (0.008, 0.01), (0.9, 1.1))
    write_report(folder, [replace_struct(verdicts[0], gain=gain, **changes), verdicts[1]])
    page, summary = (folder / "index.html").read_text(), (folder / "summary.md").read_text()
    (shown,) = re.findall(r'<p class="said">(cache hit rate .*)</p>', page)
    assert shown.endswith(line)
    assert page.count('<p class="said">p95 before') == 1
    assert f"\n- {verdicts[0].scenario}: {shown}\n" in summary
    assert (summary.count("p95 before"), summary.count("cache hit rate")) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "proves", "word"),
    [
        ({}, (), "recovers"),
        ({}, ("RB-001",), "proves a defect"),
        ({"verdict": "fail"}, (), "not as expected"),
        ({"verdict": "inconclusive"}, (), "inconclusive"),
        ({"verdict": "setup"}, (), "could not be carried out"),
        ({"verdict": "not noticed", "expected": "not noticed"}, (), "nobody noticed"),
        ({"verdict": "fail", "expected": "fail", "recovered_seconds": None}, (), "stays out"),
        ({"recovered_seconds": None, "outages": []}, (), "served throughout"),
    ],
)
def test_one_word_by_which_to_choose(
    tmp_path: Path, changes: dict[str, object], proves: tuple[str, ...], word: str
) -> None:
    verdict = replace_struct(_verdict(tmp_path, Shape()), **changes)
    assert outcome(verdict, proves) == word


SECTION = ChapterPlace("Service Completely Down", 3)


def _cell(tmp_path: Path, **changes: object) -> MatrixEntry:
    drill = replace_struct(_verdict(tmp_path, Shape()), **changes)
    control = _verdict(tmp_path, CONTROL)
    shown = matrix([drill, control], {drill.drill: [SECTION]})
    assert shown.sections == [SECTION]
    ((row),) = shown.rows
    assert [entry.words for entry in row.alone] == ["stays out"]
    (entry,) = row.cells[0]
    return entry


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({}, "helps", "helps: 19.4 s"),
        ({"credit": "platform"}, "harmless", "by itself: 19.4 s"),
        ({"credit": "too close to tell"}, "open", "back in 19.4 s, by whom is open"),
        ({"recovered_seconds": None}, "open", "stays out"),
        ({"verdict": "not noticed"}, "harmless", "nobody notices"),
        ({"outages": []}, "harmless", "served throughout"),
        ({"outages": [], "verdict": "inconclusive"}, "open", "inconclusive"),
        ({"verdict": "setup"}, "open", "could not be carried out"),
    ],
)
def test_what_a_section_does_under_a_fault(
    tmp_path: Path, changes: dict[str, object], kind: str, words: str
) -> None:
    entry = _cell(tmp_path, **changes)
    assert (entry.kind, entry.words) == (kind, words)


def test_staying_out_where_nobody_acting_recovers_is_worse(tmp_path: Path) -> None:
    drill = replace_struct(_verdict(tmp_path, Shape()), recovered_seconds=None)
    control = replace_struct(_verdict(tmp_path, CONTROL), recovered_seconds=30.0)
    ((entry,),) = matrix([drill, control], {drill.drill: [SECTION]}).rows[0].cells
    assert (entry.kind, entry.words) == ("worse", "stays out, alone it recovers")


def test_a_drill_that_does_not_apply_is_not_in_the_matrix(tmp_path: Path) -> None:
    drill = replace_struct(_verdict(tmp_path, Shape()), verdict="not applicable")
    assert matrix([drill], {drill.drill: [SECTION]}).rows == []


def test_a_drill_that_broke_off_before_its_section_is_not_one_of_nobody_acting(tmp_path: Path) -> None:
    drill = replace_struct(_verdict(tmp_path, Shape()), verdict="setup")
    assert matrix([drill], {drill.drill: []}).rows == []
    control = replace_struct(_verdict(tmp_path, CONTROL), verdict="setup")
    ((alone,),) = [row.alone for row in matrix([control], {}).rows]
    assert alone.words == "could not be carried out"


@pytest.mark.parametrize(("deviating", "opened"), [(3, 3), (4, 0)])
def test_what_deviates_is_open_where_it_is_little(tmp_path: Path, deviating: int, opened: int) -> None:
    why = "users are still out"
    shapes = [replace(AS_WRITTEN, drill=f"d{n}", expected="pass", why=why) for n in range(deviating)]
    folder, verdicts = make_run(tmp_path, [*shapes, Shape()], texts=TEXTS)
    write_report(folder, verdicts)
    page = (folder / "index.html").read_text()
    assert page.count('<details class="full" open>') == opened
    assert page.count(f'<p class="says small">{why}</p>') == deviating


def test_short_transcripts_stay_whole_and_long_ones_share_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, size in enumerate((10, 500, 900)):
        (tmp_path / str(number) / "transcripts").mkdir(parents=True)
        (tmp_path / str(number) / "transcripts" / "a.txt").write_text("x" * (size - 3) + "end")
    folders = [tmp_path / str(number) for number in range(3)]
    assert room_for_each(folders) == transcripts_module.MOST_CHARACTERS
    monkeypatch.setattr(transcripts_module, "MOST_CHARACTERS_OF_ALL", 810)
    assert room_for_each(folders) == 400
    shown = [transcripts(folder, 400)[0] for folder in folders]
    assert [(len(each.text), each.omitted) for each in shown] == [(10, 0), (400, 100), (400, 500)]
    assert all(each.text.endswith("end") for each in shown)
