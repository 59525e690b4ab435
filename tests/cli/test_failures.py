"""What went wrong, in one line and a code."""

from asyncio import CancelledError

import pytest

from aiotofupilot import errors
from aiotofupilot.cli.messages import EXPECTED, ExitCode, StoppedError, UsageError, explained


def api_error(kind, status):
    return kind("Some reason", status=status, code="CODE")


FAILURES = [
    (UsageError("cannot write x"), 2, "cannot write x"),
    (api_error(errors.UnauthorizedError, 401), 3, "401 CODE: Some reason; check the address"),
    (api_error(errors.ForbiddenError, 403), 3, "403 CODE: Some reason; check the address"),
    (api_error(errors.BadRequestError, 400), 4, "400 CODE: Some reason; the server does not accept these options"),
    (api_error(errors.NotFoundError, 404), 4, "404 CODE: Some reason; check the address in TOFUPILOT_URL"),
    (api_error(errors.RateLimitedError, 429), 4, "429 CODE: Some reason; try again later"),
    (api_error(errors.ServerError, 503), 4, "503 CODE: Some reason; try again later"),
    (api_error(errors.APIError, 418), 4, "418 CODE: Some reason; check the address"),
    (errors.CertificateError("expired"), 4, "expired; check the address"),
    (
        errors.ConnectionFailedError("refused"),
        4,
        "refused; check the address in TOFUPILOT_URL or --base-url, and the network",
    ),
    (
        errors.RequestTimeoutError("late", timeout=1.0),
        4,
        "late; check the address in TOFUPILOT_URL or --base-url, and the network",
    ),
    (
        StoppedError(errors.RedirectError("elsewhere", location="https://x"), "3 runs written"),
        4,
        "elsewhere; check the address in TOFUPILOT_URL or --base-url; 3 runs written",
    ),
    (errors.DecodeError("no id"), 4, "no id; check the address in TOFUPILOT_URL or --base-url, or get a newer aio"),
    (
        errors.DriftError("moved", cursor=3),
        4,
        "moved; items were added or removed: run it again, or use --on-drift ignore, which may skip some",
    ),
    (errors.PaginationError("stuck", cursor=1, next_cursor=1), 4, "stuck; get a newer aiotofupilot, or report this"),
    (OSError(28, "No space left on device"), 4, "cannot write: No space left on device"),
    (OSError("odd"), 4, "cannot write: odd"),
    (
        StoppedError(api_error(errors.UnauthorizedError, 401), "1,300 procedures written"),
        3,
        "401 CODE: Some reason; check the address in TOFUPILOT_URL or --base-url; 1,300 procedures written",
    ),
    (StoppedError(CancelledError(), "1 procedure written"), 130, "interrupted; 1 procedure written"),
]


@pytest.mark.parametrize(("error", "code", "line"), FAILURES, ids=lambda value: type(value).__name__)
def test_a_failure_has_a_code_and_a_line_that_says_what_to_do(error, code, line):
    """What went wrong comes first, then what to do next."""
    assert isinstance(error, EXPECTED)
    assert explained(error)[0] == code
    assert explained(error)[1].startswith(line)


def test_a_certificate_is_trusted_with_an_option():
    """The library's way is an argument."""
    error = errors.CertificateError("unknown")
    error.hint = "check its address, or pass ca_cert="
    assert explained(error) == (ExitCode.FAILED, "unknown; check its address, or pass --ca-cert")


def test_an_error_that_has_a_hint_of_its_own_is_told_with_that():
    """It knows the server and where the key is from."""
    error = api_error(errors.UnauthorizedError, 401)
    error.hint = "https://tofu.example refused the key"
    error.attempts, error.elapsed = 2, 1.25
    line = "401 CODE: Some reason (2 attempts in 1.2 s); https://tofu.example refused the key"
    assert explained(error) == (ExitCode.REFUSED, line)


@pytest.mark.parametrize(("status", "kind"), [(429, errors.RateLimitedError), (503, errors.ServerError)])
@pytest.mark.parametrize(
    ("retry_after", "advice"),
    [(None, "try again later"), (0.2, "try again in 1 s"), (3600.0, "try again in 3,600 s")],
)
def test_how_long_the_server_asks_to_wait_is_told(status, kind, retry_after, advice):
    error = kind("Busy", status=status, code="CODE", retry_after=retry_after)
    assert explained(error) == (ExitCode.FAILED, f"{status} CODE: Busy; {advice}")


def test_another_way_to_follow_a_listing_is_told_by_its_option():
    """It is all the advice there is: the listing has not moved."""
    error = errors.DriftError('no offsets; on_drift="ignore" follows them', cursor=3)
    assert explained(error) == (ExitCode.FAILED, "no offsets; --on-drift ignore follows them")
