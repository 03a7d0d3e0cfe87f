"""The dashboards in headless Chromium: led by the operator's names, over TLS, drawn and read. What is served
stands for Prometheus and its edge: a page as Prometheus renders it, and series of known shape.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks import seen_in_browser
from benchmarks.panels import judged
from benchmarks.row import MeasureError
from benchmarks.seen_in_browser import address_of, browser, look_at, options_for
from drill.monitoring.dashboards import page_of
from drill.monitoring.key_metrics import KeyMetric

pytestmark = pytest.mark.browser

NAME = "monitoring.novel-engine.com"
ADDRESS = f"https://{NAME}/d/novel-engine-app"
FAULT_SECONDS = 60.0
GAP_SECONDS = (300.0, 400.0)
"""So long before now, nothing is known of the users."""
METRICS = [
    KeyMetric("Rate", "novel-engine-app", 1, "a second", "rate", ""),
    KeyMetric("Errors", "novel-engine-app", 2, "of them", "errors", ""),
    KeyMetric("Users", "novel-engine-app", 3, "now", "users", ""),
    KeyMetric("Absent", "novel-engine-app", 4, "", "", "nothing counts it"),
]
VALUES = {"rate": ["150.2"], "errors": ["98.7m"], "users": ["NaN"]}
RENDERED = re.compile(r"(<section data-query=\"(\w+)\">.*?<table>).*?(</table>)", re.DOTALL)


def rendered() -> str:
    """The page as Prometheus makes it of its template."""

    def rows(match: re.Match[str]) -> str:
        cells = "".join(f'<tr><td></td><td class="value">{each}</td></tr>' for each in VALUES[match[2]])
        return f"{match[1]}{cells}{match[3]}"

    return RENDERED.sub(rows, page_of("novel-engine-app", "Application Metrics", METRICS))


def series(query: str, start: float, end: float) -> list[list[object]]:
    broken = end - FAULT_SECONDS
    before, now = {"rate": ("150", "150"), "errors": ("0", "0.1"), "users": ("20", "NaN")}[query]
    moments = [start + 5 * number for number in range(int((end - start) / 5) + 1)]
    least, most = GAP_SECONDS
    return [
        [at, before if at < broken else now]
        for at in moments
        if query != "users" or not least <= end - at <= most
    ]


@dataclass
class Edge:
    """What is served, and what was asked for. `refuses`: queries that get no answer."""

    port: int = 0
    certificate: Path = Path()
    asked: list[str] = field(default_factory=list)
    refuses: str = ""


def make_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "tls.crt", folder / "tls.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return certificate, private


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    found = Edge()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            found.asked.append(f"{self.headers['Host']}{parts.path}")
            body, status, kind = b"", 404, "text/html"
            if parts.path == "/d/novel-engine-app":
                body, status = rendered().encode(), 200
            elif parts.path == "/api/v1/query_range":
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                if asked["query"] != found.refuses:
                    values = series(asked["query"], float(asked["start"]), float(asked["end"]))
                    answer = {"data": {"result": [{"metric": {}, "values": values}]}}
                    body, status, kind = json.dumps(answer).encode(), 200, "application/json"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: the test reads `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.certificate, private = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(found.certificate, private)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def names(edge: Edge) -> dict[str, str]:
    return {f"{NAME}:443": f"127.0.0.1:{edge.port}"}


def test_a_dashboard_is_found_by_its_name_and_read_as_it_is_drawn(edge: Edge, tmp_path: Path) -> None:
    with browser(options_for(names(edge), edge.certificate)) as chromium:
        panels = look_at(chromium, ADDRESS, tmp_path / "kept" / "novel-engine-app")
    assert f"{NAME}/d/novel-engine-app" in edge.asked
    assert [(each.name, each.values, each.visible) for each in panels] == [
        ("Rate", ("150.2",), True),
        ("Errors", ("98.7m",), True),
        ("Users", ("NaN",), True),
        ("Absent", (), False),
    ]
    assert "0 to 150.0" in panels[0].scale
    assert panels[3].missing == "missing: nothing counts it"
    shows = {"Errors": "rises", "Users": "ends"}
    told = judged(panels, METRICS, shows, FAULT_SECONDS)  # type: ignore[arg-type]
    assert (told.wrong, told.unknown) == ((), ())
    assert judged(panels, METRICS, {"Rate": "falls"}, FAULT_SECONDS).wrong[0].startswith("Rate: does not")
    for ending in (".png", ".html", ".json"):
        assert (tmp_path / "kept" / f"novel-engine-app{ending}").stat().st_size > 100
    # the users' curve is not drawn where nothing is known
    assert (tmp_path / "kept" / "novel-engine-app.html").read_text().count("<polyline") == 4
    assert [len(each.curves) for each in panels] == [1, 1, 1, 0]
    (users,) = panels[2].curves
    assert [age for age, _ in users if GAP_SECONDS[0] <= age <= GAP_SECONDS[1]] == []


def test_a_certificate_that_the_operator_does_not_trust_is_refused(edge: Edge, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other, _ = make_certificate(tmp_path / "other")
    with (
        browser(options_for(names(edge), other)) as chromium,
        pytest.raises(MeasureError, match="ERR_CERT_AUTHORITY_INVALID"),
    ):
        look_at(chromium, ADDRESS, tmp_path / "kept")


def test_a_panel_that_is_not_drawn_is_named(
    edge: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen_in_browser, "DRAWN_SECONDS", 1.0)
    edge.refuses = "errors"
    with (
        browser(options_for(names(edge), edge.certificate)) as chromium,
        pytest.raises(MeasureError, match=r"last seen: \['Errors'\].*404"),
    ):
        look_at(chromium, ADDRESS, tmp_path / "kept")


def test_where_the_runbook_says_that_a_dashboard_is() -> None:
    runbook = f"- https://{NAME}/d/novel-engine-app-old\n- **App**: {ADDRESS}\n"
    assert address_of("novel-engine-app", runbook) == ADDRESS
    with pytest.raises(MeasureError, match="no address of the dashboard novel-engine-db"):
        address_of("novel-engine-db", runbook)
