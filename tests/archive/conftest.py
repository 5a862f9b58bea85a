"""PostgreSQL and Kafka for the tests of the archive."""

from tests.broker.conftest import embedded, kafka, new_service
from tests.postgres import postgres, postgres_server

__all__ = ["embedded", "kafka", "new_service", "postgres", "postgres_server"]
