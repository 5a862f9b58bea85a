"""Why Kafka cannot be had, in one sentence that says what to do.

In: settings. Out: None where a server answers; else a Refusal. The clients say "unable to bootstrap" after half a
minute whatever the reason is, so a connection is made here step by step (name, port, TLS, user) by aiokafka's own
code. The one rule: a password is in no sentence.

`connect` makes a client of kafka-python. What will not mend itself (a wrong password, a wrong authority) is told at
once; for a Kafka that is not there yet the client waits as long as it does.
"""

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from aiokafka import errors as aiokafka_errors
from aiokafka.conn import create_conn
from aiokafka.protocol.admin import ApiVersionRequest
from kafka.errors import AuthorizationError, KafkaError

from agents.kafka.client import aiokafka_options, kafka_python_options
from agents.settings import Settings

ANSWER_SECONDS_MAX = 5.0

Client = TypeVar("Client")


class UnreachableError(Exception):
    """Kafka cannot be had. The message says why and what to do."""


class Refusal(NamedTuple):
    """`lasting`: waiting does not help."""

    why: str
    lasting: bool


def connect(settings: Settings, client: Callable[..., Client], **options: Any) -> Client:
    """A client of kafka-python, connected. Raises UnreachableError."""
    refusal = why_not(settings)
    if refusal is not None and refusal.lasting:
        raise UnreachableError(refusal.why)
    if refusal is not None and sys.stderr.isatty():  # who looks at it is not left with a silent half minute
        print(f"{refusal.why} Waiting up to half a minute.", file=sys.stderr)
    try:
        return client(**kafka_python_options(settings), **options)
    except (KafkaError, OSError) as error:
        refusal = why_not(settings) or Refusal(f"no Kafka answers at {settings.kafka}: {error}", False)
        raise UnreachableError(refusal.why) from None


def why_not(settings: Settings) -> Refusal | None:
    """What keeps us from every one of the servers; of several reasons a lasting one is told."""
    try:
        options = aiokafka_options(settings)
    except OSError as error:  # ssl.SSLError is one
        return Refusal(
            f"the files for TLS cannot be used ({error.filename or settings.tls_ca_file or settings.tls_cert_file}: "
            f"{error.strerror or error}); look at CEM_TLS_CA_FILE, CEM_TLS_CERT_FILE, CEM_TLS_KEY_FILE and "
            "CEM_TLS_KEY_PASSWORD",
            True,
        )
    found: Refusal | None = None
    for server in settings.kafka.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit():
            return Refusal(f"CEM_KAFKA has {server.strip()!r}, which is not of the form host:port", True)
        # In a thread of its own: who calls may have an event loop that runs.
        with ThreadPoolExecutor(1) as pool:
            refusal = pool.submit(asyncio.run, _try(settings, options, host.strip("[]"), int(port))).result()
        if refusal is None:
            return None
        if found is None or (refusal.lasting and not found.lasting):
            found = refusal
    return found


async def _try(settings: Settings, options: dict[str, Any], host: str, port: int) -> Refusal | None:
    given = {name: value for name, value in options.items() if name not in ("bootstrap_servers", "request_timeout_ms")}
    milliseconds = int(ANSWER_SECONDS_MAX * 1000)
    connection: Any = None
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            connection = await create_conn(host, port, request_timeout_ms=milliseconds, **given)
            await connection.send(ApiVersionRequest())
    except (OSError, TimeoutError, aiokafka_errors.KafkaError, EOFError) as error:
        return _refusal(settings, f"{host}:{port}", error)
    finally:
        if connection is not None:
            connection.close()
    return None


def _refusal(settings: Settings, server: str, error: BaseException) -> Refusal:
    """From the particular to the general: a certificate that is refused is an error of TLS, and of the system."""
    sasl = f"CEM_SASL_USERNAME is {settings.sasl_username!r}, CEM_SASL_MECHANISM {settings.sasl_mechanism}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refusal(
            f"the certificate of Kafka at {server} is not trusted ({error.verify_message}); CEM_TLS_CA_FILE must name "
            "the PEM file of the authority that signed it",
            True,
        )
    if isinstance(error, ssl.SSLError):
        return Refusal(
            f"no TLS can be spoken with {server} ({error.reason or error}); is CEM_SECURITY_PROTOCOL "
            f"({settings.security_protocol}) what this port speaks, and does Kafka want a certificate of ours "
            "(CEM_TLS_CERT_FILE)?",
            True,
        )
    if isinstance(error, aiokafka_errors.UnsupportedSaslMechanismError):
        return Refusal(f"Kafka at {server} does not take this kind of password; {sasl}", True)
    if isinstance(error, aiokafka_errors.SaslAuthenticationFailed | aiokafka_errors.AuthenticationFailedError):
        return Refusal(f"Kafka at {server} refuses the user or the password (CEM_SASL_PASSWORD); {sasl}", True)
    if isinstance(error, aiokafka_errors.IllegalSaslStateError):
        return Refusal(
            f"Kafka at {server} does not take a user and a password on this port; is CEM_SECURITY_PROTOCOL "
            f"({settings.security_protocol}) right?",
            True,
        )
    if isinstance(error, socket.gaierror):
        return Refusal(f"no address is known for {server.rpartition(':')[0]!r}; is CEM_KAFKA right?", False)
    if isinstance(error, TimeoutError | aiokafka_errors.RequestTimedOutError):
        return Refusal(
            f"{server} does not answer within {ANSWER_SECONDS_MAX:.0f} s; is it Kafka, is CEM_KAFKA right, and is "
            f"CEM_SECURITY_PROTOCOL ({settings.security_protocol}) what this port speaks?",
            False,
        )
    if isinstance(error, ConnectionRefusedError):
        return Refusal(f"nothing listens at {server}; does Kafka run, and is CEM_KAFKA right?", False)
    if isinstance(error, aiokafka_errors.KafkaConnectionError | EOFError | ConnectionError):
        return Refusal(
            f"{server} closes the connection; is it Kafka, and is CEM_SECURITY_PROTOCOL "
            f"({settings.security_protocol}) what this port speaks?",
            True,
        )
    return Refusal(f"no Kafka answers at {server}: {error or type(error).__name__}; is CEM_KAFKA right?", False)


def sentence(settings: Settings, error: BaseException) -> str:
    """What Kafka said, for people; who lacks a right is told how to get it."""
    if isinstance(error, AuthorizationError):
        what = error.args[0] if error.args else ""
        user = settings.sasl_username or "this client"
        return f"Kafka does not let {user} do this ({what or error}); who may do what: `cem acls print`"
    return str(error)
