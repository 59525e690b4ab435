"""The error tree: its shape, what each error carries and shows, and that all of it can be pickled.

- Errors, and subclasses of your own, are copied and pickled with all that they carry.
"""

import copy
import pickle
import re

import pytest

from aiotofupilot import Checkpoint, errors

ISSUE = errors.ValidationIssue("too big", ("limit", 0), "too_big")

API = {
    "status": 400,
    "code": "BAD_REQUEST",
    "issues": (ISSUE,),
    "request_id": "r-1",
    "retry_after": 2.5,
    "body": b"{}",
    "headers": {"X-RateLimit-Remaining": "0"},
}
"""The keyword arguments of an APIError."""

EXAMPLES = [
    errors.TofuPilotError("m"),
    errors.ConfigurationError("m"),
    errors.SessionError("m"),
    errors.TransportError("m"),
    errors.ConnectionFailedError("m"),
    errors.CertificateError("m"),
    errors.RequestTimeoutError("m", timeout=30.0),
    errors.ProxyError("m", status=407),
    errors.RedirectError("m", location="https://elsewhere.example.com/"),
    errors.ResponseTooLargeError("m", limit=1024),
    errors.APIError("m", **API),
    errors.BadRequestError("m", **API),
    errors.UnauthorizedError("m", **API),
    errors.ForbiddenError("m", **API),
    errors.NotFoundError("m", **API),
    errors.RateLimitedError("m", **API),
    errors.ServerError("m", **API),
    errors.DecodeError("m", path="$.data[3].name", body=b"{}"),
    errors.InvalidJSONError("m", path="$", body=b"<"),
    errors.AttachmentError("m"),
    errors.PaginationError("m", cursor=5, next_cursor=3),
    errors.DriftError("m", cursor=5),
]

CLASSES = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]

each = pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)


def test_every_class_has_its_example():
    """The tests below use every class."""
    assert {type(error) for error in EXAMPLES} == set(CLASSES)


def test_the_tree_is_the_one_that_the_module_draws():
    """Every class is at the place where the drawing has it."""
    parents: list[tuple[int, str]] = []
    drawn = {}
    for line in errors.__doc__.splitlines():
        if match := re.match(r"[ │├└─]*(\w+Error)\b", line):
            depth = match.start(1)
            while parents and parents[-1][0] >= depth:
                parents.pop()
            drawn[match[1]] = parents[-1][1] if parents else "Exception"
            parents.append((depth, match[1]))
    assert drawn == {cls.__name__: cls.__base__.__name__ for cls in CLASSES}


@each
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301 - our own
def test_an_error_travels_with_all_it_knows(error, copied):
    """Its data, its notes and its message arrive in another process."""
    error = copy.copy(error)
    error.attempts, error.checkpoint = 3, Checkpoint(5)
    error.add_note("cursor=5")
    twin = copied(error)
    assert twin is not error
    assert type(twin) is type(error)
    assert vars(twin) == vars(error)
    assert (str(twin), twin.args, twin.__notes__) == (str(error), error.args, ["cursor=5"])
    assert (twin.attempts, twin.checkpoint) == (3, Checkpoint(5))


def test_a_class_says_what_its_errors_have_before_a_walk_tells_more():
    """A subclass may have another value, such as a hint for all of its errors."""
    for cls in CLASSES:
        assert (cls.attempts, cls.checkpoint, cls.position, cls.elapsed, cls.down_since) == (0, None, None, None, None)
        assert (cls.item_id, cls.watermark, cls.hint) == (None, None, None)


def test_an_error_of_your_own_is_one_of_the_tree():
    """Its constructor is its own, and it need not call another one, as with any exception."""

    class MissingUnitError(errors.TofuPilotError):
        hint = "make the unit first"

        def __init__(self, serial_number):
            super().__init__(f"there is no unit {serial_number}")
            self.serial_number = serial_number

    class SilentError(errors.TofuPilotError):
        def __init__(self, serial_number):
            self.serial_number = serial_number

    error = copy.copy(MissingUnitError("SN-1"))
    assert (str(error), error.serial_number) == ("there is no unit SN-1; make the unit first", "SN-1")
    assert repr(error) == "MissingUnitError('there is no unit SN-1')"
    assert (str(SilentError("SN-1")), SilentError("SN-1").attempts) == ("SN-1", 0)


def test_an_error_needs_no_message():
    """Such as where a mock is to raise it."""
    with pytest.raises(errors.SessionError) as caught:
        raise errors.SessionError
    assert str(caught.value) == ""


@each
def test_the_arguments_of_an_exception_are_the_message(error):
    """They are what repr() shows, and str() shows what somebody put there since."""
    assert error.args == ("m",)
    assert repr(error) == f"{type(error).__name__}('m')"
    other = copy.copy(error)
    other.args = ("while reading SN-1: m",)
    assert isinstance(error, errors.APIError) or str(other) == "while reading SN-1: m"


@each
def test_an_error_is_equal_to_itself_alone(error):
    """So each one can be in a set, as with any exception."""
    assert len({error, copy.copy(error), error}) == 2


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "400 BAD_REQUEST: m (limit.0: too big)"),
        ({"issues": [errors.ValidationIssue("bad"), ISSUE]}, "400 BAD_REQUEST: m (bad; limit.0: too big)"),
        ({"issues": ()}, "400 BAD_REQUEST: m"),
        ({"issues": (), "code": None}, "400: m"),
    ],
)
def test_an_api_error_shows_status_code_message_and_issues(changes, shown):
    """They are in one line, because people read that line."""
    assert str(errors.APIError("m", **{**API, **changes})) == shown


def test_an_api_error_has_what_the_server_said_as_attributes():
    """Programs do not have to parse messages."""
    error = errors.APIError("m", **{**API, "issues": [ISSUE]})
    assert {name: getattr(error, name) for name in API} == API
    assert error.message == "m"
    assert errors.APIError("m", status=400, headers=None).headers == {}


def test_the_data_of_the_others_are_attributes_too():
    assert errors.RequestTimeoutError("m", timeout=None).timeout is None
    assert errors.RedirectError("m", location="/x").location == "/x"
    assert errors.ResponseTooLargeError("m", limit=9).limit == 9
    assert (errors.DecodeError("m").path, errors.DecodeError("m").body) == ("$", b"")
    error = errors.PaginationError("m", cursor=5, next_cursor=3)
    assert (error.cursor, error.next_cursor) == (5, 3)
    assert errors.DriftError("m", cursor=5).cursor == 5
