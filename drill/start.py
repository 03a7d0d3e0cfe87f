"""Where the program `drill` begins. Flows in: the command line. Flows out: an exit status.

`drill lint` needs none of the cluster's code, which takes seconds to import: it is started without.
"""

from __future__ import annotations

import sys

import click

from drill.errors import DrillError


def main() -> None:
    """Entry point. Errors raised on purpose are one message on standard error, without a traceback; so is a
    file that cannot be read or written.
    """
    try:
        _command().main(prog_name="drill", standalone_mode=False)
    except DrillError as error:
        click.echo(f"drill: {error}", err=True)
        sys.exit(error.exit_status)
    except click.ClickException as error:
        error.show()
        sys.exit(3)
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"drill: {error.filename}: {error.strerror}", err=True)
        sys.exit(3)
    except click.Abort:
        sys.exit(130)


def _command() -> click.Command:
    if sys.argv[1:2] == ["lint"]:
        from drill.lint.command import lint  # noqa: PLC0415 - see above

        return click.Group("drill", commands=[lint])
    from drill.cli import cli  # noqa: PLC0415 - see above

    return cli
