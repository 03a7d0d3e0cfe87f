"""The runbook's status page updates, by the operator's own curl, at a page of this machine: as first written,
and as corrected.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drill.conduct.status_page import StatusPage
from drill.conduct.world import with_status_page
from drill.operate import ProcedureResult, World
from drill.recording.events import CommandFinished, StatusPageTold
from drill.runbook import load_errata, parse
from drill.settings import load

ROOT = Path(__file__).parents[3]
AS_FIRST_WRITTEN = ROOT / "runbook" / "as-first-written.md"
CORRECTED = ROOT / "runbook" / "operations-runbook.md"
TOKEN = "of-this-test"
REFUSED_BY_CURL = 22


@pytest.fixture
def page(place: Any) -> Iterator[StatusPage]:
    host = load(ROOT / "drill.toml").communication.status_page
    assert host is not None
    page = StatusPage(host, TOKEN, place.recorder.record)
    yield page
    page.close()


def update(place: Any, page: StatusPage, runbook: Path, **values: str) -> ProcedureResult:
    world = with_status_page(World(kubeconfig=place.kubeconfig), page)
    given = {"page_id": "p1", "incident_id": "i1", "token": TOKEN, **values}
    result: ProcedureResult = place.operator(world).follow(
        "Status Page Updates", [parse(runbook).step("Status Page Updates")], given
    )
    return result


def last_shows(place: Any, identity: str) -> bool:
    """Whether the last command shows that defect, by the errata's own evidence."""
    defect = next(each for each in load_errata(ROOT / "runbook" / "errata.yaml") if each.id == identity)
    return bool(defect.proven_by(place.events(CommandFinished)[-1:]))


def test_as_corrected_the_page_says_what_it_was_told(place: Any, page: StatusPage) -> None:
    first = update(place, page, CORRECTED, status="identified", text="We+know+why.")
    assert first.status == 0
    assert update(place, page, CORRECTED, status="resolved", text="All+is+well.").status == 0
    assert place.events(StatusPageTold) == [
        StatusPageTold("p1", "i1", "identified", "We know why.", 200),
        StatusPageTold("p1", "i1", "resolved", "All is well.", 200),
    ]


def test_as_corrected_a_refusal_is_an_error(place: Any, page: StatusPage) -> None:
    refused = update(place, page, CORRECTED, token="of-yesterday", status="resolved", text="Over.")
    assert refused.status == REFUSED_BY_CURL
    assert "Could not authenticate" in refused.commands[-1].output
    unknown = update(place, page, CORRECTED, status="over", text="Over.")
    assert unknown.status == REFUSED_BY_CURL
    assert [each.answered for each in place.events(StatusPageTold)] == [401, 422]


def test_as_first_written_a_refusal_looks_like_an_update(place: Any, page: StatusPage) -> None:
    update(place, page, AS_FIRST_WRITTEN, token="of-yesterday")
    assert last_shows(place, "RB-040")
    assert place.events(StatusPageTold)[-1].answered == 401
    update(place, page, AS_FIRST_WRITTEN)
    assert not last_shows(place, "RB-040")


def test_as_first_written_the_text_is_lost_and_the_status_fixed(place: Any, page: StatusPage) -> None:
    update(place, page, AS_FIRST_WRITTEN)
    assert last_shows(place, "RB-045")
    assert place.events(StatusPageTold) == [StatusPageTold("p1", "i1", "investigating", "", 200)]


def test_what_is_no_incident_is_not_found_and_not_recorded(place: Any, page: StatusPage) -> None:
    lost = update(place, page, CORRECTED, incident_id="i1/elsewhere", status="resolved", text="Over.")
    assert lost.status == REFUSED_BY_CURL
    assert place.events(StatusPageTold) == []


def test_nobody_listens_any_more_and_nothing_is_left(place: Any, page: StatusPage) -> None:
    other = StatusPage(page.name, TOKEN, place.recorder.record)
    folder = other.certificate.parent
    other.close()
    assert not folder.exists()
    with pytest.raises(FileNotFoundError):
        with_status_page(World(kubeconfig=place.kubeconfig), other)
