"""The `cem` command line: one file per command, loaded only when it is called."""

import importlib
from typing import ClassVar

import click


class Commands(click.Group):
    """Knows the names; imports a command's module when it is needed."""

    modules: ClassVar[dict[str, str]] = {
        "acls": "Who may do what on Kafka: print the ACLs, apply them.",
        "alerts": "Read alerts as a consumer does, act on them as a manager does.",
        "archive": "Write history into PostgreSQL, for analysts.",
        "audit": "Check that the history of cases is as it was written.",
        "backtest": "What would have been alerted, at which budget of false alerts.",
        "deadletters": "See what was refused and why; send it through again.",
        "demo": "Start everything and play a scenario into it.",
        "doctor": "Say what is wrong and what to do.",
        "export": "Write a view of the history and a period of it as CSV.",
        "forecast": "How far posts will spread, from their reposts so far.",
        "ingest": "Send a CSV or JSON-lines file into the service.",
        "kafka": "Run an embedded Apache Kafka in the foreground.",
        "notify": "Send messages about alerts: webhooks, chat, PagerDuty, e-mail.",
        "replay": "Turn history into alerts, in one process, without Kafka.",
        "restore": "Make everything anew from the input topics, when all else is lost.",
        "run": "Run a worker against the configured Kafka.",
        "scenario": "Make a labelled world: posts, units, and the incidents hidden in them.",
        "score": "Score texts.",
        "series": "Notice surges in any series of counts (CSV).",
        "settings": "Show the settings in force and where they come from.",
        "tokens": "Make, list and revoke tokens for the console and its API.",
        "topics": "Create, check and export topics.",
        "train": "Learn from labelled texts: a model file, and how good it is.",
        "units": "Check and publish the directory of units.",
        "unrouted": "See what found no unit; say which one it is about.",
        "web": "Serve the console: alerts and cases, live, and the JSON API.",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, sorted."""
        return sorted(self.modules)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command called `name`, None if there is none."""
        if name not in self.modules:
            return None
        command: click.Command = getattr(importlib.import_module(f"agents.cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self.modules.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="social-cem", prog_name="cem")
def main() -> None:
    """Social CEM: reads what customers say about local units, notices what is about to spread, tells those who can
    fix it.

    \b
    Example:
      cem demo                                   # everything on this machine, no Kafka needed
      cem alerts tail --unit store-17            # what the consumer of a unit's alerts sees
    """
