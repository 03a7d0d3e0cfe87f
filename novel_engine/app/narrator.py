"""Writes the narratives. Flows in: simulations queued in Redis. Flows out: their outcome, then the
acknowledgement.

A stream with one consumer per pod: what a killed pod had taken goes to another one after a while, so nothing
queued is lost.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from typing import Any

import redis

from novel_engine.app import database, logs
from novel_engine.app.metrics import ERRORS
from novel_engine.app.redis_store import PENDING, SIMULATION_SECONDS, TIMEOUT_SECONDS, connect, simulation_key
from novel_engine.app.settings import Settings

GROUP = "narrators"
BLOCK_SECONDS = 1.0
TAKE_OVER_SECONDS = 15.0
PAUSE_SECONDS = 0.5
BATCH = 8

Taken = list[tuple[bytes, dict[bytes, bytes]]]


def narrate(simulation: dict[str, Any], characters: dict[str, database.Character]) -> dict[str, Any]:
    """The outcome of a simulation: a line per turn, or `failed` and the names that nobody bears."""
    names = simulation["character_names"]
    unknown = [name for name in names if name not in characters]
    if unknown:
        return simulation | {"status": "failed", "reason": f"unknown characters: {', '.join(unknown)}"}
    turns = []
    for turn in range(simulation["turns"]):
        speaker, listener = characters[names[turn % len(names)]], characters[names[(turn + 1) % len(names)]]
        turns.append(
            f"{speaker['name']} the {speaker['role']} turns to {listener['name']}. {speaker['biography']}"
        )
    return simulation | {"status": "finished", "narrative": turns}


class Narrator:
    """One thread that takes simulations from the queue until it is stopped."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._client = connect(settings, BLOCK_SECONDS + TIMEOUT_SECONDS)
        self._database = settings.database
        self._name = name
        self._stopped = threading.Event()
        self._took_over = 0.0
        self._thread = threading.Thread(target=self._work, name="narrator", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand, at most a second's wait for more, and end."""
        self._stopped.set()
        self._thread.join()
        self._client.close()

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                for entry, fields in self._take():
                    self._finish(entry, fields)
            except redis.ResponseError as error:
                if "NOGROUP" not in str(error):
                    self._stopped.wait(PAUSE_SECONDS)
                    continue
                self._make_group()
            except redis.RedisError:
                self._stopped.wait(PAUSE_SECONDS)  # the store's watch says in the log that Redis is out
            except sqlite3.Error as error:
                ERRORS.labels("database").inc()
                logs.failure("narrative, left in the queue", error)
                self._stopped.wait(PAUSE_SECONDS)

    def _take(self) -> Taken:
        if time.monotonic() - self._took_over > TAKE_OVER_SECONDS:
            claimed = self._client.xautoclaim(
                PENDING, GROUP, self._name, int(TAKE_OVER_SECONDS * 1000), count=BATCH
            )
            if claimed[1]:
                return list(claimed[1])
            self._took_over = time.monotonic()
        block = int(BLOCK_SECONDS * 1000)
        answer: Any = self._client.xreadgroup(GROUP, self._name, {PENDING: ">"}, count=BATCH, block=block)
        return list(answer[0][1]) if answer else []

    def _make_group(self) -> None:
        # Made by whoever comes first, and again after a FLUSHALL; what was queued before there was a group
        # counts too.
        try:
            self._client.xgroup_create(PENDING, GROUP, id="0", mkstream=True)
        except redis.RedisError as error:
            if "BUSYGROUP" not in str(error):
                self._stopped.wait(PAUSE_SECONDS)

    def _finish(self, entry: bytes, fields: dict[bytes, bytes]) -> None:
        simulation = json.loads(fields[b"simulation"])
        outcome = narrate(
            simulation, database.characters_by_id(self._database, simulation["character_names"])
        )
        pipeline = self._client.pipeline(transaction=True)
        pipeline.set(simulation_key(simulation["simulation_id"]), json.dumps(outcome), ex=SIMULATION_SECONDS)
        pipeline.xack(PENDING, GROUP, entry)
        pipeline.xdel(PENDING, entry)
        pipeline.execute()
