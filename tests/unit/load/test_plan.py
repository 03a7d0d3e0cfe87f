"""The plan of the load: no slot left out, none sent twice, whoever carries it out."""

from __future__ import annotations

from collections import Counter

import pytest

from drill.errors import UsageError
from drill.load.plan import Mix, Share, allowed_host, fill, next_slot, read_back_path
from drill.settings import PlannedRequest, Write


@pytest.mark.parametrize("users", [1, 3, 20])
def test_users_share_every_slot_exactly_once(users: int) -> None:
    first = 10_001
    slots = []
    for rank in range(users):
        slot = next_slot(first - 1, rank, users)
        while slot < first + 600:
            slots.append(slot)
            slot = next_slot(slot, rank, users)
    assert sorted(slots) == list(range(first, first + 600))


def test_no_slot_comes_twice_when_the_number_of_users_changes() -> None:
    assert next_slot(1_001, 1, 3) == 1_003
    assert next_slot(1_001, 0, 1) == 1_002


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
    write = PlannedRequest(
        name="w", method="POST", path="/w/{sequence}", body=body, write=Write(read_back="/w")
    )
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


def test_ranks_count_over_all_processes_and_close_up_when_a_user_leaves() -> None:
    share = Share(users=6, processes=2, process=1)
    users = ["a", "b", "c"]
    for user in users:
        share.join(user)
    assert [share.rank(user) for user in users] == [1, 3, 5]
    share.leave("a")
    assert [share.rank(user) for user in users[1:]] == [1, 3]


def request(name: str, weight: int) -> PlannedRequest:
    return PlannedRequest(name=name, path="/", weight=weight)
