"""Reading bash. Flows in: fenced blocks. Flows out: their shell, as drill.lint.shell has it.

The parser is tree-sitter's. What no bash would run is prepared first: `<pod-name>` and `{{ name }}` become
words, a prompt becomes blanks, what a terminal printed becomes empty lines. Offsets stay those of the block,
so that every word has its place in the file. Scripts inside (`sh -c '...'`, `bash -s <<EOF`) are read by the
same parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import tree_sitter_bash
from tree_sitter import Language, Node, Parser, Tree

from drill.lint.document import PROMPT, Fence
from drill.lint.place import Span
from drill.lint.shell import (
    INNER_SHELLS,
    Assignment,
    Command,
    Comment,
    Redirect,
    Script,
    Statement,
    Use,
    Word,
)

WRAPPERS: dict[str, int] = {
    "sudo": 0,
    "time": 0,
    "nohup": 0,
    "command": 0,
    "exec": 0,
    "nice": 0,
    "env": 0,
    "timeout": 1,
    "then": 0,
    "do": 0,
}
WRAPPER_OPTIONS_WITH_VALUES = frozenset(
    {"-n", "-u", "-g", "-k", "-s", "--signal", "--user", "-h", "--kill-after"}
)
PLACEHOLDER = re.compile(
    r"(?<![<&\d\w$=(-])<(?=[^\W\d_])[^<>\n|&;()$`\"']*[^<>\s|&;()$`\"'-]>(?!>)"
    r"|(?:(?<=[=/:@.,_-])|(?<=\s-[A-Za-z]))<[^\W\d_][\w .:/@-]*>"
    r"|\{\{[^{}\n]*\}\}"
)
PLAIN = {
    **dict.fromkeys(
        ("word", "number", "variable_name", "file_descriptor", "test_operator", "regex", "extglob_pattern"),
        r"\\(.)",
    ),
    **dict.fromkeys(("string_content", "ansi_c_string", "heredoc_content"), r"\\([\"$`\\])"),
}
"""Nodes that are text, and what a backslash escapes in them."""
STATEMENTS = frozenset(
    {
        "command",
        "pipeline",
        "list",
        "redirected_statement",
        "variable_assignment",
        "for_statement",
        "while_statement",
        "if_statement",
        "case_statement",
        "test_command",
        "negated_command",
        "declaration_command",
    }
)
BODIES = frozenset(
    {
        "program",
        "do_group",
        "compound_statement",
        "subshell",
        "if_statement",
        "elif_clause",
        "else_clause",
        "while_statement",
        "case_item",
    }
)
"""Nodes that hold statements, one behind the other."""
ASKS = frozenset({"if_statement", "elif_clause", "while_statement"})
"""Those of them that begin with a condition."""
MOST_REPAIRS = 20
DEEPEST = 150
"""Nesting beyond which nothing is read: no runbook has it, a mutated one does."""


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def read_script(fences: Sequence[Fence]) -> Script:
    """The shell of these fences; others are passed over."""
    script = Script()
    for fence in fences:
        if fence.is_shell or (not fence.language and fence.has_prompts):
            script.fences.append(fence)
            _Reader(script, fence).read()
    return script


def prepared(fence: Fence) -> str:
    """The block's text as a shell could take it: same length, ASCII, prompts and printed lines blank."""
    return masked(_without_prompts(fence))


def masked(text: str) -> str:
    """Placeholders as words, and every character outside ASCII as a letter; same length."""
    filled = PLACEHOLDER.sub(lambda match: re.sub(r"[^\w]", "_", match[0]), text)
    return filled if filled.isascii() else "".join(char if char.isascii() else "x" for char in filled)


def _without_prompts(fence: Fence) -> str:
    if not fence.has_prompts:
        return fence.text
    kept: list[str] = []
    goes_on, ends_at = False, ""
    for line in fence.text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        found = PROMPT.match(bare)
        if ends_at:
            kept.append(line)
            if bare.strip() == ends_at:
                ends_at = ""
            continue
        if found or goes_on:
            width = found.end() if found else 0
            kept.append(" " * width + line[width:])
            goes_on = bare.endswith("\\")
            heredoc = re.search(r"<<-?\s*['\"]?(\w+)['\"]?", bare)
            ends_at = heredoc[1] if heredoc else ""
        else:
            kept.append(" " * len(bare) + ("\n" if line.endswith("\n") else ""))
            goes_on = False
    return "".join(kept)


