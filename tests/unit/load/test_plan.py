"""The plan of the load: no slot left out, none sent twice, whoever carries it out."""

from __future__ import annotations

from collections import Counter

import pytest

from drill.errors import UsageError
from drill.load.plan import Mix, RequestKind, Share, allowed_host, fill, filled_from, read_back_path


@pytest.mark.parametrize("processes", [1, 3, 20])
def test_processes_share_every_slot_exactly_once(processes: int) -> None:
    first = 10_001
    slots = []
    for process in range(processes):
        share = Share(processes, process)
        share.begin(first - 1)
        while (slot := share.next()) < first + 600:
            slots.append(slot)
            share.last = slot
    assert sorted(slots) == list(range(first, first + 600))


def test_no_slot_comes_twice_when_the_number_of_processes_changes() -> None:
    share = Share(processes=3, process=1, last=1_001)
    assert share.next() == 1_003
    share.processes, share.process = 1, 0
    assert share.next() == 1_002


def test_weights_hold_exactly_in_each_block() -> None:
    mix = Mix([request("a", 40), request("b", 25), request("c", 10), request("d", 15), request("e", 10)])
    for start in (0, 20, 20_000):
        assert Counter(mix.at(slot).name for slot in range(start, start + 20)) == {
            "a": 8,
            "b": 5,
            "c": 2,
            "d": 3,
            "e": 2,
        }


def test_the_same_user_does_not_always_do_the_same() -> None:
    mix = Mix([request("a", 1), request("b", 1)])
    assert {mix.at(slot).name for slot in range(0, 200, 2)} == {"a", "b"}


def test_everyone_sees_the_same_mix() -> None:
    requests = [request("a", 3), request("b", 2)]
    one, other = Mix(requests), Mix(requests)
    assert [one.at(slot).name for slot in range(100)] == [
        other.at(slot).name for slot in reversed(range(100))
    ][::-1]


def test_unique_and_sequence_are_filled_in_and_other_braces_stay() -> None:
    body = '{"name": "{unique}", "n": {"m": {sequence}}}'
    write = RequestKind(name="w", method="POST", path="/w/{sequence}", body=body, read_back="/w")
    filled = fill(write, "drill-1", 42)
    assert filled.path == "/w/42"
    assert filled.body == b'{"name": "drill-1", "n": {"m": 42}}'
    assert fill(request("a", 1), "drill-1", 42).body == b""


@pytest.mark.parametrize(
    ("template", "answer", "path"),
    [
        ("/campaigns/{campaign_id}", {"campaign_id": "c-17"}, "/campaigns/c-17"),
        ("/campaigns/{campaign_id}", {"campaign_id": 17}, "/campaigns/17"),
        ("/campaigns/{campaign_id}", {"campaign_id": "a/b?c"}, "/campaigns/a%2Fb%3Fc"),
        ("/by-name/{unique}", None, "/by-name/drill-1"),
        ("/campaigns/{campaign_id}", {"id": 17}, ""),
        ("/campaigns/{campaign_id}", {"campaign_id": None}, ""),
        ("/campaigns/{campaign_id}", ["campaign_id"], ""),
        ("/campaigns/{campaign_id}", {"campaign_id": {"id": 17}}, ""),
        ("/campaigns?page={page}&of={owner}", {"owner": "a b"}, "/campaigns?page={page}&of=a%20b"),
    ],
)
def test_the_way_back_to_a_write(template: str, answer: object, path: str) -> None:
    assert read_back_path(template, "drill-1", answer) == path


@pytest.mark.parametrize(
    "host",
    [
        "http://127.0.0.1:8000",
        "http://localhost:8000/",
        "http://127.8.8.8",
        "http://[::1]:80",
        "http://172.18.0.2:30080",
    ],
)
def test_this_machine_and_the_target_may_be_loaded(host: str) -> None:
    assert allowed_host(host, "http://172.18.0.2:30080") == host.rstrip("/")


@pytest.mark.parametrize(
    "host",
    [
        "http://192.0.2.1",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://172.18.0.2:30081",
        "127.0.0.1:80",
        "",
    ],
)
def test_nobody_else_may(host: str) -> None:
    with pytest.raises(UsageError, match=r"may only be sent to this machine or to target\.address"):
        allowed_host(host, "http://172.18.0.2:30080")


@pytest.mark.parametrize(
    ("template", "answer", "contains"),
    [
        ("{unique}", None, "drill-1"),
        ("{id}", {"id": 17}, "17"),
        ("{id}", {"id": "a/b"}, "a/b"),
        ("{id}", {"name": "x"}, ""),
        ('"name": "{unique}"', {}, '"name": "drill-1"'),
    ],
)
def test_by_what_a_write_is_found(template: str, answer: object, contains: str) -> None:
    assert filled_from(template, "drill-1", answer) == contains


def request(name: str, weight: int) -> RequestKind:
    return RequestKind(name=name, path="/", weight=weight)
