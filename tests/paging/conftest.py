"""Fixtures for walks of a sandbox in this process. The ``service`` is each module's own."""

import pytest
from fakes.in_process import InProcess


@pytest.fixture
def connection(service):
    return InProcess(service)


@pytest.fixture
def listing(connection):
    return connection.procedures.list
