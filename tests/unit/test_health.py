"""What an operator's tools ask, and what they are told where it cannot be served."""

import asyncio
import socket

import pytest

from agents.health import HealthServer, PortError


def test_a_port_that_another_service_has_is_a_sentence() -> None:
    """Worker, archive and notify have the same default: who starts two on one machine is told what to set."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = HealthServer("127.0.0.1", port, lambda: None)

        async def start() -> None:
            try:
                await server.start()
            finally:
                await server.stop()

        with pytest.raises(PortError, match=rf"127\.0\.0\.1:{port}, cannot be had \(.+\); .*CEM_HTTP_PORT"):
            asyncio.run(start())
