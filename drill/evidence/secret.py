"""What looks like a secret in evidence, and leaving it out. Flows in: the bytes of a file. Flows out: the
same with each secret replaced by its kind, and the kinds.

Better one thing left out too many than one handed over: passwords in addresses and commands, keys, tokens,
what a kubeconfig holds. What is put in its place has no quote and no backslash, so JSON stays JSON.
"""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple

LEFT_OUT = b"(left out: %s)"


class SecretKind(NamedTuple):
    """A kind of secret. The group `value` of `pattern` is left out."""

    kind: str
    pattern: re.Pattern[bytes]


def _kind(kind: str, pattern: bytes) -> SecretKind:
    return SecretKind(kind, re.compile(pattern))


NAMED = (
    rb"(?:(?i:(?:passw(?:or)?d|passphrase|secret[_-]?key|api[_-]?key|access[_-]?key|auth[_-]?token"
    rb"|client[_-]?secret|[_-](?:token|secret|pwd)|_pass(?![a-z])|requirepass|REDISCLI_AUTH)[\w.-]*)"
    rb"|[a-z](?:Token|Secret)\b)"
)
A_QUOTE = rb"\\*(?:[\"']|&(?:amp;)*(?:#3[49]|#x27|quot);)"
"""As it stands in a text, within a text that is quoted in JSON, or in a page."""
QUOTE = rb"(?:" + A_QUOTE + rb"|\\*)"
PLAIN = rb"[^\s\"'\\,;&|(){}\[\]<>$*]"
"""Of a value that is written out: not a variable, not a placeholder."""
SETTING = (
    rb"\s*[:=]\s*(?:(?P<quote>"
    + A_QUOTE
    + rb")|\\*)(?P<value>(?!(?i:true|false|null)\b)"
    + PLAIN
    # up to the quote that ends it, else as far as it can be one
    + rb"(?(quote)(?:(?!(?P=quote))[^\n\\<]){3,}|[^\s\"'\\;&<>]{3,}))"
)
BEGINS = rb"(?:\b|(?<=\\[nrt]))"
"""Of a word, also after the end of a line as JSON writes it."""
KINDS = (
    _kind(
        "private key",
        rb"(?P<value>-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?:"
        rb"[^\"'<]{0,20000}?-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----|(?:[\w+/=\s:.,-]|\\+[nr])*))",
    ),
    _kind(  # in base64, as a Kubernetes Secret has it; neither a certificate nor a public key
        "private key", BEGINS + rb"(?P<value>LS0tLS1CRUdJTi(?!BD|BQVUJM)[A-Za-z0-9+/=]{10,})"
    ),
    _kind("token", BEGINS + rb"(?P<value>eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"),
    _kind(
        "token",
        rb"(?i:authorization"
        + QUOTE
        + rb"\s*[:=]\s*"
        + QUOTE
        + rb"(?:bearer|basic|token|oauth)\s+)(?P<value>[\w.~+/=-]{6,})",
    ),
    _kind("token", BEGINS + rb"(?i:bearer\s+)(?P<value>[\w.~+/=-]{16,})"),
    _kind("access key", BEGINS + rb"(?P<value>(?:AKIA|ASIA)[0-9A-Z]{16}\b)"),
    _kind(
        "token",
        BEGINS + rb"(?P<value>(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|glpat-[\w-]{16,}"
        rb"|sk_live_\w{10,}|sk-[\w-]{20,}|npm_\w{20,}|AIza[\w-]{30,}))",
    ),
    _kind(
        "kubeconfig key",
        BEGINS + rb"(?:client-key-data|token)" + QUOTE + rb":\s*" + QUOTE + rb"(?P<value>[\w+/=.-]{20,})",
    ),
    _kind("password", rb"://[^/\s:@\"'\\]*:(?P<value>[^/\s@\"'\\$<{]{2,})@"),
    _kind("password", NAMED + QUOTE + SETTING),
    _kind(
        "token",
        BEGINS + rb"(?i:token|secret)" + QUOTE + rb"[:=][ \t]*" + QUOTE + rb"(?P<value>" + PLAIN + rb"{8,})",
    ),
    _kind(
        "password",  # of a container's environment, as kubectl prints it: name, then value
        NAMED
        + QUOTE
        + rb",?(?:\s|\\n)*"
        + QUOTE
        + rb"value"
        + QUOTE
        + rb":\s*"
        + QUOTE
        + rb"(?P<value>"
        + PLAIN
        + rb"{4,})",
    ),
    _kind(
        "password",
        BEGINS
        + rb"curl\s[^\n]*?(?:-u|--user)[\s=]+"
        + QUOTE
        + rb"[^\s:\"'\\]+:(?P<value>"
        + PLAIN
        + rb"{2,})",
    ),
    _kind(
        "password", rb"(?:(?<![A-Za-z-])|(?<=\\[nrt]))AUTH\s+" + QUOTE + rb"(?P<value>" + PLAIN + rb"{4,})"
    ),
    _kind(
        "password",
        rb"(?:--[\w-]*(?:password|passphrase|token|secret)|--(?:[\w-]+-)?pass|requirepass|masterauth|redis-cli\s[^\n\"']*?-a)\s+"
        + QUOTE
        + rb"(?P<value>"
        + PLAIN
        + rb"{4,})",
    ),
)


def without_secrets(content: bytes) -> tuple[bytes, list[str]]:
    """The content with each secret left out, and their kinds, each once, in order."""
    kinds: list[str] = []

    def replaced(kind: str, match: re.Match[bytes]) -> bytes:
        kinds.append(kind)
        start, end = match.span("value")
        first, whole = match.start(), match.group()
        return whole[: start - first] + LEFT_OUT % kind.encode() + whole[end - first :]

    for kind, pattern in KINDS:
        content = pattern.sub(partial(replaced, kind), content)
    return content, list(dict.fromkeys(kinds))
