"""One description of how to reach Kafka, for each of the three clients: Faust, aiokafka, kafka-python."""

import ssl
from typing import Any

import faust

from agents.settings import Settings

REQUEST_TIMEOUT_MS = 30_000


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS as set, None without TLS. Raises OSError if a file cannot be read."""
    if not settings.security_protocol.endswith("SSL"):
        return None
    context = ssl.create_default_context(cafile=settings.tls_ca_file or None)
    if settings.tls_cert_file:
        context.load_cert_chain(
            settings.tls_cert_file, settings.tls_key_file or None, settings.tls_key_password or None
        )
    return context


def aiokafka_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for aiokafka's consumers and producers."""
    return {
        **kafka_python_options(settings),
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
    }


def kafka_python_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for kafka-python's clients."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka.split(","),
        "security_protocol": settings.security_protocol,
    }
    context = ssl_context(settings)
    if context is not None:
        options["ssl_context"] = context
    if settings.security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password
    return options


def faust_credentials(settings: Settings) -> Any:
    """The `broker_credentials` of a Faust app, None where there are none."""
    context = ssl_context(settings)
    if settings.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.sasl_username,
            password=settings.sasl_password,
            ssl_context=context,
            mechanism=settings.sasl_mechanism,
        )
    return faust.SSLCredentials(context=context) if context is not None else None
