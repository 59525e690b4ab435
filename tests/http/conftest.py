"""Servers that send the bytes that they are told to send."""

import pytest
from fakes.raw_server import Server


@pytest.fixture
async def server():
    server = await Server().start()
    yield server
    await server.stop()


@pytest.fixture
async def elsewhere():
    server = await Server().start()
    yield server
    await server.stop()
