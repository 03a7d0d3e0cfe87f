"""Terminal sessions in fences: prompts, commands and what they printed. Flows in: the fence's text. Flows
out: the commands alone, each on the line that it has in the fence."""

from __future__ import annotations

import re

SESSION_LANGUAGES = frozenset(
    {"console", "shell-session", "shellsession", "sh-session", "bash-session", "terminal", "session"}
)
USER_PROMPT = re.compile(r"(?:\[[^\]\n]*\]|[\w.-]+@[\w.-]+[^\s$#]*)?\$[ \t]+(?P<command>.*)")
ROOT_PROMPT = re.compile(
    r"(?:\[[^\]\n]*\]|[\w.-]+@[\w.-]+[^\s$#]*)?#[ \t]+(?P<command>[a-z0-9_./~-]+(?:[ \t].*)?)"
)
HERE_DOCUMENT = re.compile(r"<<-?[ \t]*(['\"]?)(?P<end>\w+)\1")
CONTINUED = "> "


def commands_of(text: str, language: str) -> str:
    """The commands of a session: lines after the prompt `$ `, or in a session's language after `# ` where no
    line has the other, with their continuations. What commands printed becomes empty lines, so that lines
    agree. A text without prompts is returned as it is."""
    lines = text.split("\n")
    prompt = _prompt(lines, language)
    if prompt is None:
        return text
    kept: list[str] = []
    continues, ends_at = False, ""
    for line in lines:
        match = prompt.fullmatch(line.lstrip())
        if ends_at or continues:
            command = line.removeprefix(CONTINUED) if line.startswith(CONTINUED) else line
        elif match:
            command = match["command"]
        else:
            kept.append(line if line.lstrip().startswith("#") and prompt is USER_PROMPT else "")
            continue
        kept.append(command)
        if ends_at:
            ends_at = "" if command.strip() == ends_at else ends_at
            continue
        here = HERE_DOCUMENT.search(command)
        ends_at = here["end"] if here else ""
        continues = not here and command.endswith("\\")
    return "\n".join(kept)


def _prompt(lines: list[str], language: str) -> re.Pattern[str] | None:
    """The prompt with which a text's first command begins; None where it has none."""
    written = [line.lstrip() for line in lines if line.strip()]
    commands = [line for line in written if not line.startswith("#")]
    if commands and USER_PROMPT.fullmatch(commands[0]):
        return USER_PROMPT
    if language in SESSION_LANGUAGES:
        if any(USER_PROMPT.fullmatch(line) for line in written):
            return USER_PROMPT
        said_by_root = [line for line in written if line.startswith("#") or ROOT_PROMPT.fullmatch(line)]
        if written and ROOT_PROMPT.fullmatch(written[0]) and all(map(ROOT_PROMPT.fullmatch, said_by_root)):
            return ROOT_PROMPT
    return None
