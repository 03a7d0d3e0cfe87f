"""Spoiling input. Flows in: a seed's bytes, words of its kind, a random source. Flows out: other bytes, the
same for the same source."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

NUMBERS = (
    *b"0 -1 1 0.5 1e9 1e400 inf nan .inf 1,000 1,5 1.000 00 0x10 1_000".split(),
    *b"2147483648 -2147483649 9223372036854775808 18446744073709551616 4102444800000".split(),
    b"9" * 400,
    b"9" * 5000,
)
PIECES = (
    *b"< >= ~ ' \" ` ``` ~~~ ** | # [ ] { } {{ \\ &a *a !!set --- ... % ,".split(),
    *(character.encode() for character in "٣½–≤\x85\u2028\u202e\ufeff\x00\x07\r\t\n"),
    *(b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\r\n", b"\n\n", b": ", b"- ", b"> ", b"$ ", b"<<: "),
)
OPENERS = (
    b"[",
    b"{",
    b'{"a":',
    b"> ",
    b"- ",
    b"* ",
    b"((",
    b"`",
    b"[a](",
    b"<",
    b"!",
    b"&a [",
    b"a: ",
    b"#",
    b"  ",
)
DEPTHS = (3, 60, 1200, 30_000)
MOST_CHANGES = 4

Change = Callable[[bytes, Sequence[bytes], random.Random], bytes]


def spoiled(seed: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    """The seed after one to four changes."""
    for _ in range(source.randint(1, MOST_CHANGES)):
        seed = source.choice(CHANGES)(seed, words, source)
    return seed


def _cut(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    start, end = _span(data, source)
    return data[:start] + data[end:]


def _repeat(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    start, end = _span(data, source)
    return data[:end] + data[start:end] * source.randint(1, 3) + data[end:]


def _insert_word(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    at = source.randint(0, len(data))
    return data[:at] + source.choice(words) + data[at:]


def _insert_piece(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    at = source.randint(0, len(data))
    return data[:at] + source.choice(PIECES) + data[at:]


def _replace_word(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    here = [word for word in words if word in data]
    return data.replace(source.choice(here), source.choice(words), 1) if here else data


def _replace_number(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    at = source.randint(0, len(data))
    starts = [index for index in range(at, min(len(data), at + 200)) if data[index : index + 1].isdigit()]
    if not starts:
        return data
    end = starts[0]
    while end < len(data) and (data[end : end + 1].isdigit() or data[end : end + 1] == b"."):
        end += 1
    return data[: starts[0]] + source.choice(NUMBERS) + data[end:]


def _change_byte(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    if not data:
        return data
    at = source.randrange(len(data))
    return data[:at] + bytes([source.randrange(256)]) + data[at + 1 :]


def _swap_lines(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    lines = data.split(b"\n")
    one, other = source.randrange(len(lines)), source.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _drop_line(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    lines = data.split(b"\n")
    del lines[source.randrange(len(lines))]
    return b"\n".join(lines)


def _repeat_line(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    lines = data.split(b"\n")
    lines.insert(source.randrange(len(lines)), source.choice(lines))
    return b"\n".join(lines)


def _indent_line(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = source.randrange(len(lines))
    lines[at] = lines[at].lstrip() if source.random() < 0.5 else b" " * source.randint(1, 6) + lines[at]
    return b"\n".join(lines)


def _nest(data: bytes, words: Sequence[bytes], source: random.Random) -> bytes:
    if source.random() < 0.7:  # the deepest are slow to make, and one in three changes is enough of them
        return data
    at = source.randint(0, len(data))
    return data[:at] + source.choice(OPENERS) * source.choice(DEPTHS) + data[at:]


def _span(data: bytes, source: random.Random) -> tuple[int, int]:
    start = source.randint(0, len(data))
    return start, min(len(data), start + source.choice((1, 2, 4, 16, 64)))


CHANGES: tuple[Change, ...] = (
    _cut,
    _repeat,
    _insert_word,
    _insert_piece,
    _replace_word,
    _replace_number,
    _change_byte,
    _swap_lines,
    _drop_line,
    _repeat_line,
    _indent_line,
    _nest,
)
