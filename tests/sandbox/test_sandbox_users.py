"""The listing of users."""

from fakes.asking import ask

from aiotofupilot.sandbox import Sandbox


def test_users_are_one_bare_array_whatever_the_query_is():
    service = Sandbox(20, runs=10)
    status, document = ask(service, "users", {"limit": "1", "cursor": "x"})
    assert status == 200
    assert document == [
        {"id": user.id, "name": user.name, "email": user.email, "image": user.image, "banned": user.banned}
        for user in service.users
    ]
    assert len(document) > 5
    assert not service.requests[-1].page.meta.has_more


def test_a_removed_user_is_not_listed_any_more():
    service = Sandbox(20, runs=10)
    gone = service.users.pop()
    assert gone.id not in {user["id"] for user in ask(service, "users")[1]}
    assert str(service.requests[-1]) == f"GET /api/v2/users: 200, {len(service.users)} users"


def test_the_key_of_a_station_lists_users():
    """Another key does not."""
    service = Sandbox(1)
    assert ask(service, "users", key=service.station_key)[0] == 200
    assert ask(service, "users", key="x")[0] == 401
