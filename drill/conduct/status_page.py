"""A status page on this machine, in the place of the one that the runbook's commands name: who has the token
may update its incidents, everybody else is refused. Flows in: HTTPS, as statuspage.io's API is spoken to.
Flows out: an event for each update that was asked for, recorded before it is answered.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import re
import ssl
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from drill.errors import SetupError
from drill.recording.events import StatusPageTold

ADDRESS = "127.0.0.1"
STATUSES = ("investigating", "identified", "monitoring", "resolved")
"""Of an incident that is not planned, in their order."""
INCIDENT = re.compile(r"/v1/pages/(?P<page>[^/?]+)/incidents/(?P<incident>[^/?]+)")
LARGEST_BYTES = 1 << 20
VALID = timedelta(days=1)


class StatusPage:
    """Listens from its making until `close`. `name`: of the host that it stands for; `certificate`: a file
    that says so, PEM; `address`: where it really is."""

    def __init__(self, name: str, token: str, record: Callable[[StatusPageTold], object]) -> None:
        """`record`: called with each update that was asked for, from a thread of its own. Raises SetupError
        where nobody can listen."""
        self.name = name
        self._token, self._record = token, record
        self._updates: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="drill-status-page-")
        self.certificate = Path(self._folder.name) / "certificate.pem"
        key = Path(self._folder.name) / "key.pem"
        _certify(name, self.certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        page = self

        class PageRequest(BaseHTTPRequestHandler):
            """One request."""

            timeout = 10

            def setup(self) -> None:
                """The handshake, in the request's own thread."""
                self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_PATCH(self) -> None:
                """Update an incident, or say why not."""
                status, said = page._asked(self)
                body = json.dumps(said, separators=(",", ":")).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """The recording tells what was asked for."""

        class PageServer(ThreadingHTTPServer):
            """Does not print what a client that does not trust it breaks off."""

            def handle_error(self, request: object, client_address: object) -> None:
                """Who breaks off has its own message."""

        try:
            self._server = PageServer((ADDRESS, 0), PageRequest)
        except OSError as error:
            raise SetupError(f"{ADDRESS}: no status page can listen there ({error.strerror})") from error
        self.address = f"{ADDRESS}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more, and leave nothing on the disk."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()

    def _asked(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, Any]]:
        place = INCIDENT.fullmatch(request.path)
        if place is None:
            return 404, {"error": "Not found"}
        given = _incident_in(request)
        status, text = given.get("status") or "", given.get("body") or ""
        answered = self._judge(request.headers.get("Authorization", ""), status)
        with self._lock:
            self._record(StatusPageTold(place["page"], place["incident"], status, text, answered))
            if answered == 401:
                return answered, {"error": "Could not authenticate"}
            if answered == 422:
                return answered, {"error": [f"Status must be one of {', '.join(STATUSES)}"]}
            updates = self._updates.setdefault((place["page"], place["incident"]), [])
            updates.append({"status": status, "body": text})
            return answered, {"id": place["incident"], "status": status, "incident_updates": updates}

    def _judge(self, authorization: str, status: str) -> int:
        if not hmac.compare_digest(authorization.encode(), f"OAuth {self._token}".encode()):
            return 401
        return 200 if status in STATUSES else 422


def _incident_in(request: BaseHTTPRequestHandler) -> dict[str, str]:
    """Status and body of the incident that a request holds, as JSON or as a form; empty where it holds
    none."""
    length = request.headers.get("Content-Length", "")
    if not length.isdigit() or int(length) > LARGEST_BYTES:
        return {}
    text = request.rfile.read(int(length)).decode(errors="replace")
    if request.headers.get_content_type() != "application/json":
        fields = parse_qs(text)
        return {name: fields.get(f"incident[{name}]", [""])[0] for name in ("status", "body")}
    try:
        incident = json.loads(text)["incident"]
        return {name: str(incident.get(name, "")) for name in ("status", "body")}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _certify(name: str, certificate: Path, key: Path) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    present = datetime.now(UTC)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(ADDRESS))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(present - VALID)
        .not_valid_after(present + VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.touch(mode=0o600)
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
