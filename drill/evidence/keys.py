"""The Ed25519 key that signs evidence. Flows in: a path. Flows out: a pair of PEM files; the private one is
readable by its owner alone and lies outside of any repository."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from drill.durable import write_durably
from drill.errors import InputError, UsageError

PRIVATE_NAME, PUBLIC_SUFFIX = "evidence.key", ".pub"
OTHERS_MAY = 0o077


def default_key() -> Path:
    """${XDG_CONFIG_HOME:-~/.config}/drill/evidence.key."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "drill" / PRIVATE_NAME


def make_key(path: Path) -> Path:
    """Make a pair: the private key at `path`, the public one beside it, whose path is returned. Raises
    UsageError where one exists, or where `path` lies in a checkout: what is committed is no secret."""
    public = public_of(path)
    for each in (path, public):
        if each.exists():
            raise UsageError(f"{each} exists: a key is never overwritten, since packs were signed with it")
    checkout = next((each for each in path.resolve().parents if (each / ".git").exists()), None)
    if checkout is not None:
        raise UsageError(
            f"{path} lies in the checkout {checkout}: keep the key outside of any repository, for example "
            f"{default_key()}"
        )
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_durably(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_durably(public, _pem(key.public_key()))
    public.chmod(0o644)
    return public


def public_of(path: Path) -> Path:
    """Where the public key of a private one lies."""
    return path.with_name(path.stem + PUBLIC_SUFFIX)


def read_private(path: Path) -> Ed25519PrivateKey:
    """Raises UsageError where there is none or others may read it, InputError where it is no such key."""
    content = _content(path, "make one with: drill evidence init")
    if path.stat().st_mode & OTHERS_MAY:
        raise UsageError(f"{path}: others than its owner may read it. Make it private: chmod 600 {path}")
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            path, None, "(its content)", "an Ed25519 key as drill evidence init makes it"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(path, None, type(key).__name__, "an Ed25519 key as drill evidence init makes it")
    return key


def read_public(path: Path) -> Ed25519PublicKey:
    """Raises UsageError where there is none, InputError where it is no such key."""
    content = _content(path, "name the public key of who made the pack with --key")
    try:
        key = load_pem_public_key(content)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(path, None, "(its content)", "an Ed25519 public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(path, None, type(key).__name__, "an Ed25519 public key in PEM")
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key, in hexadecimal digits: what two people compare by telephone."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _content(path: Path, otherwise: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); {otherwise}") from error
