"""What commands share: settings from the command line's surroundings, and how mistakes are told.

The one rule: a mistake of the user's is one clear line on standard error and exit code 2.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from agents.settings import Loaded, Settings, SettingsError, load

Command = TypeVar("Command", bound=Callable[..., Any])


class Mistake(click.ClickException):
    """Something that the user can put right."""

    exit_code = 2


def config_option(command: Command) -> Command:
    """`--config FILE`, the TOML file of settings."""
    return click.option(
        "--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings in TOML (also CEM_CONFIG)."
    )(command)


def load_all(config: Path | None, **overrides: Any) -> Loaded:
    """Settings with their origins; a wrong one is the user's mistake, and so is a model that cannot be used."""
    try:
        loaded = load(os.environ, config, **overrides)
    except SettingsError as error:
        raise Mistake(str(error)) from None
    _check_understanding(loaded)
    return loaded


def _check_understanding(loaded: Loaded) -> None:
    """A model or a taxonomy that cannot be used is found before anything is started."""
    given = {name: getattr(loaded.settings, name) for name in ("model", "aspect_model", "taxonomies")}
    if not any(given.values()):
        return
    from agents.parts import listener_of
    from pipeline.learned.file import ModelError
    from pipeline.taxonomy_file import TaxonomyError

    for name, value in given.items():
        try:
            listener_of(msgspec.structs.replace(Settings(), **{name: value}))
        except (ModelError, TaxonomyError) as error:
            raise Mistake(f"{name} ({loaded.origins[name]}): {error}") from None


def load_settings(config: Path | None, **overrides: Any) -> Settings:
    """Settings for a command that works without Kafka."""
    return load_all(config, **overrides).settings


def load_with_kafka(config: Path | None, **overrides: Any) -> Settings:
    """Settings for a command that needs Kafka."""
    settings = load_settings(config, **overrides)
    if not settings.kafka:
        raise Mistake("no Kafka is set; export CEM_KAFKA=host:port (or start one: cem kafka)")
    return settings
