"""An emulator of AWS on this machine, in the place of the one that the runbook's `aws` commands ask. Flows
in: what drill.toml says that it holds. Flows out: what the operator's commands need to be answered by it and
by nobody else.

It shows that a command as written is accepted, ends, and answers what it is asked for; not that AWS is well.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import urllib3

from drill import present, wait
from drill.errors import DeadlineError, SetupError
from drill.machine.cloud_tools import CloudTools
from drill.operate import World
from drill.operate.world import SYSTEM_PATH
from drill.run.child import KEEPER
from drill.settings import Cloud

ADDRESS = "127.0.0.1"
LISTENS = re.compile(rb"Running on (http://127\.0\.0\.1:\d+)")
START_SECONDS = 120.0
"""Only against hanging: it takes 2 s on an idle machine, and 4 s at idle priority on a busy one."""
ANSWER_SECONDS = 60.0
KEY = "drill"
"""Both halves of it; the emulator takes any, AWS would not."""
ROLE = "arn:aws:iam::123456789012:role/drill"
LARGEST_LOG_BYTES = 1 << 20
LOG_TAIL_CHARACTERS = 800


class EmulatedCloud:
    """Listens from its making until `close`, or until this process is no more. `tools`: what it was started
    from; `address`: http://HOST:PORT."""

    def __init__(self, holds: Cloud, tools: CloudTools) -> None:
        """Raises SetupError where it does not start, or does not take what it shall hold."""
        self._holds, self.tools = holds, tools
        with tempfile.TemporaryFile() as log:
            self._keeper = subprocess.Popen(
                [sys.executable, str(KEEPER), str(tools.server), "-H", ADDRESS, "-p", "0"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": SYSTEM_PATH, "HOME": "/nonexistent", "LANG": "C.UTF-8"},
                start_new_session=True,
            )
            try:
                self.address = self._wait_until_listening(log.fileno())
                self._fill()
            except BaseException:  # Ctrl-C too: nobody else has it yet, so nobody else would end it
                self.close()
                raise

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which `aws` asks this emulator, and nobody else. In the operator's home there is
        nothing for it to read."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_DEFAULT_REGION": self._holds.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def close(self) -> None:
        """End it. May be called again."""
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait()

    def _wait_until_listening(self, log: int) -> str:
        def look() -> tuple[int | None, bytes]:
            return self._keeper.poll(), os.pread(log, LARGEST_LOG_BYTES, 0)

        try:
            status, said = wait.until(
                f"{self.tools.emulator} to listen",
                look,
                lambda seen: seen[0] is not None or LISTENS.search(seen[1]) is not None,
                seconds=START_SECONDS,
                every_seconds=0.05,
            )
        except DeadlineError as error:
            raise SetupError(f"{self.tools.server}: does not listen within {START_SECONDS:.0f} s") from error
        found = LISTENS.search(said)
        if found is None:
            tail = said.decode(errors="replace").strip()[-LOG_TAIL_CHARACTERS:]
            raise SetupError(
                f"{self.tools.server}: ended with exit status {status} before it listened: {tail}. Remove "
                f"{self.tools.folder} and run this again: it is then installed anew"
            )
        return found[1].decode()

    def _fill(self) -> None:
        for name in self._holds.eks_clusters:
            self._put("eks", "/clusters", {"name": name, "roleArn": ROLE, "resourcesVpcConfig": {}})
        if self._holds.costs:
            results = {"results": [costs_of_last_month(self._holds.costs, present.today())]}
            self._put("ce", "/moto-api/static/ce/cost-and-usage-results", results)

    def _put(self, service: str, path: str, what: Mapping[str, Any]) -> None:
        scope = f"{KEY}/{present.today():%Y%m%d}/{self._holds.region}/{service}/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        try:
            answer = urllib3.request(
                "POST",
                self.address + path,
                json=what,
                headers={"Authorization": signed},
                timeout=ANSWER_SECONDS,
                retries=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise SetupError(f"{self.tools.emulator}: does not take what {service} holds: {error}") from error
        if answer.status not in (200, 201):
            raise SetupError(
                f"{self.tools.emulator}: does not take what {service} holds, but answers {answer.status}: "
                f"{answer.data.decode(errors='replace')[:LOG_TAIL_CHARACTERS]}"
            )


def with_cloud(world: World, cloud: EmulatedCloud) -> World:
    """The same world, in which `aws` is there and asks the emulator."""
    return replace(
        world, tools=(cloud.tools.path, *world.tools), variables={**world.variables, **cloud.variables}
    )


def costs_of_last_month(costs: Mapping[str, float], today: date) -> dict[str, Any]:
    """An answer of Cost Explorer: the whole month before `today`'s, grouped by service. The end day is the
    first that does not count."""
    end = today.replace(day=1)
    start = (end - timedelta(days=1)).replace(day=1)
    return {
        "ResultsByTime": [
            {
                "TimePeriod": {"Start": start.isoformat(), "End": end.isoformat()},
                "Total": {},
                "Groups": [
                    {"Keys": [service], "Metrics": {"BlendedCost": {"Amount": str(cost), "Unit": "USD"}}}
                    for service, cost in costs.items()
                ],
                "Estimated": False,
            }
        ],
        "DimensionValueAttributes": [],
    }
