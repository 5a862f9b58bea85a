"""`cem export`: a view of the history and a period of it as CSV."""

import csv
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click
import orjson
import psycopg

from agents.archive.export import VIEWS, Export, ExportError
from agents.archive.reach import refusal
from agents.cli.archive import check_postgres
from agents.cli.context import Mistake, config_option, load_settings

PROGRESS_ROWS = 2000


class Moment(click.ParamType):
    """A day, or a time with its offset from UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """A day is its first moment in UTC."""
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a day such as 2026-01-31 nor a time such as 2026-01-31T12:00:00Z")
        if found.tzinfo is None:
            if len(value) > len("2026-01-31"):
                self.fail(f"{value!r} has no offset from UTC; write it like 2026-01-31T12:00:00Z")
            found = found.replace(tzinfo=UTC)
        return found.astimezone(UTC)


@click.command()
@config_option
@click.argument("view", type=click.Choice(sorted(VIEWS)), metavar="VIEW")
@click.option("--from", "first", type=Moment(), help="The first day or time of the period.")
@click.option("--to", "last", type=Moment(), help="The end of the period; it is not a part of it.")
@click.option("--unit", "unit_id", help="Only this unit.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The CSV file to write.")
@click.option(
    "--head-office", is_flag=True, help="With what is confidential; your user of the database must be allowed."
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON at the end instead of text.")
def export(
    config: Path | None,
    view: str,
    first: datetime | None,
    last: datetime | None,
    unit_id: str | None,
    out: Path,
    head_office: bool,
    as_json: bool,
) -> None:
    """Write a view of the history, and a period of it, into a CSV file.

    The file can be opened in a spreadsheet: no cell is taken for a formula. deploy/history.md says what the views hold.

    \b
    Example:
      cem export unit_day --from 2026-01-01 --to 2026-02-01 --unit store-17 --out january.csv
    """
    settings = load_settings(config)
    check_postgres(settings)
    chosen = VIEWS[view]
    if unit_id is not None and not chosen.unit:
        raise Mistake(f"{view} has no units; --unit does not go with it")
    if chosen.time is None and (first or last):
        raise Mistake(f"{view} is as of now; --from and --to do not go with it")
    if first and last and first >= last:
        raise Mistake("the period ends before it begins; --to comes after --from")
    role = "cem_head_office" if head_office else "cem_analyst"
    try:
        with Export(settings.postgres, chosen, first, last, unit_id, role) as found:
            _write(found, out, quiet=as_json)
    except ExportError as error:
        raise Mistake(str(error)) from None
    except psycopg.OperationalError as error:
        refused = refusal(settings.postgres, error)
        raise Mistake(refused or f"no PostgreSQL answers: {str(error).strip().partition(chr(10))[0]}") from None
    except OSError as error:
        raise Mistake(f"{out}: {error.strerror or error}") from None
    if as_json:
        click.echo(orjson.dumps({"view": view, "rows": found.total, "columns": found.columns, "file": str(out)}))
    else:
        click.echo(f"{found.total} rows of {view} in {out}")


def _write(found: Export, out: Path, *, quiet: bool) -> None:
    """Beside the file first, so that there is never half a file under its name."""
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            _rows(found, file, quiet)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _rows(found: Export, file: IO[str], quiet: bool) -> None:
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(found.columns)
    stderr = click.get_text_stream("stderr")
    with click.progressbar(length=found.total, label="rows", file=stderr, hidden=quiet or not stderr.isatty()) as bar:
        for number, row in enumerate(found.rows(), 1):
            writer.writerow(row)
            if number % PROGRESS_ROWS == 0:
                bar.update(PROGRESS_ROWS)
        bar.update(found.total % PROGRESS_ROWS)
