"""The listing of users."""

from fakes.asking import ask

from aiotofupilot.sandbox import Service


def test_a_bare_array():
    """Users come whole, in a bare array, whatever the query says."""
    service = Service(20, runs=10)
    status, document = ask(service, "users", {"limit": "1", "cursor": "x"})
    assert status == 200
    assert document == [
        {"id": user.id, "name": user.name, "email": user.email, "image": user.image, "banned": user.banned}
        for user in service.users
    ]
    assert len(document) > 5


def test_live():
    """A user who is removed is not listed any more."""
    service = Service(20, runs=10)
    gone = service.users.pop()
    assert gone.id not in {user["id"] for user in ask(service, "users")[1]}
    assert str(service.requests[-1]) == f"GET /api/v2/users: 200, {len(service.users)} users"


def test_keys():
    """A station's key reads users; another key does not."""
    service = Service(1)
    assert ask(service, "users", key=service.station_key)[0] == 200
    assert ask(service, "users", key="x")[0] == 401
