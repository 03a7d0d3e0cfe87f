"""Placeholders: what is one, what is not, and that none is left when a step runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill.errors import InputError
from drill.runbook import Step, bind, parse, placeholders


def step(folder: Path, text: str) -> Step:
    path = folder / "runbook.md"
    path.write_text(f"# Top\n\n```bash\n{text}\n```\n", encoding="utf-8")
    return parse(path).step("Top")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("kubectl describe pod <pod-name> -n x", ["pod-name"]),
        (
            'curl "https://host/{page_id}/incidents/{incident_id}" -H "Authorization: OAuth {token}"',
            ["page_id", "incident_id", "token"],
        ),
        ("echo ${HOME} ${token}", []),
        ("awk '{print $NF}' | awk '/x/ {print}'", []),
        ("kubectl get pods -o jsonpath='{.items[*].spec}'", []),
        ("""kubectl patch x -p '{"spec":{"a":1}}'""", []),
        ("cat <file >out; cat <<EOF; diff <(a) <(b)", []),
        ("echo {a,b} {1..3}; f() { true; }", []),
        ("# fill in <pod-name>", []),
        ("""python -c "print(f'{psutil.virtual_memory().percent}%')\"""", []),
    ],
)
def test_only_explicit_placeholders_count(tmp_path: Path, text: str, names: list[str]) -> None:
    assert [placeholder.name for placeholder in placeholders(step(tmp_path, text))] == names


def test_a_value_goes_into_its_place_and_lines_stay(tmp_path: Path) -> None:
    before = step(tmp_path, "# about <pod-name>\nkubectl describe pod <pod-name> -n x")
    (after,) = bind([before], {"pod-name": "novel-engine-1"})
    assert after.text == "# about <pod-name>\nkubectl describe pod novel-engine-1 -n x\n"
    assert after.line == before.line


@pytest.mark.parametrize(
    ("values", "line", "says"),
    [
        ({}, 5, "a value for it"),
        ({"pod_name": "x"}, 5, "as near to it as 'pod_name'"),
        ({"pod-name": "x", "token": "y"}, 4, "a placeholder of"),
        ({"pod-name": "x; rm -r /"}, None, "letters, digits"),
    ],
)
def test_what_does_not_fit_is_an_error(
    tmp_path: Path, values: dict[str, str], line: int | None, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        bind([step(tmp_path, "true\nkubectl describe pod <pod-name>")], values)
    assert caught.value.line == line
    assert says in str(caught.value)
