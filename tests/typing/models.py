"""The models as type checkers see them: never run, only checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_type

from aiotofupilot.models import Page, PageMeta, Procedure, Repository, UserRef


def fields_have_the_types_of_the_api(page: Page[Procedure]) -> None:
    assert_type(page.data, list[Procedure])
    assert_type(page.cursor, int)
    assert_type(page.meta, PageMeta)
    assert_type(page.meta.has_more, bool)
    assert_type(page.meta.next_cursor, int | None)
    procedure = page.data[0]
    assert_type(procedure.id, str)
    assert_type(procedure.name, str)
    assert_type(procedure.created_at, datetime)
    assert_type(procedure.created_by_user, UserRef | None)
    assert_type(procedure.linked_repository, Repository | None)


def models_are_built_by_keyword_or_position(creator: UserRef) -> Procedure:
    return Procedure("id", "Battery Test", datetime(2024, 1, 1, tzinfo=UTC), created_by_user=creator)


def models_are_frozen(procedure: Procedure) -> None:
    procedure.name = "another"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - frozen


def models_are_hashable(procedures: list[Procedure]) -> set[Procedure]:
    return set(procedures)
