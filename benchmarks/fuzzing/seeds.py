"""Good input that the fuzzer spoils, where the repository has no file of it. Flows out: bytes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec

from drill.judge.verdict import DrillVerdict
from drill.recording.events import KINDS, SCHEMA_VERSION
from drill.recording.requests import Request
from drill.run.facts import Facts

LIMITS = [
    seed.encode()
    for seed in (
        "**P0**: Immediate response (< 15 minutes)\n**P1**: 1 hour\n**P2**: 4 hours",
        "SEV1 - within 30 min\nSev 2: 1h30m\nPriority 3 (Low): 1,000 seconds",
        "**Response Time**: 95th percentile < 500ms\n**Error Rate**: < 0.1%",
        "Latency p99: ≤ 1.5 s\nAvailability: 99.9%\nCPU: average <= 70%",
        "**Memory Usage**: < 80% of limit\n**Database Response**: < 50ms average",
        "**Database**: Every 6 hours\n**Configuration**: Daily",
        "**Database**: Daily at 02:00 UTC",
    )
]

ATTESTATIONS = b"""attestations:
- item: Monthly Checklist / Will the capacity last?
  name: A. Person
  date: 2026-11-01
  days: 32
- item: Quarterly Checklist / Teach the team what some of it knows
  name: "B. Person"   # with the others
  date: 2026-09-01
  days: 93
"""
RUNBOOK = b"""```sh
echo before
```
# Top

**Look**: it is here.
```bash
# First
kubectl get pods

# Second
echo \\
  2
```
Then another:
```
echo 3
```

- an item
  ```console
  $ kubectl get pods \\
  >   -n x
  NAME   READY
  ```
1. a quote
   > ```shell-session
   > # systemctl restart x
   > done
   > ```

## Two

### Look
~~~zsh
true
~~~
### Look
```python
print(1)
```

## Response Times
| Severity | Within |
|---|---|
| P0 | 15 minutes |

**P1**: 1 hour
- P2: 4 hours

## Performance Baselines
- **Response Time**: 95th percentile < 500ms
- **Error Rate**: < 0.1%

## Automated Backup Schedule
- **Database**: Every 6 hours
"""


def excerpts(path: Path, start: str, lines_each: int | None = None) -> list[bytes]:
    """Pieces of a file that begin where a line matches, up to the next such line or a number of lines."""
    lines = path.read_text(encoding="utf-8").split("\n")
    begins = [number for number, line in enumerate(lines) if re.match(start, line)]
    ends = [begin + lines_each for begin in begins] if lines_each else [*begins[1:], len(lines)]
    return ["\n".join(lines[begin:end]).encode() for begin, end in zip(begins, ends, strict=True)]


def features(folder: Path) -> list[bytes]:
    """Each scenario of a folder's features, as a feature of its own with tags and background."""
    found = []
    for path in sorted(folder.glob("*.feature")):
        start, *scenarios = re.split(r"\n\n(?=  @|  Scenario)", path.read_text(encoding="utf-8"))
        found += [f"{start}\n\n{scenario}\n".encode() for scenario in scenarios]
    return found


def recordings() -> list[bytes]:
    """Recordings of a few events each, of every kind that there is."""
    lines = [
        json.dumps({"wall": 1.7e9 + at, "monotonic": 1000.0 + at, "kind": kind, "data": _sample(record)})
        for at, (kind, record) in enumerate(KINDS.items())
    ]
    return ["\n".join(lines[at : at + 6]).encode() + b"\n" for at in range(0, len(lines), 3)]


def requests() -> list[bytes]:
    """A stream of requests: answered, failed, a write."""
    made = [
        Request(planned=1000.0, sent=1000.001, finished=1000.02, name="GET /a", status=200),
        Request(planned=1000.5, sent=1000.5, finished=1002.5, name="GET /b", error="timed out after 2.0 s"),
        Request(1001.0, 1001.0, 1001.1, "POST /c", 201, write="drill-1", acknowledged=True, read_back="/c/1"),
    ]
    return [b"".join(msgspec.json.encode(request) + b"\n" for request in made)]


def journals() -> list[bytes]:
    """A Chaos Toolkit journal, of which all went well."""

    def ran(name: str) -> dict[str, Any]:
        return {"activity": {"name": name, "type": "action"}, "status": "succeeded", "output": "done"}

    return [
        json.dumps(
            {
                "chaoslib-version": "1.44.0",
                "status": "completed",
                "deviated": False,
                "steady_states": {
                    "before": {"steady_state_met": True, "probes": [ran("health")]},
                    "during": [],
                },
                "run": [ran("announce"), ran("inject"), ran("hold")],
                "rollbacks": [ran("undo")],
            }
        ).encode()
    ]


def runs() -> list[bytes]:
    """run.json, as it is written, and in one line."""
    facts = json.dumps({**_sample(Facts), "schema": SCHEMA_VERSION}).encode()
    return [msgspec.json.format(facts, indent=2) + b"\n", facts]


def verdicts() -> list[bytes]:
    """verdict.json: with a value for everything, and with as little as there may be."""
    least = DrillVerdict(
        **{field.name: _value(field.type) for field in msgspec.structs.fields(DrillVerdict) if field.required}
    )
    whole = json.dumps(_sample(DrillVerdict)).encode()
    return [msgspec.json.format(each) for each in (whole, msgspec.json.encode(least))]


def _sample(record: type[msgspec.Struct]) -> dict[str, Any]:
    """A value for every field of a record."""
    return {field.name: _value(field.type) for field in msgspec.structs.fields(record)}


def _value(kind: Any) -> Any:
    plain: dict[Any, Any] = {str: "words", int: 3, float: 1.5, bool: True, Any: "any", type(None): None}
    if kind in plain:
        return plain[kind]
    inner = get_args(kind)
    origin = getattr(kind, "__origin__", None)
    if origin is list:
        return [_value(inner[0])]
    if origin is tuple:
        return [_value(each) for each in inner if each is not ...]
    if origin is dict:
        return {"name": _value(inner[1])}
    if inner:  # a choice of literals, or of types
        return (
            inner[0]
            if not isinstance(inner[0], type) and not hasattr(inner[0], "__origin__")
            else _value(inner[0])
        )
    return _sample(kind)
