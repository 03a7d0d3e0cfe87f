"""`drill lint`. Flows in: arguments. Flows out: findings on standard output, and an exit status: 0 nothing
found, 1 findings, 3 bad input.
"""

from __future__ import annotations

from pathlib import Path

import click

from drill.durable import write_durably
from drill.errors import InputError, UsageError
from drill.lint.fixing import fixed
from drill.lint.formats import FORMATS
from drill.lint.manifests import load_manifests
from drill.lint.rule import NEEDS, RULES
from drill.lint.run import Options, Outcome, lint_files

FOUND = 1


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("runbooks", nargs=-1, type=click.Path(path_type=Path), metavar="[RUNBOOK.md ...]")
@click.option(
    "--manifests",
    "manifests_folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The Kubernetes manifests of what the runbook speaks of; a kustomization is rendered.",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="IMAGE=TOOLS",
    help="The programs in an image: names with commas between them, or @FILE with one a line.",
)
@click.option(
    "--metrics",
    "metrics_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The metrics that the service exposes: names, one a line, or what /metrics answers.",
)
@click.option(
    "--run",
    "run_folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="A stored run of drills, such as reports/latest: say which findings it has proven.",
)
@click.option("--format", "output", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option(
    "--select", metavar="IDS", default="", help="Only these rules; the beginning of an id names its kind."
)
@click.option("--ignore", metavar="IDS", default="", help="Not these rules.")
@click.option("--explain", metavar="ID", help="Say what a rule is for, with a bad and a good example.")
@click.option(
    "--fix", is_flag=True, help="Write the corrections that are certain into the files, and nothing else."
)
def lint(
    *,
    runbooks: tuple[Path, ...],
    manifests_folder: Path | None,
    images: tuple[str, ...],
    metrics_file: Path | None,
    run_folder: Path | None,
    output: str,
    select: str,
    ignore: str,
    explain: str | None,
    fix: bool,
) -> None:
    """Say what is wrong with a runbook, without a cluster: names that lead nowhere, commands that never
    return, checks that cannot fail, alerts that cannot be right."""
    if explain is not None:
        click.echo(explanation(explain))
        return
    if not runbooks:
        raise UsageError("no runbook is named. For example: drill lint docs/runbook.md")
    options = Options(
        manifests=load_manifests(manifests_folder) if manifests_folder is not None else None,
        tools_of=dict(tools_in(text) for text in images),
        metrics=metrics_in(metrics_file) if metrics_file is not None else None,
        select=_ids(select),
        ignore=_ids(ignore),
    )
    outcome = lint_files(_files(runbooks), options)
    if fix:
        outcome = _fix(outcome, options)
    if run_folder is not None:
        # reading runs takes a tenth of a second to import, which lint alone does not need
        from drill.lint.proven import with_proofs  # noqa: PLC0415

        outcome = with_proofs(outcome, run_folder)
    shown = FORMATS[output](outcome)
    if shown:
        click.echo(shown)
    if outcome.findings:
        raise SystemExit(FOUND)


def explanation(identifier: str) -> str:
    """What --explain prints. Raises UsageError for an id that is none."""
    entry = RULES.get(identifier.upper())
    if entry is None:
        raise UsageError(f"{identifier!r} is no rule. There are: {', '.join(sorted(RULES))}")
    parts = [f"{entry.id}: {entry.title} ({entry.kind})", "", entry.why, ""]
    if entry.needs:
        parts += [f"Needs {' and '.join(NEEDS[need] for need in entry.needs)}.", ""]
    return "\n".join([*parts, "Bad:", _indented(entry.bad), "", "Good:", _indented(entry.good)])


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))


def _ids(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _files(runbooks: tuple[Path, ...]) -> list[Path]:
    """The files, and every Markdown file of the folders."""
    found: list[Path] = []
    for path in runbooks:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*.md") if file.is_file())
            if not inside:
                raise UsageError(f"{path}: no Markdown file in it")
            found.extend(inside)
        else:
            found.append(path)
    return found


def tools_in(text: str) -> tuple[str, frozenset[str]]:
    """An image and its programs, as --image gives them. Raises UsageError and InputError."""
    image, equals, tools = text.rpartition("=")
    if not equals or not image or not tools:
        raise UsageError(f"--image {text!r}: expected IMAGE=TOOLS, such as redis:7=redis-cli,sh")
    if not tools.startswith("@"):
        return image, frozenset(part.strip() for part in tools.split(",") if part.strip())
    names = _lines(Path(tools[1:]), f"--image {text!r}")
    return image, frozenset(name.strip().rsplit("/", 1)[-1] for name in names if name.strip())


def metrics_in(file: Path) -> frozenset[str]:
    """The names of metrics in a file, as --metrics names it. Raises UsageError and InputError."""
    names: set[str] = set()
    for line in _lines(file, "--metrics"):
        words = line.split()
        if line.startswith(("# TYPE ", "# HELP ")) and len(words) > 2:
            names.add(words[2])
        elif words and not line.startswith("#"):
            names.add(words[0].partition("{")[0])
    if not names:
        raise InputError(file, None, "(no name)", "names of metrics, one a line, or what /metrics answers")
    return frozenset(names)


def _lines(file: Path, option: str) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageError(f"{option}: {file}: no such file") from error
    except UnicodeDecodeError as error:
        raise InputError(file, None, str(error), "UTF-8 text") from error


def _fix(outcome: Outcome, options: Options) -> Outcome:
    """Write the certain corrections, and look again."""
    # a file that is named twice, by a link too, is corrected once
    for file, document in {document.path.resolve(): document for document in outcome.documents}.items():
        own = [finding for finding in outcome.findings if finding.path == document.path]
        if any(finding.edit is not None for finding in own):
            # line ends stay as they are: the edits know lines and columns only
            text = file.read_bytes().decode("utf-8")
            corrected, count = fixed(text, own)
            mode = file.stat().st_mode & 0o777
            write_durably(file, corrected.encode("utf-8"))
            file.chmod(mode)
            click.echo(f"{document.path}: {count} corrected", err=True)
    return lint_files([document.path for document in outcome.documents], options)
