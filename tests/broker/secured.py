"""A Kafka that asks who you are and checks what you may do, with users and certificates made for it.

In: nothing. Out: addresses with and without a password, users by the name of their principal, PEM files. Whoever comes
by the plain port is the super user: on 127.0.0.1, for tests only.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from kafka.admin import KafkaAdminClient, UserScramCredentialUpsertion

from agents.kafka.embedded import EmbeddedKafka

MECHANISM = "SCRAM-SHA-512"
_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


def password_of(user: str) -> str:
    """Recognisable, so that a test can look for it where it must not be."""
    return f"s3cret-of-{user}"


class SecuredKafka:
    """A context manager. `folder` takes the PEM files."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.authority = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.authority))
        self.stranger = folder / "stranger.pem"
        trustme.CA().cert_pem.write_to_path(str(self.stranger))
        self._broker = EmbeddedKafka(also=("SASL_PLAINTEXT", "SASL_SSL", "SSL"), properties=self._properties())
        self._stack = ExitStack()
        self.admin: Any = None

    def __enter__(self) -> Self:
        self._stack.enter_context(self._broker)
        self.admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        self._stack.callback(self.admin.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def bootstrap(self) -> str:
        """Where the super user comes in."""
        return self._broker.bootstrap

    def add_users(self, users: Iterable[str]) -> None:
        """Users with the passwords of `password_of`."""
        made = [UserScramCredentialUpsertion(user, MECHANISM, password_of(user)) for user in users]
        refused = {user: why for user, why in self.admin.alter_user_scram_credentials(made).items() if why}
        assert {} == refused

    def settings_of(self, user: str, protocol: str = "SASL_PLAINTEXT") -> dict[str, str]:
        """Settings with which somebody comes as `user`; by TLS he trusts our authority."""
        return {
            "kafka": self._broker.address(protocol),
            "security_protocol": protocol,
            "sasl_mechanism": MECHANISM,
            "sasl_username": user,
            "sasl_password": password_of(user),
            "tls_ca_file": str(self.authority) if protocol.endswith("SSL") else "",
        }

    def _properties(self) -> dict[str, str]:
        certificate = self._authority.issue_cert("127.0.0.1")
        key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
        chain = b"".join(one.bytes() for one in certificate.cert_chain_pems).decode()
        plain_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        logins = {
            f"listener.name.{name}.{MECHANISM.lower()}.sasl.jaas.config": _LOGIN
            for name in ("sasl_plaintext", "sasl_ssl")
        }
        return {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",  # the controller, and who comes by the plain port
            "sasl.enabled.mechanisms": MECHANISM,
            **logins,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": chain,
            "ssl.keystore.key": plain_key,
        }
