"""Which ports the engine's proxies forward, told by real processes of that name."""

from __future__ import annotations

import subprocess
import sys

from drill import wait
from drill.machine.kind import ports_of_proxies

PORT = 47613


def test_a_port_is_forwarded_by_a_proxy_as_long_as_that_lives() -> None:
    arguments = ["-c", "input()", "-proto", "tcp", "-host-ip", "127.0.0.1", "-host-port", str(PORT)]
    assert PORT not in ports_of_proxies()
    with subprocess.Popen(
        ["/usr/bin/docker-proxy", *arguments], executable=sys.executable, stdin=subprocess.PIPE
    ) as proxy:
        wait.until("the proxy's port", ports_of_proxies, lambda ports: PORT in ports, seconds=60)
        proxy.kill()
    assert PORT not in ports_of_proxies()


def test_another_program_with_such_arguments_is_no_proxy() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "print(1, flush=True); input()", "-host-port", str(PORT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert PORT not in ports_of_proxies()
        other.kill()
