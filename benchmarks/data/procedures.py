"""Procedures that share a few creators and repositories, and procedures where these are all new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .draws import Draws, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["procedures_of_few", "procedures_of_new"]

_TESTS = (
    *("FVT", "ICT", "End-of-line test", "Burn-in 48 h", "Hi-pot", "Endprüfung", "Calibration", "Boundary scan"),
    *('7" display check', "Leak test", "RF conducted", "Essai de vibration", "Safety ground", "Flash & serialise"),
)
_ORGANIZATIONS = ("volta", "northwind-robotics", "acme", "tidal-instruments", "kestrel")
_PROVIDERS = ("github", "github", "github", "gitlab", "gitlab", "bitbucket")

_NOT_LINKED = 0.125
"""Share of the procedures that have no repository."""


def procedures_of_few() -> Iterator[dict[str, Any]]:
    """Yield procedures without end. They share twelve creators and twenty repositories."""
    draws = Draws("few")
    people = [draws.person(draws.id()) for _ in range(12)]
    repositories = [_repository(draws, draws.id()) for _ in range(20)]
    while True:
        yield _procedure(draws, draws.choice(people), draws.choice(repositories))


def procedures_of_new() -> Iterator[dict[str, Any]]:
    """Yield procedures without end. Each has its own creator and repository."""
    draws = Draws("new")
    while True:
        yield _procedure(draws, draws.person(draws.new_id()), _repository(draws, draws.new_id()))


def _procedure(draws: Draws, person: dict[str, Any], repository: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": draws.new_id(),
        "name": f"{draws.words(draws.integer(1, 3)).capitalize()} {draws.choice(_TESTS)}",
        "created_at": moment(draws.moment()),
        "created_by_user": person,
        "linkedRepository": draws.unless(_NOT_LINKED, repository),
    }


def _repository(draws: Draws, repository_id: str) -> dict[str, Any]:
    name = f"{draws.words(draws.integer(1, 2), '-')}-{draws.integer(1, 9_999)}"
    return {
        "id": repository_id,
        "name": name,
        "fullName": f"{draws.choice(_ORGANIZATIONS)}/{name}",
        "provider": draws.choice(_PROVIDERS),
    }
