"""Lines of a file that another process appends to."""

from __future__ import annotations

from pathlib import Path

from drill.recording.appended import AppendedLines


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_file_that_is_not_there_yet_has_no_lines(tmp_path: Path) -> None:
    lines = AppendedLines(tmp_path / "later")
    assert lines.new() == b""
    append(tmp_path / "later", b"one\n")
    assert lines.new() == b"one"
    assert lines.new() == b""


def test_each_line_comes_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append(path, b"one\ntwo\nth")
    lines = AppendedLines(path)
    assert lines.new() == b"one\ntwo"
    assert lines.new() == b""
    append(path, b"ree\n")
    assert lines.new() == b"three"


def test_half_a_line_that_is_taken_back_leaves_nothing(tmp_path: Path) -> None:
    """As the recorder does where the disk is full."""
    path = tmp_path / "lines"
    append(path, b"one\nhal")
    lines = AppendedLines(path)
    assert lines.new() == b"one"
    with path.open("r+b") as file:
        file.truncate(4)
    append(path, b"two\n")
    assert lines.new() == b"two"


def test_what_is_there_already_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append(path, b"one\n")
    lines = AppendedLines(path)
    lines.skip()
    append(path, b"two\n")
    assert lines.new() == b"two"
