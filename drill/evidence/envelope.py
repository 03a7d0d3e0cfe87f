"""DSSE: a text, what kind it is, and a signature over both (github.com/secure-systems-lab/dsse). The text
here is an in-toto statement: files by SHA-256, and what is stated of them.

An envelope has one form only, byte for byte: what differs from it was altered, whether or not it means the
same.
"""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from drill.evidence.keys import key_id

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: str


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """All values in base64 but `payload_type` and the id of the key."""

    payload: str
    payload_type: str
    signatures: list[Signature]


class SignedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file. `digest`: by algorithm, here always sha256."""

    name: str
    digest: dict[str, str]


Predicate = TypeVar("Predicate", bound=msgspec.Struct)


class EnvelopeError(Exception):
    """What is wrong with an envelope, in words."""


def sign(
    subjects: list[SignedFile], predicate_type: str, predicate: msgspec.Struct, key: Ed25519PrivateKey
) -> bytes:
    """An envelope around an in-toto statement."""
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    payload = msgspec.json.encode(statement)
    signature = key.sign(_authenticated(payload))
    return _encoded(payload, key_id(key.public_key()), signature)


def opened(
    content: bytes, predicate_type: str, kind: type[Predicate], key: Ed25519PublicKey
) -> tuple[list[SignedFile], Predicate]:
    """The subjects and the predicate of an envelope that the key has signed. Raises EnvelopeError."""
    try:
        envelope = msgspec.json.decode(content, type=Envelope)
        payload = base64.b64decode(envelope.payload, validate=True)
        signature = base64.b64decode(envelope.signatures[0].sig, validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, IndexError) as error:
        raise EnvelopeError(f"it is no DSSE envelope ({error})") from error
    if envelope.signatures[0].keyid != key_id(key):
        raise EnvelopeError(
            f"it was signed by the key {envelope.signatures[0].keyid[:16]}, expected {key_id(key)[:16]}"
        )
    try:
        key.verify(signature, _authenticated(payload))
    except InvalidSignature as error:
        raise EnvelopeError("its signature does not hold") from error
    if content != _encoded(payload, key_id(key), signature):
        raise EnvelopeError("it is not as it was written, although its signature holds")
    try:
        statement = msgspec.json.decode(payload)
        if statement["_type"] != STATEMENT_TYPE or statement["predicateType"] != predicate_type:
            raise EnvelopeError(f"it states {statement['predicateType']}, expected {predicate_type}")
        return (
            msgspec.convert(statement["subject"], list[SignedFile]),
            msgspec.convert(statement["predicate"], kind),
        )
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise EnvelopeError(f"what it states cannot be read ({error})") from error


def _authenticated(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _encoded(payload: bytes, keyid: str, signature: bytes) -> bytes:
    return msgspec.json.encode(
        Envelope(
            base64.b64encode(payload).decode(),
            PAYLOAD_TYPE,
            [Signature(keyid, base64.b64encode(signature).decode())],
        )
    )
