"""`cem web`: the console, its JSON API and live updates. It starts only with a secret of its own."""

import asyncio
from pathlib import Path

import click

from agents import logs
from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.settings import Settings, SettingsError
from agents.web.identify import networks
from agents.web.people import People, PeopleError, read_people


@click.command()
@config_option
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.")
def web(config: Path | None, host: str | None, port: int | None) -> None:
    """Serve the console: alerts and cases, live, and the JSON API. As many as you like; each reads all from Kafka.

    Who may sign in: people whom a proxy in front of it names (CEM_WEB_TRUSTED_PROXIES, CEM_WEB_ROLES), and who has a
    token of `cem tokens create`.

    \b
    Example:
      export CEM_KAFKA=broker:9092 CEM_WEB_SECRET="$(openssl rand -hex 32)"
      cem tokens create --role head_office --name maria
      cem web
    """
    settings = load_with_kafka(config, web_host=host, web_port=port)
    people = checked(settings)
    logs.configure(settings, quiet=("aiokafka",))  # it repeats every second that nobody answers; the feed says so
    from agents.web.process import serve

    def told(listening: int) -> None:
        address = settings.web_url or f"http://{settings.web_host}:{listening}"
        click.echo(f"console at {address} (listening on {settings.web_host}:{listening}); Ctrl-C stops it")

    try:
        asyncio.run(serve(settings, people, told))
    except OSError as error:
        reason = error.strerror or error
        raise Mistake(f"{settings.web_host}:{settings.web_port} cannot be listened on: {reason} (--port)") from None


def checked(settings: Settings) -> People:
    """The roles of people, where all settings of the console make sense together. Raises Mistake."""
    if not settings.web_secret:
        raise Mistake(
            "no secret to sign sessions with is set; export CEM_WEB_SECRET with at least 32 secret characters, the "
            'same for all replicas: "$(openssl rand -hex 32)"'
        )
    try:
        proxies, people = networks(settings.web_trusted_proxies), read_people(settings.web_roles)
    except (SettingsError, PeopleError) as error:
        raise Mistake(str(error)) from None
    if bool(proxies) != bool(settings.web_roles):
        raise Mistake(
            "web_trusted_proxies and web_roles belong together: whose word counts, and which role people then have"
        )
    return people
