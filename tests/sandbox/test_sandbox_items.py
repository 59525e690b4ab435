"""Faults of certain items strike every page that holds them, and no other page."""

import pytest
from fakes.asking import ask

from aiotofupilot.sandbox import Request, Service
from aiotofupilot.sandbox.faults import empty, html, malformed, status, unreadable


@pytest.fixture
def service():
    return Service(procedures=10, runs=10)


def get(service, cursor, limit, listing="procedures"):
    return ask(service, listing, {"cursor": str(cursor), "limit": str(limit)})


@pytest.mark.parametrize("name", ["position", "id"])
def test_a_page_that_holds_an_unreadable_item_fails_whatever_its_length(service, name):
    service.faults.always(unreadable(6 if name == "position" else service.procedures[6].id))
    for cursor in range(10):
        for limit in range(1, 11):
            status_code, _ = get(service, cursor, limit)
            assert status_code == (500 if cursor <= 6 < cursor + limit else 200)


def test_an_unreadable_item_can_meet_any_fault(service):
    service.faults.always(unreadable(2, by=status(408)), unreadable(3, by=status(504)))
    assert [get(service, cursor, 1)[0] for cursor in range(5)] == [200, 200, 408, 504, 200]
    assert repr(unreadable(2, "a", by=empty(504))) == "unreadable(2, 'a', by=empty(504))"


def test_a_malformed_item_has_no_id_and_leaves_the_rest_of_the_page_alone(service):
    _, good = get(service, 4, 4)
    service.faults.always(malformed(6, service.procedures[7].id))
    status_code, document = get(service, 4, 4)
    assert status_code == 200
    assert [item["id"] for item in document["data"]] == [*(item["id"] for item in good["data"][:2]), None, None]
    assert [item["name"] for item in document["data"]] == [item["name"] for item in good["data"]]
    assert document["meta"] == good["meta"]
    assert all(item["id"] for item in get(service, 0, 4)[1]["data"])


def test_a_malformed_item_of_a_bare_array(service):
    service.faults.always(malformed(0))
    _, document = ask(service, "users")
    assert [item["id"] for item in document] == [None, *(user.id for user in service.users[1:])]


@pytest.mark.parametrize("other", [status(503), html()], ids=repr)
def test_what_another_fault_answers_is_left_as_it_is(service, other, met):
    """There is no item in it to write otherwise."""
    request = Request(page=service._api.page("/api/v2/procedures", (), f"Bearer {service.api_key}"))
    answer = met(other, request=request)
    assert met(malformed(0), answer, request=request) == answer


def test_a_request_without_a_page_meets_nothing(service):
    service.faults.always(unreadable(0), malformed(0))
    assert ask(service, "procedures", key="wrong")[0] == 401
