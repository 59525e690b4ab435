"""Made-up procedures."""

from itertools import pairwise
from uuid import UUID

import pytest

from aiotofupilot.sandbox import make_procedures

MANY = make_procedures(1000)


def test_the_same_seed_makes_the_same_procedures():
    assert make_procedures(50, seed=7) == make_procedures(50, seed=7)
    assert not {p.id for p in make_procedures(50, seed=7)} & {p.id for p in make_procedures(50, seed=8)}


def test_fewer_procedures_are_the_first_of_more():
    assert make_procedures(10) == MANY[:10]
    assert make_procedures(0) == []


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError, match="count must be at least 0, got -1"):
        make_procedures(-1)


def test_each_procedure_is_older_than_the_one_before():
    """All dates are timezone-aware."""
    assert all(newer.created_at > older.created_at for newer, older in pairwise(MANY))
    assert all(p.created_at.utcoffset() is not None for p in MANY)


def test_ids_are_unique_uuids():
    """Every id is a UUID of its own."""
    assert len({UUID(p.id) for p in MANY}) == 1000


def test_procedures_have_every_provider_and_null_of_the_api():
    """They have many names and several creators."""
    creators = {p.created_by_user for p in MANY}
    repositories = {p.linked_repository for p in MANY}
    assert len({p.name for p in MANY}) > 300
    assert len(creators) == 8
    assert {(u.name is None, u.email is None) for u in creators} == {
        (False, False),
        (False, True),
        (True, False),
        (True, True),
    }
    assert None in repositories
    assert {r.provider for r in repositories if r} == {"github", "gitlab", "bitbucket"}
    assert all(r.full_name.endswith(f"/{r.name}") for r in repositories if r)
