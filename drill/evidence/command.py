"""`drill evidence`. Flows in: arguments. Flows out: keys, seals, packs, findings.yaml, and an exit status: 0;
1 where a pack does not hold or a finding is overdue; 3 for bad input."""

from __future__ import annotations

from pathlib import Path

import click

from drill import present
from drill.arguments import FILE, FOLDER, settings_of
from drill.errors import InputError
from drill.evidence.findings import read_findings, write_changes
from drill.evidence.keys import default_key, key_id, make_key, public_of, read_private, read_public
from drill.evidence.life import changed_by, overdue, unfounded
from drill.evidence.pack import pack, refuse_altered
from drill.evidence.plan import read_plan, seal, stated_wall
from drill.evidence.report import after_action, html, markdown
from drill.evidence.verify import verify
from drill.history.command import history_of
from drill.history.flaky import flaky_drills
from drill.run.facts import read_facts
from drill.run.manifest import sha256_of
from drill.run.stored import read_verdicts
from drill.settings import Settings

FAILED = 1
KEY = click.option(
    "--key", type=FILE, default=None, metavar="FILE", help="The key (evidence.key of drill's configuration)."
)


@click.group()
def evidence() -> None:
    """Hand a run over: a signed archive that stands for itself, with an after-action report."""


@evidence.command()
@KEY
def init(key: Path | None) -> None:
    """Make the Ed25519 key that signs packs, outside of any repository. Who verifies gets the public half."""
    place = key or default_key()
    public = make_key(place)
    click.echo(
        f"private, for nobody else: {place}\npublic, to hand over: {public}\n"
        f"id: {key_id(read_public(public))}"
    )


@evidence.command()
@click.argument("plan", type=FILE)
@KEY
def plan(plan: Path, key: Path | None) -> None:
    """State a plan, before the run: write a signed seal with its digest and the time beside it."""
    click.echo(seal(plan, read_private(key or default_key()), present.wall()))


@evidence.command("pack")
@click.argument("run_folder", type=FOLDER, metavar="RUN")
@click.option(
    "--plan", "plan_file", type=FILE, metavar="FILE", help="The plan that was stated before the run."
)
@click.option(
    "--out", type=FILE, metavar="FILE", help="Where the pack goes (RUN.drillpack.tar beside the run)."
)
@KEY
@click.pass_context
def pack_run(
    context: click.Context, *, run_folder: Path, plan_file: Path | None, out: Path | None, key: Path | None
) -> None:
    """Make one archive of a stored run, and its after-action report as HTML and Markdown beside it. Secrets
    are left out, and named by file and kind."""
    settings = settings_of(context)
    signing = read_private(key or default_key())
    place = out or run_folder.resolve().with_name(f"{run_folder.resolve().name}.drillpack.tar")
    report = after_action(
        run_folder,
        plan=read_plan(plan_file) if plan_file else None,
        plan_stated_wall=stated_wall(plan_file, signing.public_key()) if plan_file else None,
        plan_sha256=sha256_of(plan_file) if plan_file else "",
        findings=read_findings(_findings_of(settings)),
        drills=history_of(settings, run_folder.resolve().parent).drills(settings.target.name),
        today=present.today(),
    )
    beside = {"after-action.html": html(report).encode(), "after-action.md": markdown(report).encode()}
    if _findings_of(settings).exists():
        beside["findings.yaml"] = _findings_of(settings).read_bytes()
    made = pack(run_folder, place, signing, plan=plan_file, beside=beside)
    for each in made.left_out:
        click.echo(f"left out of {each.name}: {', '.join(each.kinds)}")
    click.echo(f"{made.path}: {made.files} files")
    click.echo("succeeded, by its plan" if report.succeeded else f"FAILED: {'; '.join(report.failures)}")


@evidence.command("verify")
@click.argument("pack_file", type=FILE, metavar="PACK")
@click.option("--key", type=FILE, metavar="FILE", help="The public key of who made the pack (evidence.pub).")
def verify_pack(pack_file: Path, key: Path | None) -> None:
    """Say whether a pack is as it was signed, and whether its verdicts follow from its recordings; without a
    network."""
    public = read_public(key or public_of(default_key()))
    found = verify(pack_file, public)
    for trouble in found.troubles:
        click.echo(trouble)
    if found.troubles or found.packed is None:
        click.echo(f"{pack_file}: does not hold")
        raise SystemExit(FAILED)
    for each in found.packed.left_out:
        click.echo(f"left out of {each.name}: {', '.join(each.kinds)}")
    click.echo(
        f"{pack_file}: holds; run {found.packed.run} of {found.packed.started}, signed by "
        f"{key_id(public)[:16]}, "
        f"{found.files} files, {found.judged} drills judged again"
    )


@evidence.command()
@click.argument("run_folder", type=FOLDER, metavar="RUN", required=False)
@click.pass_context
def findings(context: click.Context, run_folder: Path | None) -> None:
    """Open and close findings by what RUN shows, in findings.yaml; without RUN, only say what is overdue."""
    settings = settings_of(context)
    file = _findings_of(settings)
    known = read_findings(file)
    if run_folder is not None:
        drills = history_of(settings, run_folder.resolve().parent).drills(settings.target.name)
        for line in unfounded(known, drills):
            raise InputError(file, None, line, "a retest that the history knows: drill history import FOLDER")
        facts = read_facts(run_folder)
        refuse_altered(run_folder)
        found = changed_by(
            known,
            facts,
            read_verdicts(run_folder, facts),
            settings.evidence.due_days,
            flaky_drills(drills, facts.run),
            drills=drills,
        )
        if found.opened or found.closed:
            write_changes(file, found.opened, found.closed)
        for line in found.lines():
            click.echo(line)
        known = read_findings(file)
    late = overdue(known, present.today())
    for line in late:
        click.echo(line)
    if late:
        raise SystemExit(FAILED)


def _findings_of(settings: Settings) -> Path:
    return settings.root / settings.evidence.findings
