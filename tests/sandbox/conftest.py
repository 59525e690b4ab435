import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aiotofupilot.models import Procedure, Repository, User

# A server whose database is down has to wait for faults that can be asked for.
UNREACHABLE = {"internal-error"}
WIRE = json.loads((Path(__file__).parents[1] / "wire" / "procedures.json").read_text("utf-8"))
UUIDS = "550e8400-e29b-41d4-a716-4466"


def recorded_procedure(index: int) -> Procedure:
    """The recorded server's data, whose rules were read off its answers."""
    return Procedure(
        id=f"{UUIDS}55440{index:03}",
        name=f"Battery Test {index}",
        created_at=datetime(2024, 1, 25, 20, 30, tzinfo=UTC) - timedelta(hours=index),
        created_by_user=User(
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recorded" in metafunc.fixturenames:
        metafunc.parametrize(
            "recorded", [pytest.param(case, id=case["name"]) for case in WIRE if case["name"] not in UNREACHABLE]
        )
