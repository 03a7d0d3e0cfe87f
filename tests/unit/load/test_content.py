"""Looking for writes in what a service shows."""

from __future__ import annotations

import pytest

from drill.load.content import Content


@pytest.mark.parametrize(
    ("body", "mark", "template", "found"),
    [
        (b'{"name": "drill-a-00000012"}', "drill-a-00000012", "{unique}", True),
        (b'{"name": "drill-a-000000120"}', "drill-a-00000012", "{unique}", False),
        (b'{"name": "drill-a-00000012-3"}', "drill-a-00000012", "{unique}", False),
        (b'{"name": "by drill-a-00000012, twice"}', "drill-a-00000012", "{unique}", True),
        (b"<li>drill-a-00000012</li>", "drill-a-00000012", "{unique}", True),
        (b"<li>drill-a-000000120</li>", "drill-a-00000012", "{unique}", False),
        (b'{"id": 12}', "12", "{id}", True),
        (b'{"id": 120}', "12", "{id}", False),
        (b'{"id": 120, "weight": 12}', "12", "{id}", False),
        (b'{"campaign": 12}', "12", "{id}", True),
        (b'{"at": "12:30"}', "12", "{id}", False),
        (b'{"items": [{"id": "x"}, {"id": "12"}]}', "12", "{id}", True),
        (b"[10, 11, 12]", "12", "{id}", True),
        (b'{"name":"drill-a-00000012"}', '"name":"drill-a-00000012"', '"name":"{unique}"', True),
        (b'{"title":"drill-a-00000012"}', '"name":"drill-a-00000012"', '"name":"{unique}"', False),
        (b"", "drill-a-00000012", "{unique}", False),
        (b"[" * 100_000, "drill-a-00000012", "{unique}", False),
    ],
)
def test_a_mark_is_found_whole_or_not_at_all(body: bytes, mark: str, template: str, found: bool) -> None:
    assert Content().with_body(body).holds(mark, template, "drill-a-00000012") is found


def test_a_list_ends_where_a_piece_is_empty_or_comes_again() -> None:
    content = Content()
    assert content.grows_by(b'{"items": [{"id": 1, "tags": []}, {"id": 2, "tags": ["a"]}]}')
    assert content.rows == 2
    assert not content.grows_by(b'{"items": [{"id": 1, "tags": []}, {"id": 2, "tags": ["a"]}]}')
    assert content.grows_by(b'{"items": [{"id": 3}]}')
    assert not content.grows_by(b'{"items": []}')
    assert content.rows == 3
