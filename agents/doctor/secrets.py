"""Are the settings that a service does not start without there? Nothing of a secret is shown."""

import os
from collections.abc import Iterator
from pathlib import Path

from agents.doctor.finding import Finding, warning, well, wrong
from agents.doctor.patient import Patient
from agents.settings import misspelt
from agents.taxonomies import taxonomies_of
from pipeline.taxonomy_file import TaxonomyError

SHOWN_MAX = 5
FILES = ("model", "aspect_model", "notify", "web_roles", "tls_ca_file", "tls_cert_file", "tls_key_file")


def check(patient: Patient) -> Iterator[Finding]:
    """Missing keys are warnings, because this machine may not be the one that needs them."""
    settings = patient.settings
    before = 0
    if not settings.author_key:
        before += 1
        yield warning(
            "settings", "CEM_AUTHOR_KEY is not set here: `cem run` does not start without", "set it where workers run"
        )
    if settings.sasl_username and settings.security_protocol == "SASL_PLAINTEXT":
        before += 1
        yield warning(
            "settings",
            "CEM_SECURITY_PROTOCOL=SASL_PLAINTEXT: all records travel readable for whoever listens",
            "SASL_SSL, except on one machine",
        )
    for name, like in misspelt(os.environ):
        before += 1
        yield warning("settings", f"{name}: there is no such setting, and nobody reads it", f"is it {like}? Rename it")
    for name in FILES:
        path = getattr(settings, name)
        if path and not Path(path).is_file():
            before += 1
            yield wrong("settings", f"CEM_{name.upper()}: there is no file {path}", "mend the path, or unset it")
    try:
        taxonomies_of(settings.taxonomies)
    except TaxonomyError as error:
        before += 1
        for message in error.messages[:SHOWN_MAX]:
            yield wrong("settings", f"CEM_TAXONOMIES: {message}", "mend it: `cem run` does not start without")
    if not before:
        yield well("settings", "what a worker needs is set")