@dataclass(frozen=True)
class _Around:
    """What surrounds a node: handed down while walking."""

    reads_status: bool = False
    decides: str = ""
    captured: bool = False
    captured_in: str = ""
    background: bool = False
    loop: bool = False
    loop_word: str = ""
    function: bool = False
    guarded: bool = False
    conditional: bool = False
    runs_in: Command | None = None
    depth: int = 0


class _Reader:
    """Reads one fence, or a script inside one, into a Script."""

    def __init__(self, script: Script, fence: Fence, start: int = 0, end: int | None = None) -> None:
        self._script, self._fence = script, fence
        self._base = start
        stop = len(fence.text) if end is None else end
        self._original = fence.text[start:stop]
        self._text = (prepared(fence) if end is None else masked(self._original)).rstrip()
        # a last line without its end is read as one with it
        self._text += "\n"

    def read(self, around: _Around | None = None) -> None:
        tree = self._parsed()
        if tree.root_node.has_error and around is None:
            self._script.unread.append((self._fence, self._span(*_first_error(tree.root_node))))
        self._walk(tree.root_node, around or _Around())

    def _parsed(self) -> Tree:
        """The tree. The grammar takes some line ends for blanks, and reads the next command as words of the
        one before: such a line end is read as the ; that it stands for, which changes no offset."""
        tree = _parser().parse(self._text.encode("ascii"))
        for _ in range(MOST_REPAIRS):
            ends = list(_missed_ends(tree.root_node, self._text))
            if not ends:
                break
            text = list(self._text)
            for end in ends:
                text[end] = ";"
            self._text = "".join(text)
            tree = _parser().parse(self._text.encode("ascii"))
        return tree

    # --- places

    def _span(self, start: int, end: int) -> Span:
        return self._fence.places.span(self._base + start, self._base + min(end, len(self._original)))

    def _raw(self, node: Node) -> str:
        return self._original[node.start_byte : node.end_byte]

    # --- statements

    def _walk(self, node: Node, around: _Around) -> list[Command]:
        """Read a node; the commands whose status is the node's own."""
        if around.depth > DEEPEST:
            return []
        around = replace(around, depth=around.depth + 1)
        if node.type in STATEMENTS and node.parent is not None and node.parent.type in BODIES:
            self._state(node, node.parent)
        reader = getattr(self, f"_read_{node.type}", None)
        if reader is not None:
            found: list[Command] = reader(node, around)
            return found
        return self._walk_children(node, around)

    def _state(self, node: Node, parent: Node) -> None:
        # in a long program no statement is looked at for another
        asks = parent.type in ASKS and any(
            child.type in {"then", "do_group"} and child.start_byte > node.start_byte
            for child in parent.children
        )
        self._script.statements.append(
            Statement(
                self._fence,
                node.type,
                self._base + node.start_byte,
                self._base + node.end_byte,
                (self._base + parent.start_byte, self._base + parent.end_byte),
                asks,
                tuple(self._base + child.start_byte for child in node.children if child.type in {"&&", "||"}),
            )
        )

    def _walk_children(self, node: Node, around: _Around) -> list[Command]:
        last: list[Command] = []
        children = node.children
        for index, child in enumerate(children):
            if not child.is_named:
                continue
            following = children[index + 1] if index + 1 < len(children) else None
            in_background = following is not None and following.type == "&"
            last = self._walk(child, replace(around, background=True) if in_background else around) or last
        return last

    def _read_comment(self, node: Node, around: _Around) -> list[Command]:
        before = self._text[: node.start_byte].rsplit("\n", 1)[-1]
        self._script.comments.append(
            Comment(
                self._raw(node).lstrip("#").strip(),
                self._span(node.start_byte, node.end_byte),
                self._fence,
                not before.strip(),
            )
        )
        return []

    def _read_list(self, node: Node, around: _Around) -> list[Command]:
        left, *rest = [child for child in node.children if child.is_named]
        operator = next((child.type for child in node.children if child.type in {"&&", "||"}), "")
        first = self._walk(left, replace(around, reads_status=True, decides=operator))
        last = first
        for child in rest:
            last = self._walk(
                child, replace(around, guarded=operator == "&&" or around.guarded, conditional=True)
            )
        if operator == "||" and last and last[-1].name in {"true", ":"}:
            for command in first:
                command.or_true = True
        return [*first, *last] if operator == "&&" else last

    def _read_pipeline(self, node: Node, around: _Around) -> list[Command]:
        stages = [child for child in node.children if child.is_named and child.type != "comment"]
        commands: list[Command] = []
        last: list[Command] = []
        for index, stage in enumerate(stages):
            is_end = index == len(stages) - 1
            within = around if is_end else replace(around, reads_status=False, decides="")
            last = self._walk(stage, within)
            commands.extend(command for command in last if command not in commands)
        self._join(commands)
        return last

    @staticmethod
    def _join(commands: list[Command]) -> None:
        for command in commands:
            command.pipeline = commands

    def _read_negated_command(self, node: Node, around: _Around) -> list[Command]:
        return self._walk_children(node, replace(around, reads_status=True, decides=around.decides or "!"))

    def _read_if_statement(self, node: Node, around: _Around) -> list[Command]:
        return self._conditional(node, around, "if")

    def _read_elif_clause(self, node: Node, around: _Around) -> list[Command]:
        return self._conditional(node, around, "if")

    def _conditional(self, node: Node, around: _Around, word: str) -> list[Command]:
        is_condition = True
        for child in node.children:
            if child.type == "then":
                is_condition = False
            elif child.is_named and is_condition:
                self._walk(child, replace(around, reads_status=True, decides=word))
            elif child.is_named:
                self._walk(
                    child, replace(around, guarded=True, conditional=True, reads_status=False, decides="")
                )
        return []

    def _read_while_statement(self, node: Node, around: _Around) -> list[Command]:
        for child in node.children:
            if child.type == "do_group":
                self._walk(
                    child, replace(around, loop=True, conditional=True, reads_status=False, decides="")
                )
            elif child.is_named:
                self._walk(child, replace(around, reads_status=True, decides="while", loop=True))
        return []

    def _read_for_statement(self, node: Node, around: _Around) -> list[Command]:
        variable = node.child_by_field_name("variable")
        name = self._raw(variable) if variable is not None else ""
        if name:
            self._assign(name, None, node.start_byte)
        for child in node.children:
            if child.type == "do_group":
                self._walk(
                    child, replace(around, loop=True, loop_word=name, conditional=True, reads_status=False)
                )
            elif child.is_named and child is not variable:
                self._walk(child, replace(around, captured_in="for"))
        return []

    def _read_c_style_for_statement(self, node: Node, around: _Around) -> list[Command]:
        return self._walk_children(node, replace(around, loop=True))

    def _read_case_statement(self, node: Node, around: _Around) -> list[Command]:
        value = node.child_by_field_name("value")
        for child in node.children:
            if child.is_named:
                is_value = value is not None and child.id == value.id
                self._walk(
                    child,
                    replace(around, captured_in="case") if is_value else replace(around, conditional=True),
                )
        return []

    def _read_function_definition(self, node: Node, around: _Around) -> list[Command]:
        self._walk_children(node, replace(around, function=True, reads_status=False))
        return []

    def _read_command_substitution(self, node: Node, around: _Around) -> list[Command]:
        self._walk_children(
            node,
            replace(
                around,
                captured=True,
                captured_in=around.captured_in or "word",
                reads_status=False,
                decides="",
            ),
        )
        return []

    def _read_process_substitution(self, node: Node, around: _Around) -> list[Command]:
        self._walk_children(
            node, replace(around, captured=True, captured_in="word", reads_status=False, decides="")
        )
        return []

    def _read_variable_assignment(self, node: Node, around: _Around) -> list[Command]:
        name_node, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name_node is None:
            return []
        name = self._raw(name_node)
        before = len(self._script.commands)
        if value is not None:
            self._walk(value, replace(around, captured_in=name))
        inner = self._script.commands[before:]
        word = self._word(value) if value is not None else None
        self._assign(name, word.text if word is not None and word.is_literal else None, node.start_byte)
        if around.reads_status and inner:
            inner[-1].status_is_read = True
        return inner[-1:] if value is not None and value.type == "command_substitution" else []

    def _read_declaration_command(self, node: Node, around: _Around) -> list[Command]:
        for child in node.children:
            if child.type == "variable_name":
                self._assign(self._raw(child), None, child.start_byte)
            elif child.is_named:
                self._walk(child, around)
        return []

    def _assign(self, name: str, value: str | None, start: int) -> None:
        self._script.values[name] = value
        self._script.assignments.append(
            Assignment(name, value, len(self._script.commands), self._base + start, self._fence)
        )

    # --- variables

    def _read_simple_expansion(self, node: Node, around: _Around) -> list[Command]:
        name = self._raw(node).lstrip()[1:]
        if name == "?" and self._script.commands:
            previous = self._script.commands[-1].outer
            previous.status_is_read, previous.status_decides = True, "$?"
            return []
        self._use(name, node, has_default=False, demands=False)
        return []

    def _read_expansion(self, node: Node, around: _Around) -> list[Command]:
        names = [child for child in node.children if child.type == "variable_name"]
        operators = {child.type for child in node.children if not child.is_named}
        if names:
            self._use(
                self._raw(names[0]),
                node,
                has_default=bool(operators & {":-", "-", ":=", "=", ":+", "+", ":?", "?"}),
                demands=bool(operators & {":?", "?"}),
            )
        return self._walk_children(node, around)

    def _use(self, name: str, node: Node, *, has_default: bool, demands: bool) -> None:
        written = self._raw(node)
        # within a string the blanks before it belong to the node
        blanks = len(written) - len(written.lstrip())
        self._script.uses.append(
            Use(
                name,
                has_default,
                demands,
                self._span(node.start_byte + blanks, node.end_byte),
                self._fence,
                len(self._script.commands),
            )
        )

    # --- commands

    def _read_redirected_statement(self, node: Node, around: _Around) -> list[Command]:
        body = node.child_by_field_name("body")
        commands = self._walk(body, around) if body is not None else []
        target = commands[-1] if commands else None
        for child in node.children:
            if body is not None and child.id == body.id:
                continue
            if child.type.endswith("redirect"):
                self._redirect(child, target, around)
            elif child.is_named:
                self._walk(child, around)
        if target is not None:
            self._descend(target, around)
        return commands

    def _redirect(self, node: Node, command: Command | None, around: _Around) -> None:
        if node.type == "heredoc_redirect":
            self._heredoc(node, command, around)
            return
        operator = next((child.type for child in node.children if not child.is_named), "")
        descriptor = next(
            (self._raw(child) for child in node.children if child.type == "file_descriptor"), ""
        )
        named = [child for child in node.children if child.is_named and child.type != "file_descriptor"]
        for child in named:
            self._walk(child, around)
        word = self._word(named[0]) if named else None
        if command is not None:
            text = word.text if node.type == "herestring_redirect" and word is not None else ""
            command.redirects.append(Redirect(operator, word, text, self._base + node.start_byte, descriptor))

    def _heredoc(self, node: Node, command: Command | None, around: _Around) -> None:
        others: list[Node] = []
        for child in node.children:
            if child.type == "heredoc_body":
                if command is not None:
                    start = self._base + child.start_byte
                    command.redirects.append(Redirect("<<", None, self._raw(child), start))
                self._walk_children(child, around)
            elif child.type.endswith("redirect"):
                self._redirect(child, command, around)
            elif child.is_named and child.type not in {"heredoc_start", "heredoc_end"}:
                others.append(child)
        for child in others:
            following = self._walk(child, around)
            if child.type == "pipeline" and command is not None:
                before = command.pipeline or [command]
                self._join([*before, *(entry for entry in following if entry not in before)])

    def _read_test_command(self, node: Node, around: _Around) -> list[Command]:
        self._walk_children(node, replace(around, captured_in="test"))
        words = [self._plain("[", node.start_byte, node.start_byte + 1)]
        words += [self._word(leaf) for leaf in _operands(node)]
        return [self._add(node, tuple(words), (), around, ())]

    def _plain(self, text: str, start: int, end: int) -> Word:
        return Word(text, text, True, False, self._base + start, self._base + end, self._span(start, end))

    def _read_command(self, node: Node, around: _Around) -> list[Command]:
        words: list[Word] = []
        assigned: list[str] = []
        redirects: list[Node] = []
        for child in node.children:
            if child.type == "variable_assignment":
                assigned.append(self._raw(child).split("=", 1)[0])
                value = child.child_by_field_name("value")
                if value is not None:
                    self._walk(value, around)
            elif child.type.endswith("redirect"):
                redirects.append(child)
            elif child.is_named:
                self._walk(child, replace(around, reads_status=False, decides="", background=False))
                words.append(self._word(child))
        bare, wrappers = _unwrapped(words)
        command = self._add(node, bare, wrappers, around, tuple(assigned))
        for redirect in redirects:
            self._redirect(redirect, command, around)
        if command.name in {"read", "mapfile", "readarray", "getopts"}:
            for word in command.arguments:
                if word.text.isidentifier():
                    self._assign(word.text, None, node.start_byte)
        if command.name == "printf" and "-v" in command.texts[:-1]:
            self._assign(command.texts[command.texts.index("-v") + 1], None, node.start_byte)
        if node.parent is None or node.parent.type != "redirected_statement":
            self._descend(command, around)
        return [command]

    def _add(
        self,
        node: Node,
        words: tuple[Word, ...],
        wrappers: tuple[str, ...],
        around: _Around,
        assigned: tuple[str, ...],
    ) -> Command:
        command = Command(
            self._fence,
            words,
            wrappers,
            self._base + node.start_byte,
            self._base + node.end_byte,
            self._span(node.start_byte, node.end_byte),
            self._raw(node),
            order=len(self._script.commands),
            status_is_read=around.reads_status,
            status_decides=around.decides,
            is_captured=around.captured,
            captured_in=around.captured_in if around.captured else "",
            is_in_background=around.background,
            is_in_loop=around.loop,
            loop_word=around.loop_word,
            is_in_function=around.function,
            guarded=around.guarded,
            conditional=around.conditional,
            assignments=assigned,
            runs_in=around.runs_in,
        )
        command.pipeline = [command]
        self._script.commands.append(command)
        return command

    # --- scripts inside

    def _descend(self, command: Command, around: _Around) -> None:
        """Read the command that another one starts: after `kubectl exec ... --`, in `sh -c`, in a heredoc."""
        inner = command
        away = around.runs_in
        carried = _carried_words(command)
        if carried:
            away = around.runs_in if command.name == "xargs" else command
            words, wrappers = carried
            start, end = words[0].start, words[-1].end
            inner = replace(
                command,
                words=words,
                wrappers=wrappers,
                start=start,
                span=self._fence.places.span(start, end),
                raw=self._fence.text[start:end],
                order=len(self._script.commands),
                pipeline=[],
                redirects=list(command.redirects),
                assignments=(),
                runs_in=away,
                carrier=command,
            )
            self._script.commands.append(inner)
        if inner.name not in INNER_SHELLS or around.depth > DEEPEST // 4:
            return
        within = replace(
            around,
            runs_in=away,
            captured=command.is_captured,
            captured_in=command.captured_in,
            reads_status=command.status_is_read,
            background=False,
        )
        text = _script_argument(inner)
        if text is not None:
            self._nested(text.start + 1, text.end - 1, within)
            return
        reads_input = not inner.arguments or any(argument.text in {"-s", "-"} for argument in inner.arguments)
        for redirect in command.redirects:
            if redirect.operator == "<<" and reads_input:
                self._nested(redirect.start, redirect.start + len(redirect.text), within)

    def _nested(self, start: int, end: int, around: _Around) -> None:
        if start < end <= len(self._fence.text):
            _Reader(self._script, self._fence, start, end).read(
                replace(around, depth=around.depth + DEEPEST // 4)
            )

    # --- words

    def _word(self, node: Node) -> Word:
        text, literal, variables = self._value(node, 0)
        written = self._raw(node)
        is_placeholder = PLACEHOLDER.search(written) is not None and node.type != "raw_string"
        return Word(
            text,
            written,
            literal and not is_placeholder,
            is_placeholder,
            self._base + node.start_byte,
            self._base + node.end_byte,
            self._span(node.start_byte, node.end_byte),
            variables,
        )

    def _value(self, node: Node, depth: int) -> tuple[str, bool, tuple[str, ...]]:
        """The text that the shell makes of a node, whether it is known, and the variables in it."""
        kind = node.type
        written = self._raw(node)
        if depth > DEEPEST:
            return written, False, ()
        if kind in PLAIN:
            return re.sub(PLAIN[kind], r"\1", re.sub(r"\\\n", "", written)), True, ()
        if kind == "raw_string":
            return written[1:-1], True, ()
        if kind in {"simple_expansion", "expansion"}:
            return self._expanded(node, written)
        if kind in {"command_name", "concatenation", "string", "translated_string"}:
            return self._parts(node, depth)
        is_test = kind in {"unary_expression", "binary_expression", "parenthesized_expression"}
        return written, is_test, ()

    def _expanded(self, node: Node, written: str) -> tuple[str, bool, tuple[str, ...]]:
        names = [self._raw(child) for child in node.children if child.type == "variable_name"]
        plain = len([child for child in node.children if child.is_named]) == 1
        if names and plain:
            return self._variable(names[0], written)
        return written, False, tuple(names)

    def _parts(self, node: Node, depth: int) -> tuple[str, bool, tuple[str, ...]]:
        texts: list[str] = []
        literal = True
        variables: list[str] = []
        end = node.start_byte + (1 if node.type == "string" else 0)
        for child in node.children:
            if node.type == "string" and child.type == '"':
                continue
            # blanks at the edge of a string's content belong to no node
            if node.type == "string" and child.start_byte > end:
                texts.append(self._original[end : child.start_byte])
            text, known, names = self._value(child, depth + 1)
            texts.append(text)
            literal = literal and known
            variables.extend(names)
            end = child.end_byte
        return "".join(texts), literal, tuple(variables)

    def _variable(self, name: str, written: str) -> tuple[str, bool, tuple[str, ...]]:
        value = self._script.values.get(name)
        return (value, True, (name,)) if value is not None else (written, False, (name,))


def _missed_ends(root: Node, text: str) -> Iterator[int]:
    """Where a command goes on behind a line end that is not escaped."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.children)
        if node.type != "command":
            continue
        for before, after in pairwise(node.children):
            gap = text[before.end_byte : after.start_byte]
            end = gap.find("\n")
            if end >= 0 and "\\" not in gap[:end] and "heredoc" not in before.type:
                yield before.end_byte + end
                break


def _first_error(node: Node) -> tuple[int, int]:
    waiting = [node]
    while waiting:
        current = waiting.pop(0)
        if current.is_error or current.is_missing:
            return current.start_byte, current.end_byte
        waiting.extend(child for child in current.children if child.has_error or child.is_missing)
    return node.start_byte, node.end_byte


def _operands(node: Node) -> Iterator[Node]:
    for child in node.children:
        if child.type in {
            "unary_expression",
            "binary_expression",
            "parenthesized_expression",
            "negation_expression",
        }:
            yield from _operands(child)
        elif child.is_named or child.type in {"=", "==", "!=", "<", ">", "=~", "-a", "-o", "!", "&&", "||"}:
            yield child


def _unwrapped(words: Sequence[Word]) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    """The words behind sudo, timeout, env and the like, and those words' names."""
    wrappers: list[str] = []
    index = 0
    while index < len(words) - 1 and words[index].text in WRAPPERS:
        name = words[index].text
        wrappers.append(name)
        index += 1
        while index < len(words) - 1 and words[index].text.startswith("-"):
            takes_value = words[index].text in WRAPPER_OPTIONS_WITH_VALUES and name != "time"
            if words[index].text == "-n" and name == "sudo":
                wrappers.append("sudo -n")
                takes_value = False
            index += 2 if takes_value and index + 2 < len(words) else 1
        index += min(WRAPPERS[name], len(words) - 1 - index)
        while name == "env" and index < len(words) - 1 and "=" in words[index].text:
            index += 1
    return tuple(words[index:]), tuple(wrappers)


def _carried_words(command: Command) -> tuple[tuple[Word, ...], tuple[str, ...]] | None:
    """The words of the command that this one runs elsewhere, without wrappers: after `--` of kubectl exec or
    run, after the container's name of docker exec. None where there is none."""
    texts = [word.text for word in command.words]
    rest: Sequence[Word] = ()
    if command.name in {"kubectl", "oc"} and "--" in texts and {"exec", "run", "debug"} & set(texts[1:]):
        rest = command.words[texts.index("--") + 1 :]
    elif command.name in {"docker", "podman"} and texts[1:2] == ["exec"]:
        index = 2
        while index < len(texts) and texts[index].startswith("-"):
            index += 2 if texts[index] in {"-e", "-u", "-w", "--env", "--user", "--workdir"} else 1
        rest = command.words[index + 1 :]
    elif command.name == "xargs":
        index = 1
        while index < len(texts) and texts[index].startswith("-"):
            index += 2 if texts[index] in {"-n", "-P", "-I", "-L", "-d"} else 1
        rest = command.words[index:]
    return _unwrapped(rest) if rest else None


def _script_argument(command: Command) -> Word | None:
    """The quoted text after -c, where its quotes are one pair around the whole."""
    for option, value in zip(command.arguments, command.arguments[1:], strict=False):
        is_c = option.text.startswith("-") and not option.text.startswith("--") and option.text.endswith("c")
        if is_c and len(value.raw) > 2 and value.raw[0] == value.raw[-1] and value.raw[0] in "'\"":
            return value
    return None
