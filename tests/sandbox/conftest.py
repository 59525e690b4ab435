from datetime import UTC, datetime, timedelta
from random import Random

import aiohttp
import pytest

from aiotofupilot.models import Procedure, Repository, UserRef
from aiotofupilot.sandbox import Delivery, Request

UUIDS = "550e8400-e29b-41d4-a716-4466"


def recorded_procedure(index: int) -> Procedure:
    """The data of the recorded server. Its rules follow from its answers."""
    return Procedure(
        id=f"{UUIDS}55440{index:03}",
        name=f"Battery Test {index}",
        created_at=datetime(2024, 1, 25, 20, 30, tzinfo=UTC) - timedelta(hours=index),
        created_by_user=UserRef(
            id=f"{UUIDS}56340{index % 3:03}",
            name="John Doe" if index % 5 else None,
            email="john.doe@company.com" if index % 7 else None,
        ),
        linked_repository=Repository(f"{UUIDS}56240{index:03}", "my-repo", "org/my-repo", "github")
        if index % 2
        else None,
    )


@pytest.fixture
def recorded_procedures() -> list[Procedure]:
    return [recorded_procedure(index) for index in range(250)]


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as client:
        client._retry_connection = False  # aiohttp asks again by itself when a connection breaks before the headers
        yield client


@pytest.fixture
def met():
    """The answer after a fault."""
    page = Delivery.of(200, {"Content-Type": "application/json"}, b"0123456789")

    def met(fault, delivery=page, *, request=None, seed=0):
        return fault.alter(delivery, request or Request(), Random(seed))  # noqa: S311 - test data

    return met
